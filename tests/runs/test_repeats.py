"""Repeat units: a copy too many or too few is found wherever its gaps lie, and nothing else is touched."""

from dataclasses import fields

import numpy as np
import pytest
from run_molecules import Known, distance, make_zmw

from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import decode_bases, encode_bases
from deepconsensus_py.runs.edits import apply_edits
from deepconsensus_py.runs.homopolymers import find_runs
from deepconsensus_py.runs.labels import label_runs
from deepconsensus_py.runs.repeats import RepeatEvidence, correct_repeats, gather_repeats
from deepconsensus_py.runs.spans import DraftColumns, draft_columns
from deepconsensus_py.runs.tracts import find_tracts

LEFT, RIGHT = "GACTTGCATTCAGGAC", "CCTGAAGTCTTGAGCA"


def around(tract: str) -> str:
    return LEFT + tract + RIGHT


def corrected(draft: str, *passes: str) -> str:
    evidence = gather_repeats(make_zmw(draft, *passes))
    bases, origin = correct_repeats(evidence, encode_bases(draft), np.arange(len(draft), dtype=np.int32))
    kept = origin >= 0
    assert np.array_equal(bases[kept], encode_bases(draft)[origin[kept]])
    return decode_bases(bases)


@pytest.mark.parametrize("unit", ["AT", "GT", "AGT", "AAT"])
@pytest.mark.parametrize(("copies", "true"), [(4, 3), (3, 4), (2, 1), (2, 3), (9, 10)])
def test_makes_the_copies_what_the_passes_have(unit: str, copies: int, true: int) -> None:
    assert corrected(around(unit * copies), *[around(unit * true)] * 4) == around(unit * true)


def test_keeps_what_the_passes_have() -> None:
    assert corrected(around("AT" * 4), *[around("AT" * 4)] * 4) == around("AT" * 4)


def test_half_of_the_passes_are_not_enough() -> None:
    passes = [around("AT" * n) for n in (4, 4, 3, 3)]
    assert corrected(around("AT" * 4), *passes) == around("AT" * 4)


def test_one_strand_alone_is_not_enough() -> None:
    # Passes are of alternating strands; the second strand is for the draft, but weaker.
    passes = [around("AT" * n) for n in (3, 4, 3, 4, 3, 3, 3, 4)]
    assert corrected(around("AT" * 4), *passes) == around("AT" * 4)


def test_more_is_asked_of_a_copy_more_than_of_a_copy_less() -> None:
    votes = [1, 1, 0, 0, 1]
    assert corrected(around("AT" * 4), *[around("AT" * (4 - v)) for v in votes]) == around("AT" * 3)
    assert corrected(around("AT" * 4), *[around("AT" * (4 + v)) for v in votes]) == around("AT" * 4)


def test_two_passes_are_too_few() -> None:
    assert corrected(around("AT" * 4), *[around("AT" * 3)] * 2) == around("AT" * 4)


def test_changes_two_tracts_at_once() -> None:
    draft, truth = (around("AT" * a + RIGHT + "GAC" * b) for a, b in ((4, 3), (3, 4)))
    assert corrected(draft, *[truth] * 4) == truth


@pytest.mark.parametrize("true", ["GAGAAGAAGAA", "GAGAGAAGAA", "GAGAAGAA"])
def test_tracts_that_overlap_are_not_charged_twice(true: str) -> None:
    draft = around("GAGAGAAGAAGAA")
    assert find_tracts(encode_bases(draft)).rows() == [(16, 22, 2), (19, 29, 3)]
    assert corrected(draft, *[around(true)] * 4) == around(true)


def test_of_changes_that_overlap_only_one_is_made_at_a_time() -> None:
    one, other = around("GAGAAGAAGAA"), around("GAGAGAAGAA")
    assert corrected(around("GAGAGAAGAAGAA"), *[one, one, other, other] * 2) in (one, other)


def test_two_copies_may_go() -> None:
    assert corrected(around("AT" * 6), *[around("AT" * 4)] * 4) == around("AT" * 4)


def test_the_corrected_draft_decides() -> None:
    draft, truth = around("AT" * 4), around("AT" * 3)
    evidence = gather_repeats(make_zmw(draft, *[truth] * 4))
    index = np.flatnonzero(~np.isin(np.arange(len(draft)), [len(LEFT), len(LEFT) + 1])).astype(np.int32)
    bases, origin = correct_repeats(evidence, encode_bases(truth), index)
    assert decode_bases(bases) == truth
    assert np.array_equal(origin, np.arange(len(truth)))


def test_inserted_bases_before_a_tract_do_not_shift_it() -> None:
    draft, truth = around("AT" * 4), around("AT" * 3)
    evidence = gather_repeats(make_zmw(draft, *[truth] * 4))
    runs = find_runs(encode_bases(draft))
    classes = np.zeros(len(runs), np.uint8)
    classes[0] = 4
    longer, index = apply_edits(encode_bases(draft), runs, classes)
    bases, _ = correct_repeats(evidence, longer, index)
    assert decode_bases(bases) == "GG" + truth


def test_tracts_near_the_ends_are_left() -> None:
    assert corrected("GACATATATCAG", *["GACATATCAG"] * 4) == "GACATATATCAG"


@pytest.mark.parametrize("draft", ["", "A"])
def test_takes_drafts_without_tracts_and_molecules_without_passes(draft: str) -> None:
    assert corrected(draft) == draft
    assert corrected(around("ATATAT")) == around("ATATAT")


def test_a_draft_that_lost_all_its_bases_is_left() -> None:
    evidence = gather_repeats(make_zmw(around("AT" * 4), *[around("AT" * 3)] * 4))
    bases, origin = correct_repeats(evidence, np.empty(0, np.uint8), np.empty(0, np.int32))
    assert len(bases) == len(origin) == 0


def test_refuses_alignments_that_do_not_fit() -> None:
    zmw = make_zmw(around("AT" * 4), *[around("AT" * 3)] * 4)
    short = make_zmw(LEFT)
    with pytest.raises(MoleculeError, match="does not fit"):
        gather_repeats(type(zmw)(short.draft, zmw.passes))


def test_evidence_is_arrays_alone() -> None:
    evidence = gather_repeats(make_zmw(around("AT" * 4), *[around("AT" * 3)] * 4))
    arrays = {field.name: getattr(evidence, field.name) for field in fields(evidence)}
    assert all(isinstance(values, np.ndarray) for values in arrays.values())
    again = RepeatEvidence(**arrays)
    assert len(again.owner) == 4


def test_columns_of_an_alignment() -> None:
    p = make_zmw("GGACTTGG", "GGCATTGG").passes[0]
    columns = draft_columns(p.alignment)
    assert isinstance(columns, DraftColumns)
    assert (columns.start, columns.stop) == (0, 8)
    assert columns.after[-1] == 8


@pytest.mark.real
def test_real_units_are_corrected_and_none_broken(human: list[Known], bases_only: list[Known]) -> None:
    before, after, broken = [], [], 0
    for molecule in human + bases_only:
        draft, truth = molecule.zmw.draft.bases, molecule.truth
        evidence = gather_repeats(molecule.zmw)
        bases, _ = correct_repeats(evidence, draft, np.arange(len(draft), dtype=np.int32))
        before.append(distance(draft, truth))
        after.append(distance(bases, truth))
        runs = find_runs(draft)
        labels = label_runs(draft, runs, truth, molecule.alignment)
        right, index = apply_edits(draft, runs, labels.classes)
        rescored, _ = correct_repeats(evidence, right, index)
        broken += distance(rescored, truth) > distance(right, truth)
    gone = [sum(before[part]) - sum(after[part]) for part in (slice(6), slice(6, None))]
    print(f"{gone[0]} of {sum(before[:6])} errors of human_1m gone, {gone[1]} of {sum(before[6:])} of bases only")
    assert all(b >= a for b, a in zip(before, after, strict=True))
    assert broken == 0
    assert gone[0] >= 11
