"""Rows of tables are found and merged as NumPy does it."""

import numpy as np
import pytest

from deepconsensus_py.align.rows import largest, merged

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("dtype", [np.int16, np.int64, np.uint32, np.float64])
@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (50, 1), (50, 17)])
def test_the_largest_of_each_row(dtype: type, shape: tuple[int, int]) -> None:
    values = RNG.integers(0, 1000, shape).astype(dtype)
    found = largest(values)
    assert found.dtype == dtype
    assert found.tolist() == [max(row) for row in values.tolist()]


def test_the_largest_of_columns_of_a_larger_table() -> None:
    values = RNG.integers(-1000, 1000, (20, 6))
    np.testing.assert_array_equal(largest(values[:, 1:5]), values[:, 1:5].max(axis=1))


def test_rows_are_merged_from_both() -> None:
    ours, theirs = (RNG.random((3, rows, 4)).astype(np.float32) for rows in (5, 2))
    found = merged(ours, theirs, np.array([4, -1, 0, -2]))
    np.testing.assert_array_equal(found, np.stack([ours[:, 4], theirs[:, 0], ours[:, 0], theirs[:, 1]], axis=1))
    assert merged(ours, theirs, np.empty(0, np.int64)).shape == (3, 0, 4)
