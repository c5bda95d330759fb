"""Vectors in compiled functions against the same in NumPy."""

from collections.abc import Callable

import numpy as np
import pytest
from numba import njit

from deepconsensus_py.align.vectors import (
    SIZE,
    down,
    fill,
    least,
    load,
    numbers,
    scan_down,
    scan_up,
    store,
    total,
    up,
    where,
)

RNG = np.random.default_rng(0)
Floats = np.ndarray


def compiled(step: Callable[..., object]) -> Callable[[Floats, Floats], Floats]:
    """A function of two arrays that does one thing with the vectors at their fourth elements."""
    step = njit(step)

    @njit
    def homopolymer(left: Floats, right: Floats) -> Floats:
        out = np.zeros(len(left), np.float32)
        store(out, 3, step(load(left, 3), load(right, 3)))
        return out

    return homopolymer


def scanned(values: Floats, factors: Floats) -> Floats:
    sums = values.copy()
    for k in range(1, SIZE):
        sums[k] += factors[k] * sums[k - 1]
    return sums


def moved(values: Floats, by: int) -> Floats:
    out = np.roll(values, by)
    out[: max(by, 0)] = 0
    out[len(out) + min(by, 0) :] = 0
    return out


CASES = {
    "sum of two": (lambda a, b: a + b, lambda a, b: a + b),
    "number beside a vector": (lambda a, b: np.float32(2) * a + b * np.float32(3), lambda a, b: 2 * a + 3 * b),
    "up": (lambda a, _b: up(a), lambda a, _b: moved(a, 1)),
    "down": (lambda a, _b: down(a), lambda a, _b: moved(a, -1)),
    "scan up": (lambda a, b: scan_up(up(a), b), lambda a, b: scanned(moved(a, 1), b)),
    "scan down": (lambda a, b: scan_down(up(a), b), lambda a, b: scanned(moved(a, 1)[::-1], b[::-1])[::-1]),
    "total": (lambda a, _b: fill(total(a)), lambda a, _b: np.full(SIZE, a.sum())),
    "least": (lambda a, b: least(a, up(b)), lambda a, b: np.minimum(a, moved(b, 1))),
    "where": (
        lambda a, b: where(numbers() < np.int32(5), a, where(numbers() == np.int32(9), b, fill(np.float32(7)))),
        lambda a, b: np.where(np.arange(SIZE) < 5, a, np.where(np.arange(SIZE) == 9, b, 7)),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_vectors_are_sixteen_numbers(name: str) -> None:
    step, twin = CASES[name]
    left, right = RNG.random((2, SIZE + 8)).astype(np.float32)
    inner = slice(3, 3 + SIZE)
    expected = np.zeros(SIZE + 8, np.float32)
    expected[inner] = twin(left[inner], right[inner])
    np.testing.assert_allclose(compiled(step)(left, right), expected, rtol=1e-5)


def test_vectors_come_from_any_row() -> None:
    @njit
    def copied(table: np.ndarray) -> np.ndarray:
        out = np.zeros(SIZE, np.int32)
        store(out, 0, load(table, table.shape[1] + 1))
        return out

    table = np.arange(60, dtype=np.int32).reshape(3, 20)
    np.testing.assert_array_equal(copied(table), np.arange(21, 21 + SIZE))
