"""Alignments with known answers: ends, orientation, gaps at their leftmost place."""

import numpy as np
import pytest

from deepconsensus_py.evaluate.alignment import FREE_END, AlignedRead, align_read, shift_gaps_left
from deepconsensus_py.evaluate.reads import Read, reverse_complement_letters

TRUTH = "".join(np.random.default_rng(0).choice(list("ACGT"), 5000))


def _align(bases: str) -> AlignedRead:
    return align_read(Read("m/1/ccs", bases), TRUTH)


def _letters(row: np.ndarray) -> str:
    return row.tobytes().decode().replace("\0", "-")


@pytest.mark.parametrize(
    ("row", "other", "shifted"),
    [
        ("CAA-", "CAAA", "C-AA"),
        ("ACGACG---T", "ACGACGACGT", "---ACGACGT"),
        ("ACT-", "ACTG", "ACT-"),
        ("GAA-A-T", "GAAAAAT", "G--AAAT"),
        ("GTA-", "GAAA", "GT-A"),  # not over a mismatch
        ("-AC", "TAC", "-AC"),
    ],
)
def test_gaps_go_left(row: str, other: str, shifted: str) -> None:
    rows = [np.array([0 if c == "-" else ord(c) for c in text], np.uint8) for text in (row, other)]
    shift_gaps_left(*rows)
    assert _letters(rows[0]) == shifted
    assert _letters(rows[1]) == other


def test_the_truth_aligns_to_itself_in_both_orientations() -> None:
    for bases, turned in ((TRUTH, False), (reverse_complement_letters(TRUTH), True)):
        aligned = _align(bases)
        assert aligned.reversed == turned
        assert aligned.read.bases == TRUTH
        assert (aligned.rows[0] == aligned.rows[1]).all()
        assert aligned.truth_span == (0, len(TRUTH))


def test_a_turned_read_takes_its_qualities_along() -> None:
    qualities = np.arange(len(TRUTH), dtype=float)
    aligned = align_read(Read("m/1/ccs", reverse_complement_letters(TRUTH), qualities), TRUTH)
    np.testing.assert_array_equal(aligned.read.qualities, qualities[::-1])


@pytest.mark.parametrize("cut", [1, FREE_END, FREE_END + 1, 300])
def test_missing_ends_are_overhangs_of_the_truth(cut: int) -> None:
    overhangs = _align(TRUTH[cut:]).overhangs
    assert (overhangs.left, overhangs.right) == (-cut, 0)
    overhangs = _align(TRUTH[:-cut]).overhangs
    assert (overhangs.left, overhangs.right) == (0, -cut)


def test_extra_ends_are_overhangs_of_the_read() -> None:
    aligned = _align("GATTACA" * 3 + TRUTH)
    assert abs(aligned.overhangs.left - 21) <= 2
    assert aligned.read_span[0] == aligned.overhangs.left


def test_an_empty_read_is_one_unknown_base() -> None:
    assert _align("").read.bases == "N"
