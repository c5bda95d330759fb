"""Candidate edits, compared with a plain count, and what they miss of the likelihoods."""

from pathlib import Path

import numpy as np
import pytest
from edit_molecules import known_molecules, make_pass, make_zmw, zmws
from edit_tools import all_ratios, candidates_of, estimate, score_edits
from hypothesis import given

from deepconsensus_py.align import cigar
from deepconsensus_py.align.cigar import left_normalise
from deepconsensus_py.edits.candidates import SHARE
from deepconsensus_py.edits.evidence import pooled
from deepconsensus_py.edits.repeats import find_homopolymers
from deepconsensus_py.pacbio.molecule import Pass, Zmw, encode_bases

DRAFT = "GATTTACA"


def changes(p: Pass, draft: np.ndarray) -> set[tuple[int, int]]:
    """(draft position, kind) of the changes that a pass supports: 0 for a deletion, else the inserted base."""
    found, column, position = set(), p.alignment.start, 0
    for code, length in zip(p.alignment.operations.tolist(), p.alignment.lengths.tolist(), strict=True):
        for offset in range(length):
            if code == cigar.INSERTION and (offset < 3 or offset >= length - 3):
                found |= {(j, int(p.bases[position + offset])) for j in range(column - 2, column + 2)}
            elif cigar.ON_DRAFT[code]:
                letter = int(p.bases[position + offset]) if cigar.ON_PASS[code] else 0
                if letter != draft[column + offset]:
                    found.add((column + offset, 0))
                    found |= {(j, letter) for j in range(column + offset - 1, column + offset + 2) if letter}
        column += length * int(cigar.ON_DRAFT[code])
        position += length * int(cigar.ON_PASS[code])
    return {(j, kind) for j, kind in found if 0 <= j < len(draft)}


def covered_by(p: Pass) -> slice:
    start = p.alignment.start
    return slice(start, start + int(p.alignment.lengths @ cigar.ON_DRAFT[p.alignment.operations]))


@given(zmws())
def test_candidates_equal_a_plain_count(zmw: Zmw) -> None:
    draft, homopolymers = zmw.draft.bases, find_homopolymers(zmw.draft.bases)
    candidates = candidates_of(draft, zmw.passes, 0.5)
    homopolymer_of = np.repeat(np.arange(len(homopolymers)), homopolymers.length)
    for homopolymer in range(len(homopolymers)):
        kinds = [{kind for j, kind in changes(p, draft) if homopolymer_of[j] == homopolymer} for p in zmw.passes]
        covering = sum((homopolymer_of[covered_by(p)] == homopolymer).any() for p in zmw.passes)
        most = max(sum(kind in own for own in kinds) for kind in range(6))
        assert candidates.homopolymers[homopolymer] == (most >= max(1, 0.5 * covering))
        assert candidates.deviates[:, homopolymer].tolist() == [bool(own) for own in kinds]


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        ("GATTTACA", []),
        ("GATTACA", [2]),
        ("GATTTTACA", [0, 1, 2]),
        ("GATTTGCA", [2, 3, 4]),
        ("GATTTAGCA", [2, 3, 4, 5]),
    ],
)
def test_one_pass_supports_the_homopolymers_next_to_its_differences(read: str, expected: list[int]) -> None:
    draft = encode_bases(DRAFT)
    p = make_pass(read, draft=DRAFT)
    zmw = make_zmw(DRAFT, Pass(p.name, p.bases, None, None, None, left_normalise(p.alignment, p.bases, draft)))
    candidates = candidates_of(draft, zmw.passes)
    assert np.flatnonzero(candidates.homopolymers).tolist() == expected
    assert np.array_equal(candidates.deviates[0], candidates.homopolymers)


def test_different_errors_make_no_candidates() -> None:
    draft = encode_bases(DRAFT)
    zmw = make_zmw(DRAFT, *["GATTTACA"] * 5, "GATTACA", "GACTTACA", "GATTTACA")
    assert candidates_of(draft, zmw.passes).homopolymers.tolist() == [False, False, True, False, False, False]
    zmw = make_zmw(DRAFT, *["GATTTACA"] * 6, "GATTTACC", "GAGTTACA")
    assert not candidates_of(draft, zmw.passes).homopolymers.any()


def test_a_share_of_zero_selects_all_homopolymers() -> None:
    draft = encode_bases(DRAFT)
    candidates = candidates_of(draft, make_zmw(DRAFT, DRAFT).passes, 0)
    assert candidates.homopolymers.all()
    assert not candidates.deviates.any()


@pytest.mark.real
def test_no_edit_supported_by_the_likelihoods_is_missed(shared: Path) -> None:
    """On real molecules, homopolymers with an edit above 1 nat are candidates, except for rare
    alignments."""
    asked = missed = scored = homopolymers = 0
    for known in known_molecules(shared / "data" / "human_1m", fewest_passes=5):
        draft = known.zmw.draft.bases
        passes = [
            Pass(p.name, p.bases, p.pulse_widths, None, None, left_normalise(p.alignment, p.bases, draft), p.reverse)
            for p in known.zmw.passes
        ]
        scores = score_edits(draft, passes, estimate(draft, passes))
        candidates = candidates_of(draft, passes, SHARE)
        wanted = (pooled(all_ratios(scores)) > 1).any(axis=1)
        asked, missed = asked + wanted.sum(), missed + (wanted & ~candidates.homopolymers).sum()
        scored, homopolymers = scored + candidates.homopolymers.sum(), homopolymers + len(scores.homopolymers)
    assert asked > 80
    assert missed <= 0.05 * asked
    assert scored < 0.25 * homopolymers
