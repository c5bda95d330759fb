"""Edited drafts and carried-over alignments."""

import numpy as np
import pytest
from edit_tools import apply_each, carry_over
from hmm_reference import random_draft, random_pass
from support import alignment_of

from deepconsensus_py.align import cigar
from deepconsensus_py.align.cigar import left_normalise
from deepconsensus_py.edits.classes import Edit
from deepconsensus_py.edits.repeats import find_homopolymers
from deepconsensus_py.pacbio.molecule import Alignment, Pass, decode_bases, encode_bases


def edit(start: int, removed: int, letters: str) -> Edit:
    return Edit(start, removed, encode_bases(letters))


@pytest.mark.parametrize(
    ("edits", "expected", "index"),
    [
        ([], "AACGT", [0, 1, 2, 3, 4]),
        ([edit(0, 1, "")], "ACGT", [1, 2, 3, 4]),
        ([edit(2, 0, "TT")], "AATTCGT", [0, 1, -1, -1, 2, 3, 4]),
        ([edit(4, 0, "G"), edit(0, 2, "")], "CGGT", [2, 3, -1, 4]),
        ([edit(2, 1, "G")], "AAGGT", [0, 1, -1, 3, 4]),
        ([edit(5, 0, "A")], "AACGTA", [0, 1, 2, 3, 4, -1]),
    ],
)
def test_edits_are_made(edits: list[Edit], expected: str, index: list[int]) -> None:
    bases, draft_index = apply_each(encode_bases("AACGT"), edits)
    assert decode_bases(bases) == expected
    assert draft_index.tolist() == index


def by_numpy(p: Pass, draft: np.ndarray, draft_index: np.ndarray) -> Alignment | None:
    """The alignment of ``carry_over``: its NumPy twin."""
    in_pass, in_old = cigar.paired_positions(p.alignment)
    old = np.flatnonzero(draft_index >= 0)
    new_of_old = np.full(max(in_old.max(initial=0), draft_index.max(initial=0)) + 1, -1)
    new_of_old[draft_index[old]] = old
    in_draft = new_of_old[in_old]
    in_pass, in_draft = in_pass[in_draft >= 0], in_draft[in_draft >= 0]
    if not len(in_pass):
        return None
    in_pass, in_draft = _with_new_pairs(in_pass, in_draft, np.cumsum(draft_index < 0))
    inserted, deleted = np.diff(in_pass) - 1, np.diff(in_draft) - 1
    kinds = np.tile(np.array([cigar.EQUAL, cigar.INSERTION, cigar.DELETION], np.uint8), len(in_pass))
    counts = np.stack([np.ones_like(in_pass), np.append(inserted, 0), np.append(deleted, 0)], axis=1).ravel()
    tail = len(p.bases) - 1 - int(in_pass[-1])
    alignment = alignment_of(np.repeat(kinds, counts), start=in_draft[0], head=int(in_pass[0]), tail=tail)
    return left_normalise(alignment, p.bases, draft)


def _with_new_pairs(in_pass: np.ndarray, in_draft: np.ndarray, new_bases: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs, and those of the last inserted bases of a gap with the new bases of the draft there.

    ``new_bases`` is how many bases of the draft up to each one, itself included, are new.
    """
    inserted = np.diff(in_pass) - 1
    pairs = np.minimum(inserted, new_bases[in_draft[1:] - 1] - new_bases[in_draft[:-1]])
    gaps = np.flatnonzero(pairs > 0)
    back = np.repeat(np.cumsum(pairs[gaps]), pairs[gaps]) - np.arange(pairs[gaps].sum())
    after = np.repeat(gaps + 1, pairs[gaps])
    return np.insert(in_pass, after, in_pass[after] - back), np.insert(in_draft, after, in_draft[after] - back)


def carried(draft: str, p: str, text: list[tuple[int, str]], changes: list[Edit]) -> str:
    codes = {"=": 7, "X": 8, "I": 1, "D": 2, "S": 4}
    operations = np.array([codes[code] for _, code in text], np.uint8)
    lengths = np.array([n for n, _ in text], np.int32)
    a_pass = Pass("m/1/0_1", encode_bases(p), None, None, None, Alignment(0, operations, lengths))
    bases, index = apply_each(encode_bases(draft), changes)
    moved = carry_over(a_pass, encode_bases(draft), bases, index)
    assert moved is not None
    assert moved.alignment is not None
    names = "MIDNSHP=X"
    pairs = zip(moved.alignment.lengths, moved.alignment.operations, strict=True)
    return f"{moved.alignment.start} " + "".join(f"{n}{names[code]}" for n, code in pairs)


def test_a_base_more_in_the_draft_takes_an_inserted_one() -> None:
    assert carried("CAAG", "CAAAG", [(1, "="), (1, "I"), (3, "=")], [edit(1, 0, "A")]) == "0 5="


def test_a_base_more_in_the_draft_is_a_deletion_elsewhere() -> None:
    assert carried("CAAG", "CAAG", [(4, "=")], [edit(1, 0, "A")]) == "0 1=1D3="


def test_a_base_less_in_the_draft_takes_a_deletion_away() -> None:
    assert carried("CAAG", "CAG", [(1, "="), (1, "D"), (2, "=")], [edit(1, 1, "")]) == "0 3="


def test_a_base_less_in_the_draft_is_an_insertion_elsewhere() -> None:
    assert carried("CAAG", "CAAG", [(4, "=")], [edit(1, 1, "")]) == "0 1=1I2="


def test_clips_grow_where_the_first_base_goes() -> None:
    assert carried("CAAG", "TTCAAG", [(2, "S"), (4, "=")], [edit(0, 1, "")]) == "0 3S3="


def test_nothing_is_left_of_a_pass_whose_bases_go() -> None:
    a_pass = Pass("m/1/0_1", encode_bases("CA"), None, None, None, Alignment(1, np.array([7], np.uint8), np.array([2])))
    bases, index = apply_each(encode_bases("TCAG"), [edit(1, 2, "")])
    assert carry_over(a_pass, encode_bases("TCAG"), bases, index) is None


@pytest.mark.parametrize("seed", range(10))
def test_alignments_fit_and_hold_what_they_held(seed: int) -> None:
    rng = np.random.default_rng(seed)
    draft = random_draft(400, rng)
    p = random_pass(draft, rng)
    homopolymers = find_homopolymers(draft)
    changed = np.flatnonzero(rng.random(len(homopolymers)) < 0.1)[::2]
    edits = [
        Edit(int(homopolymers.start[r]), 1, draft[:0])
        if rng.random() < 0.5
        else Edit(int(homopolymers.start[r]), 0, homopolymers.base[[r]])
        for r in changed
    ]
    bases, index = apply_each(draft, edits)
    moved = carry_over(p, draft, bases, index)
    assert moved is not None
    assert moved.alignment is not None
    assert p.alignment is not None
    a = moved.alignment
    twin = by_numpy(p, bases, index)
    assert (a.start, a.operations.tolist(), a.lengths.tolist()) == (
        twin.start,
        twin.operations.tolist(),
        twin.lengths.tolist(),
    )
    assert a.lengths @ cigar.ON_PASS[a.operations] == len(p.bases)
    assert a.start + a.lengths @ cigar.ON_DRAFT[a.operations] <= len(bases)
    in_pass, in_draft = cigar.paired_positions(a)
    equal = p.bases[in_pass] == bases[in_draft]
    columns = np.repeat(a.operations, a.lengths)
    paired = columns[cigar.ON_PASS[columns] & cigar.ON_DRAFT[columns]]
    np.testing.assert_array_equal(paired == cigar.EQUAL, equal)
    lost = sum(edit.removed for edit in edits)
    assert equal.sum() >= cigar.counts(p.alignment)[cigar.EQUAL] - lost
