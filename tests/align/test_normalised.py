"""Left-normalisation: nothing but the place of gaps changes, and no gap can go further."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from normalise_twin import left_normalise as by_numpy
from support import alignment_of

from deepconsensus_py.align import cigar
from deepconsensus_py.align.cigar import left_normalise
from deepconsensus_py.pacbio.molecule import Alignment, decode_bases, encode_bases

LETTERS = st.sampled_from("AAAC")


@st.composite
def alignments(draw: st.DrawFn, kinds: str = "ID") -> tuple[Alignment, np.ndarray, np.ndarray]:
    """Alignments of repetitive sequences, in which gaps have far to go."""
    inner = draw(st.lists(st.sampled_from("MM" * len(kinds) + kinds), max_size=40))
    columns = ["M", *inner, "M"]
    head, tail, start, rest = (draw(st.integers(0, 3)) for _ in range(4))
    bases = draw(st.lists(LETTERS, min_size=(n := head + tail + sum(c != "D" for c in columns)), max_size=n))
    draft = draw(st.lists(LETTERS, min_size=(m := start + rest + sum(c != "I" for c in columns)), max_size=m))
    codes = np.array(["MID".index(c) for c in columns], np.uint8)
    alignment = alignment_of(codes, start=start, head=head, tail=tail)
    return alignment, encode_bases("".join(bases)), encode_bases("".join(draft))


def rows(alignment: Alignment, bases: np.ndarray, draft: np.ndarray) -> tuple[list[str], list[str]]:
    """The two gapped rows, column by column."""
    top, bottom, i, j = [], [], 0, alignment.start
    for code, length in zip(alignment.operations.tolist(), alignment.lengths.tolist(), strict=True):
        on_pass, on_draft = bool(cigar.ON_PASS[code]), bool(cigar.ON_DRAFT[code])
        if code != cigar.SOFT_CLIP:
            top += decode_bases(bases[i : i + length]) if on_pass else "-" * length
            bottom += decode_bases(draft[j : j + length]) if on_draft else "-" * length
        i += length * on_pass
        j += length * on_draft
    return top, bottom


def naive(top: list[str], bottom: list[str]) -> tuple[list[str], list[str]]:
    """Move one gap by one column until none moves."""
    top, bottom = list(top), list(bottom)
    moved = True
    while moved:
        moved = False
        for row, other in ((top, bottom), (bottom, top)):
            for first in range(2, len(row)):
                if row[first] != "-" or "-" in (row[first - 1], other[first - 1]):
                    continue
                end = first
                while end < len(row) and row[end] == "-":
                    end += 1
                if other[first - 1] == other[end - 1]:
                    row[first - 1], row[end - 1] = "-", row[first - 1]
                    moved = True
    return top, bottom


@given(alignments())
def test_is_as_its_twin(case) -> None:
    ours, theirs = left_normalise(*case), by_numpy(*case)
    assert ours.start == theirs.start
    np.testing.assert_array_equal(ours.operations, theirs.operations)
    np.testing.assert_array_equal(ours.lengths, theirs.lengths)


# Where gaps meet, which of them moved first decides how far they go together, so that there may be two such places.
@given(alignments("I") | alignments("D"))
def test_no_gap_can_move_one_column_more(case) -> None:
    alignment, bases, draft = case
    left = rows(left_normalise(alignment, bases, draft), bases, draft)
    assert naive(*left) == left


@given(alignments("I") | alignments("D"))
def test_a_gap_alone_moves_as_far_as_one_column_at_a_time_does(case) -> None:
    alignment, bases, draft = case
    top, bottom = rows(alignment, bases, draft)
    if "".join("-" if "-" in pair else "." for pair in zip(top, bottom, strict=True)).strip(".").count(".") == 0:
        assert rows(left_normalise(alignment, bases, draft), bases, draft) == naive(top, bottom)


@given(alignments())
def test_keeps_start_clips_and_the_number_of_each_edit(case) -> None:
    alignment, bases, draft = case
    once = left_normalise(alignment, bases, draft)
    top, bottom = rows(alignment, bases, draft)
    equal = sum(a == b for a, b in zip(top, bottom, strict=True))
    before, after = cigar.counts(alignment), cigar.counts(once)
    assert once.start == alignment.start
    assert after[cigar.EQUAL] == equal
    assert after[cigar.DIFFERENT] == before[cigar.MATCH] - equal
    for code in (cigar.INSERTION, cigar.DELETION, cigar.SOFT_CLIP):
        assert after[code] == before[code]


@given(alignments())
def test_is_idempotent(case) -> None:
    alignment, bases, draft = case
    once = left_normalise(alignment, bases, draft)
    twice = left_normalise(once, bases, draft)
    assert np.array_equal(once.operations, twice.operations)
    assert np.array_equal(once.lengths, twice.lengths)


@given(alignments())
def test_pairs_agree_with_the_rows(case) -> None:
    alignment, bases, draft = case
    in_pass, in_draft = cigar.paired_positions(alignment)
    top, bottom = rows(alignment, bases, draft)
    paired = [(a, b) for a, b in zip(top, bottom, strict=True) if "-" not in (a, b)]
    assert list(zip(decode_bases(bases[in_pass]), decode_bases(draft[in_draft]), strict=True)) == paired


def test_gaps_at_the_ends_become_clips() -> None:
    alignment = Alignment(3, np.array([5, 4, 1, 2, 7, 2, 1, 5], np.uint8), np.array([9, 1, 2, 1, 2, 1, 1, 9], np.int32))
    after = left_normalise(alignment, encode_bases("TGGACT"), encode_bases("CCCTACT"))
    assert after.start == 4
    assert after.operations.tolist() == [4, 7, 4]
    assert after.lengths.tolist() == [3, 2, 1]


def test_refuses_an_alignment_of_nothing() -> None:
    nothing = Alignment(0, np.array([4], np.uint8), np.array([3], np.int32))
    with pytest.raises(ValueError, match="pairs no base"):
        left_normalise(nothing, encode_bases("ACT"), encode_bases("ACT"))
