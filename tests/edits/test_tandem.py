"""Tandem repeats."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepconsensus_py.edits.repeats import find_short_tandem_repeats
from deepconsensus_py.pacbio.molecule import encode_bases


@given(st.text("AT", max_size=25) | st.text("ATC", max_size=25))
def test_equals_a_search_at_every_position(sequence: str) -> None:
    expected = []
    for unit in (2, 3):
        start = 0
        while start < len(sequence):
            stop = start + unit
            while stop < len(sequence) and sequence[stop] == sequence[stop - unit]:
                stop += 1
            if stop - start >= 2 * unit and len(set(sequence[start : start + unit])) > 1:
                expected.append((start, stop, unit))
            start = max(stop - unit, start) + 1 if stop - start >= unit + 1 else start + 1
    assert find_short_tandem_repeats(encode_bases(sequence)).rows() == expected


@pytest.mark.parametrize(
    ("sequence", "rows"),
    [
        ("CCATATATGG", [(2, 8, 2)]),
        ("CCATATAGG", [(2, 7, 2)]),
        ("AAAAAA", []),
        ("ACGACG", [(0, 6, 3)]),
        ("AATAATAATA", [(0, 10, 3)]),
        ("CATAG", []),
        ("A", []),
        ("", []),
    ],
)
def test_examples(sequence: str, rows: list[tuple[int, int, int]]) -> None:
    assert find_short_tandem_repeats(encode_bases(sequence)).rows() == rows


def test_takes_by_number() -> None:
    tandem_repeats = find_short_tandem_repeats(encode_bases("CCATATATGGCACACA"))
    assert tandem_repeats.take(np.array([1])).rows() == [tandem_repeats.rows()[1]]
    assert len(tandem_repeats.take(np.empty(0, np.intp))) == 0
