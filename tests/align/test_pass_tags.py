"""Tags that follow from the passes of a ZMW are those of ccs."""

from array import array
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support import read_drafts

from deepconsensus_py.align.draft import draft_zmw
from deepconsensus_py.align.pass_tags import has_several_barcodes, pass_tags, with_pass_tags
from deepconsensus_py.align.passes import align_zmw
from deepconsensus_py.pacbio.bam_tags import Tags
from deepconsensus_py.pacbio.molecule import Alignment, Draft, Pass, Zmw
from deepconsensus_py.pacbio.zmws import read_subreads, read_zmws

LENGTH = 100


def a_pass(*tags: tuple[str, object, str], span: int = LENGTH, reverse: bool = False, number: int = 0) -> Pass:
    """A pass with ten inserted bases and a clip, aligned to the first bases of a draft."""
    sizes = {7: span - 5, 1: 10, 2: 5, 4: 3}
    alignment = Alignment(0, np.array([*sizes], np.uint8), np.array([*sizes.values()], np.int32))
    return Pass(f"m/1/{number}_9", np.ones(span + 8, np.uint8), None, None, None, alignment, reverse, tags)


def context(bits: int, *, reverse: bool = False) -> Pass:
    return a_pass(("cx", bits, "C"), reverse=reverse)


def tags_of(passes: list[Pass]) -> dict[str, object]:
    return {tag: value for tag, value, _ in pass_tags(LENGTH, passes)}


def test_coverage_sums_the_draft_bases_that_passes_span() -> None:
    passes = [a_pass(), a_pass(("cx", 1, "C"), span=25), a_pass(span=60)]
    assert [tags_of(passes)[tag] for tag in ("np", "ec")] == [2, pytest.approx(1.85)]


def test_full_passes_of_other_lengths_do_not_count() -> None:
    passes = [context(3), context(3), context(3), a_pass(("cx", 3, "C"), span=40), a_pass(("cx", 1, "C"), span=20)]
    long = replace(passes[0], bases=np.ones(3 * LENGTH, np.uint8))
    assert tags_of([*passes, long]) == {"np": 3, "ec": pytest.approx(3.2), "ac": array("i", [4, 0, 3, 0]), "ma": 0}


def test_all_full_passes_count() -> None:
    assert tags_of([context(3)] * 30 + [context(1)] * 2)["np"] == 30


@pytest.mark.parametrize(
    ("passes", "adapters", "missing"),
    [
        ([context(2), context(3, reverse=True), context(3), context(1, reverse=True)], [2, 0, 4, 0], 0),
        ([context(1), context(2, reverse=True)], [2, 0, 0, 0], 0),
        ([context(1 | 128), context(2 | 64, reverse=True)], [2, 0, 0, 2], 2),
        ([context(2 | 64), context(1 | 128, reverse=True)], [0, 2, 2, 0], 1),
        ([context(64 | 128)], [0, 1, 0, 1], 3),
        ([context(3 | 64), a_pass()], [1, 1, 1, 0], 0),
    ],
    ids=["all", "left only", "bad right", "bad left", "bad only", "one without context"],
)
def test_adapters_count_on_the_side_of_the_draft(passes: list[Pass], adapters: list[int], missing: int) -> None:
    found = tags_of(passes)
    assert found["ac"] == array("i", adapters)
    assert found["ma"] == missing


def barcode(*pair: int, quality: int | None = None) -> Pass:
    return a_pass(("bc", array("H", pair), "B"), *(() if quality is None else (("bq", quality, "i"),)))


@pytest.mark.parametrize(
    ("passes", "wanted", "several"),
    [
        ([barcode(1, 2, quality=80), barcode(1, 2, quality=91)], {"bc": array("H", [1, 2]), "bq": 86}, False),
        ([barcode(1, 2), barcode(1, 2)], {"bc": array("H", [1, 2])}, False),
        ([barcode(1, 2, quality=80), barcode(2, 1, quality=80)], {}, True),
        ([barcode(1, 2, quality=80), a_pass()], {}, True),
        ([a_pass(("bc", "barcode01", "Z"))] * 2, {}, False),
        ([barcode(1, 2, 3)] * 2, {}, False),
        ([a_pass()], {}, False),
    ],
    ids=["equal", "without qualities", "different", "one without", "something else", "three", "none"],
)
def test_barcodes_are_those_of_all_passes(passes: list[Pass], wanted: dict[str, object], several: bool) -> None:
    assert {tag: value for tag, value in tags_of(passes).items() if tag in {"bc", "bq"}} == wanted
    assert has_several_barcodes(passes) is several


def test_times_are_those_of_the_first_and_last_pass() -> None:
    passes = [
        a_pass(("ws", start, "i"), ("we", end, "i")) for start, end in ((5, 90), (100, 200), (300, 3_000_000_000))
    ]
    assert pass_tags(LENGTH, passes)[-2:] == (("ws", 5, "i"), ("we", 3_000_000_000, "I"))
    assert "we" not in tags_of([*passes, a_pass()])


def test_a_draft_gets_what_it_lacks() -> None:
    own: Tags = (("zm", 1, "i"), ("np", 9, "i"), ("ac", array("i", [9, 0, 9, 0]), "B"), ("bc", array("H", [7, 7]), "B"))
    passes = (replace(barcode(1, 2, quality=80), snr=np.arange(4, dtype=np.float32)), context(3 | 64))
    draft = Draft("m/1/ccs", np.ones(LENGTH, np.uint8), None, own)
    assert with_pass_tags(Zmw(draft, passes)).tags == (
        own[2],
        own[3],
        ("ec", 2.0, "f"),
        own[1],
        ("sn", array("f", [0, 1, 2, 3]), "B"),
        own[0],
    )
    assert with_pass_tags(Zmw(draft, ())) is not None


def compare(found: Draft, wanted: Draft, coverage: float, *, own: bool = False) -> None:
    assert found.tag("np") == wanted.tag("np")
    assert found.tag("ec") == pytest.approx(wanted.tag("ec"), abs=coverage)
    assert np.allclose(found.tag("sn"), wanted.tag("sn"))
    if wanted.tag("ac") is not None:
        left, right = found.tag("ac")[:2], found.tag("ac")[2:]
        # A draft of our own may be of the opposite strand.
        assert wanted.tag("ac") in ([left + right, right + left] if own else [left + right])
        assert found.tag("ma") == wanted.tag("ma")


@pytest.mark.real
@pytest.mark.parametrize(
    ("subreads", "drafts", "away"),
    [
        # A pass of 32 has a long stretch of noise, which ccs does not align.
        ("actc_sequel2/tiny.clr.bam", "actc_sequel2/tiny.ccs.bam", {32: 0.15}),
        ("human_1m/subreads.bam", "human_1m/ccs.bam", {4194381: 0.05, 4194382: 0.2}),
    ],
)
def test_real_drafts_of_our_own_have_the_tags_of_ccs(
    shared, subreads: str, drafts: str, away: dict[int, float]
) -> None:
    data: Path = shared / "data"
    found = {draft.name: draft for draft in read_drafts(data / drafts)}
    compared = 0
    for molecule, passes in read_subreads([data / subreads]):
        wanted = found.get(f"{molecule}/ccs")
        if wanted is not None and wanted.tag("np") >= 5:
            own = with_pass_tags(align_zmw(draft_zmw(molecule, passes)))
            assert [tag for tag, _, _ in own.tags] == sorted(tag for tag, _, _ in own.tags)
            compare(own, wanted, away.get(molecule.hole, 0.02), own=True)
            compared += 1
    assert compared == 6


@pytest.mark.real
def test_real_drafts_without_tags_get_those_of_ccs(shared: Path) -> None:
    data = shared / "data" / "actc_sequel2"
    for zmw in read_zmws([data / "tiny.clr.bam"], data / "tiny.ccs.bam"):
        assert isinstance(zmw, Zmw)
        bare = replace(zmw, draft=replace(zmw.draft, tags=()))
        compare(with_pass_tags(align_zmw(bare)), zmw.draft, 0.15 if "/32/" in zmw.name else 0.02)
