"""A truth that no pass shows is unsupported; one that some show, or that passes may all miss by chance, is not."""

from dataclasses import replace

import numpy as np
import pytest
from edit_molecules import global_alignment
from hypothesis import given
from hypothesis import strategies as st

from deepconsensus_py.align.cigar import left_normalise
from deepconsensus_py.edits.repeats import find_homopolymers
from deepconsensus_py.edits.support import LEAST_SPANNING, alleles, unknown, unsupported
from deepconsensus_py.pacbio.molecule import Pass, encode_bases

FLANK = "GTCATGCAAGTCTTTGACCCATGCAAAGTGGGCACCAG"
"""With homopolymers of up to three bases, whose errors are counted by length."""
DRAFT = f"{FLANK}CAAATGC{FLANK}"
PLACE = len(FLANK) + 1


def as_pass(bases: str, draft: str = DRAFT) -> Pass:
    codes, on = encode_bases(bases), encode_bases(draft)
    return Pass("m/1/0_9", codes, None, None, None, left_normalise(global_alignment(codes, on), codes, on))


def unsupported_at(truth: str, passes: list[str], draft: str = DRAFT) -> list[int]:
    """Starts of the homopolymers of the draft where the truth is unsupported."""
    codes = encode_bases(draft)
    homopolymers = find_homopolymers(codes)
    true = as_pass(truth, draft)
    assert true.alignment is not None
    found = unsupported(codes, homopolymers, (true.bases, true.alignment), [as_pass(p, draft) for p in passes])
    return [int(start) for start in homopolymers.start[found]]


@pytest.mark.parametrize("inner", ["CAATGC", "CAAAATGC", "CGAATGC", "CTAAATGC", "CAAATTGC", "CAAAGC"])
def test_what_no_pass_shows_is_unsupported(inner: str) -> None:
    truth = f"{FLANK}{inner}{FLANK}"
    places = unsupported_at(truth, [DRAFT] * 12)
    assert places
    assert all(PLACE <= place <= PLACE + 4 for place in places)
    assert not unsupported_at(truth, [truth] * 12)
    assert not unsupported_at(truth, [DRAFT] * 11 + [truth])


def test_a_draft_that_all_passes_contradict_is_unsupported_as_truth() -> None:
    assert unsupported_at(DRAFT, [f"{FLANK}CAATGC{FLANK}"] * 12) == [PLACE]


def test_few_passes_make_no_doubt() -> None:
    truth = f"{FLANK}CAATGC{FLANK}"
    assert not unsupported_at(truth, [DRAFT] * (LEAST_SPANNING - 1))
    part = DRAFT[: PLACE + 1]
    assert not unsupported_at(truth, [DRAFT] * (LEAST_SPANNING - 1) + [part] * 9)


def test_homopolymers_that_passes_seldom_show_are_supported() -> None:
    draft = f"{FLANK}C{'A' * 12}TGC{FLANK}"
    truth = f"{FLANK}C{'A' * 13}TGC{FLANK}"
    noisy = [f"{FLANK}C{'A' * (12 + change)}TGC{FLANK}" for change in (-3, -2, -1, 0, 1, 2)] * 2
    several = f"{FLANK}C{'A' * 12}TGC" * 3 + FLANK
    assert not unsupported_at(truth.replace("A" * 13, "A" * 9), [p for p in noisy if "A" * 10 in p], draft)
    assert not unsupported_at(truth, [DRAFT] * LEAST_SPANNING, several)


@given(st.text("AAATC", min_size=1, max_size=12), st.text("AAATC", min_size=1, max_size=12))
def test_alleles_are_equal_where_the_bases_are(one: str, other: str) -> None:
    homopolymers = find_homopolymers(encode_bases(DRAFT))
    found = [as_pass(f"{FLANK}{inner}{FLANK}") for inner in (one, other)]
    (spans, mine), (others, theirs) = (alleles(p.bases, p.alignment, homopolymers) for p in found if p.alignment)
    assert np.array_equal(spans, others)
    assert one == other or not np.array_equal(mine, theirs)
    assert one != other or np.array_equal(mine, theirs)


def test_long_insertions_have_alleles() -> None:
    homopolymers = find_homopolymers(encode_bases(DRAFT))
    found = [as_pass(f"{FLANK}{'CT' * pairs}{DRAFT[len(FLANK) :]}") for pairs in (1500, 1501, 1500)]
    codes = [alleles(p.bases, p.alignment, homopolymers)[1] for p in found if p.alignment]
    assert not np.array_equal(codes[0], codes[1])
    assert np.array_equal(codes[0], codes[2])


def test_the_truth_is_unknown_at_and_beside_its_unknown_bases() -> None:
    codes = encode_bases(DRAFT)
    homopolymers = find_homopolymers(codes)
    true = as_pass(DRAFT)
    assert true.alignment is not None
    bases = true.bases.copy()
    assert not unknown(bases, true.alignment, homopolymers).any()
    bases[PLACE] = encode_bases("N")[0]
    found = homopolymers.start[unknown(bases, true.alignment, homopolymers)]
    assert found.tolist() == [PLACE - 1, PLACE, PLACE + 3]
    assert not unknown(replace(true).bases, true.alignment, homopolymers).any()
