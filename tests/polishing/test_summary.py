"""What the reports say of a ZMW."""

from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import Draft, Pass, encode_bases
from deepconsensus_py.pacbio.names import MoleculeId
from deepconsensus_py.pacbio.zmws import Fault, Undrafted, read_zmws
from deepconsensus_py.polishing.read import PolishedRead
from deepconsensus_py.polishing.summary import edited_homopolymers, facts, summary
from deepconsensus_py.reports.outcomes import Outcome
from deepconsensus_py.reports.zmw import ZmwFacts

MOLECULE = MoleculeId("m", 1)


@pytest.mark.parametrize(
    ("qualities", "rq", "known"),
    [([10, 10], 0.999, 10.0), (None, 0.999, 30.0), (None, -1.0, None), (None, 1.0, None), (None, None, None)],
)
def test_quality_of_the_draft(qualities: list[int] | None, rq: float | None, known: float | None) -> None:
    tags = () if rq is None else (("rq", rq, "f"),)
    phred = None if qualities is None else np.array(qualities, np.uint8)
    draft = Draft("m/1/ccs", np.ones(2, np.uint8), phred, tags)
    assert summary(PolishedRead(draft, Outcome.NO_SUBREADS)).quality_before == pytest.approx(known)


def test_only_a_read_that_was_called_has_length_and_quality() -> None:
    draft = Draft("m/1/ccs", np.ones(2, np.uint8), None)
    called = PolishedRead(draft, Outcome.SUCCESS, bases=np.ones(3, np.uint8), qualities=np.full(3, 20, np.uint8))
    found = [summary(read) for read in (called, PolishedRead(draft, Outcome.ERROR))]
    assert [(zmw.length_before, zmw.length_after) for zmw in found] == [(2, 3), (2, None)]
    assert [zmw.quality_after for zmw in found] == [pytest.approx(20.0), None]


def subread(start: int, end: int, **tags: int) -> Pass:
    entries = tuple((tag, value, "i") for tag, value in tags.items())
    return Pass(f"m/1/{start}_{end}", np.ones(end - start, np.uint8), None, None, None, tags=entries)


def test_what_subreads_say() -> None:
    passes = (
        subread(0, 300, cx=2, ws=91, we=4000),
        subread(350, 1350, cx=3, ws=4100, we=9000),
        subread(1400, 2390, cx=3, ws=9100, we=20000),
        subread(2440, 2500, cx=1),
    )
    assert facts(Undrafted(MOLECULE, passes)) == ZmwFacts(2, 990, 2500, 91, 20000)
    partial = (passes[0], passes[3], subread(2600, 2900, cx=0))
    assert facts(Undrafted(MOLECULE, partial)) == ZmwFacts(0, 300, 2900, 91, 4000)


def test_subreads_that_are_not_there_say_nothing() -> None:
    unread = (
        Undrafted(MOLECULE, MoleculeError("damaged")),
        Undrafted(MOLECULE, ()),
        Fault(Draft("m/1/ccs", np.empty(0, np.uint8), None), "damaged", "error"),
    )
    assert {facts(molecule) for molecule in unread} == {ZmwFacts()}


@pytest.mark.real
def test_real_subreads(shared: Path) -> None:
    found = {zmw.molecule.hole: facts(zmw) for zmw in read_zmws(shared / "data" / "actc_sequel2" / "tiny.clr.bam")}
    assert len(found) == 15
    assert found[4] == ZmwFacts(full_passes=3, median_length=13311, polymerase_length=54984)
    # Partial passes alone.
    assert found[6] == ZmwFacts(full_passes=0, median_length=7578, polymerase_length=19412)


def called(draft: str, read: str, index: list[int]) -> tuple[int, int]:
    return edited_homopolymers(encode_bases(draft), encode_bases(read), np.array(index, np.int32))


@pytest.mark.parametrize(
    ("draft", "read", "index", "edited"),
    [
        ("ACCG", "ACCG", [0, 1, 2, 3], 0),
        ("ACCG", "ACCCG", [0, -1, 1, 2, 3], 1),
        ("ACCG", "ACG", [0, 2, 3], 1),
        ("ACCG", "AG", [0, 3], 1),
        ("ACCG", "ATCG", [0, 1, 2, 3], 1),
        ("ACCG", "ATCG", [0, -1, 2, 3], 1),
        ("ACCG", "ACCTG", [0, 1, 2, -1, 3], 1),
        ("ACCG", "TACCGT", [-1, 0, 1, 2, 3, -1], 2),
        ("ACCG", "AACCGG", [-1, 0, 1, 2, 3, -1], 2),
        ("ACCG", "TT", [-1, -1], 3),
        ("ACCG", "", [], 3),
    ],
)
def test_homopolymers_that_were_edited(draft: str, read: str, index: list[int], edited: int) -> None:
    assert called(draft, read, index) == (3, edited)


def test_no_homopolymers_are_in_an_empty_draft() -> None:
    assert called("", "AC", [-1, -1]) == (0, 0)


@pytest.mark.parametrize("seed", range(30))
def test_homopolymers_without_insertions_are_compared_base_by_base(seed: int) -> None:
    chance = np.random.default_rng(seed)
    draft = np.repeat(chance.integers(1, 5, 30), chance.integers(1, 5, 30)).astype(np.uint8)
    index = np.flatnonzero(chance.random(len(draft)) > 0.1).astype(np.int32)
    bases = draft[index].copy()
    bases[chance.random(len(bases)) > 0.9] = 1
    kept = dict(zip(index.tolist(), bases.tolist(), strict=True))
    runs = [list(run) for _, run in groupby(range(len(draft)), key=draft.__getitem__)]
    edited = sum(any(kept.get(place) != draft[place] for place in run) for run in runs)
    assert edited_homopolymers(draft, bases, index) == (len(runs), edited)


def qualities(*values: int) -> NDArray[np.uint8]:
    return np.array(values, np.uint8)


def test_bases_of_q30_are_counted_in_hifi_reads() -> None:
    draft = Draft("m/1/ccs", np.ones(3, np.uint8), None)
    index = np.arange(3, dtype=np.int32)
    given = {"bases": draft.bases, "draft_index": index}
    reads = (
        PolishedRead(draft, Outcome.SUCCESS, qualities=qualities(29, 30, 40), **given),
        PolishedRead(draft, Outcome.SUCCESS, qualities=qualities(5, 30, 40), **given),
        PolishedRead(draft, Outcome.FAILED_LENGTH_FILTER, qualities=qualities(29, 30, 40), **given),
    )
    assert [summary(read).counts["hifi_bases_q30"] for read in reads] == [2, 0, 0]


def test_full_passes_are_those_used_or_else_those_that_there_are() -> None:
    draft = Draft("m/1/ccs", np.ones(2, np.uint8), None, (("np", 3, "i"), ("ec", 3.5, "f")))
    given = ZmwFacts(full_passes=5)
    polished = PolishedRead(
        draft,
        Outcome.SUCCESS,
        bases=draft.bases,
        qualities=qualities(30, 30),
        draft_index=np.arange(2, dtype=np.int32),
        facts=given,
    )
    found = [summary(read) for read in (polished, PolishedRead(draft, Outcome.ERROR, facts=given))]
    assert [zmw.full_passes for zmw in found] == [3, 5]
    assert [zmw.coverage for zmw in found] == [3.5, 3.5]
    assert [zmw.accuracy for zmw in found] == [pytest.approx(0.999), -1.0]
