"""What is made of too few passes never leaves as a HiFi read."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pysam
import pytest
from support import Commands, edited, record_lines, records

from deepconsensus_py.reports.table import COLUMNS

THIRD = 2
"""The molecule of the test data that is changed."""

Change = Callable[[pysam.AlignedSegment], None]


def outcomes(output: Path) -> list[str]:
    with gzip.open(output.with_suffix(".zmws.tsv.gz"), "rt") as table:
        rows = [dict(zip(COLUMNS, line.rstrip("\n").split("\t"), strict=True)) for line in table][1:]
    return [row["outcome"] for row in rows]


def drafts_with(testdata: Path, target: Path, change: Change) -> Path:
    def change_third(found: list[pysam.AlignedSegment]) -> list[pysam.AlignedSegment]:
        change(found[THIRD])
        return found

    return edited(testdata / "ccs.bam", target, change_third)


def fewer_passes(testdata: Path, target: Path, keep: int) -> Path:
    """Subreads of which the third molecule has only so many full ones."""
    hole = records(testdata / "ccs.bam")[THIRD].get_tag("zm")

    def leave(found: list[pysam.AlignedSegment]) -> list[pysam.AlignedSegment]:
        full = [r for r in found if r.get_tag("zm") == hole and r.get_tag("cx") & 3 == 3]
        gone = {r.query_name for r in full[keep:]}
        return [r for r in found if r.query_name not in gone]

    return edited(testdata / "subreads.bam", target, leave)


@pytest.fixture(scope="module")
def whole(testdata: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    from deepconsensus_py.cli.main import main

    output = tmp_path_factory.mktemp("whole") / "out.bam"
    options = ["--model", "pairhmm", "--min-quality", "0", "--threads", "1", "-o", str(output)]
    assert main(["polish", str(testdata / "subreads.bam"), "--ccs", str(testdata / "ccs.bam"), *options]) == 0
    return record_lines(output)


def polish(run: Commands, subreads: Path, drafts: Path, output: Path, *options: object) -> str:
    model = [] if "--model" in options else ["--model", "pairhmm"]
    common = ["--min-quality", 0, "--threads", 1, *model]
    done = run("polish", subreads, "--ccs", drafts, "-o", output, *common, *options)
    assert done.status == 0
    return done.err


def unpolished(draft: pysam.AlignedSegment) -> None:
    """As ``ccs --all`` writes a molecule of few passes."""
    draft.set_tag("rq", -1.0, "f")


@pytest.mark.parametrize(
    "change",
    [unpolished, lambda draft: draft.set_tag("np", 2), lambda draft: draft.set_tag("np", 0)],
    ids=["rq -1", "np 2", "np 0"],
)
def test_a_draft_that_is_no_consensus_is_not_polished(
    run: Commands, testdata: Path, whole: list[str], tmp_path: Path, change: Change
) -> None:
    drafts = drafts_with(testdata, tmp_path / "ccs.bam", change)
    said = polish(run, testdata / "subreads.bam", drafts, tmp_path / "out.bam")
    assert outcomes(tmp_path / "out.bam")[THIRD] == "too_few_passes"
    assert "1 too_few_passes: " in said
    assert record_lines(tmp_path / "out.bam") == [line for n, line in enumerate(whole) if n != THIRD]


@pytest.mark.parametrize(("passes", "outcome"), [(0, "too_few_passes"), (2, "too_few_passes"), (3, "success")])
def test_full_passes_are_counted_in_the_subreads(
    run: Commands, testdata: Path, tmp_path: Path, passes: int, outcome: str
) -> None:
    subreads = fewer_passes(testdata, tmp_path / "subreads.bam", passes)
    polish(run, subreads, testdata / "ccs.bam", tmp_path / "out.bam")
    assert outcomes(tmp_path / "out.bam")[THIRD] == outcome


@pytest.mark.parametrize(("least", "outcome"), [(0, "success"), (2, "success"), (3, "too_few_passes")])
def test_min_passes_decides(run: Commands, testdata: Path, tmp_path: Path, least: int, outcome: str) -> None:
    subreads = fewer_passes(testdata, tmp_path / "subreads.bam", 2)
    polish(run, subreads, testdata / "ccs.bam", tmp_path / "out.bam", "--min-passes", least)
    assert outcomes(tmp_path / "out.bam")[THIRD] == outcome


def test_an_unpolished_draft_stays_one_whatever_is_asked_for(run: Commands, testdata: Path, tmp_path: Path) -> None:
    drafts = drafts_with(testdata, tmp_path / "ccs.bam", unpolished)
    polish(run, testdata / "subreads.bam", drafts, tmp_path / "out.bam", "--min-passes", 0)
    assert outcomes(tmp_path / "out.bam")[THIRD] == "too_few_passes"


@pytest.mark.parametrize("quality", [7, 93])
def test_few_passes_claim_no_more_than_the_draft(run: Commands, testdata: Path, tmp_path: Path, quality: int) -> None:
    def claim(draft: pysam.AlignedSegment) -> None:
        draft.query_qualities = [quality] * len(draft.query_sequence)
        draft.set_tag("rq", 0.98, "f")

    subreads = fewer_passes(testdata, tmp_path / "subreads.bam", 2)
    drafts = drafts_with(testdata, tmp_path / "ccs.bam", claim)
    polish(run, subreads, drafts, tmp_path / "out.bam", "--min-passes", 1, "--max-base-quality", 93)
    read = records(tmp_path / "out.bam")[THIRD]
    # What rq claims is Q17.
    assert max(read.query_qualities) <= min(quality, 17)
    assert read.get_tag("rq") <= 0.98


def test_all_keeps_what_has_too_few_passes_as_it_is(
    run: Commands, testdata: Path, whole: list[str], tmp_path: Path
) -> None:
    drafts = drafts_with(testdata, tmp_path / "ccs.bam", unpolished)
    polish(run, testdata / "subreads.bam", drafts, tmp_path / "out.bam", "--all")
    lines = record_lines(tmp_path / "out.bam")
    assert [line for n, line in enumerate(lines) if n != THIRD] == [line for n, line in enumerate(whole) if n != THIRD]
    read, draft = records(tmp_path / "out.bam")[THIRD], records(drafts)[THIRD]
    assert (read.query_name, read.query_sequence) == (draft.query_name, draft.query_sequence)
    assert read.query_qualities == draft.query_qualities
    assert dict(read.get_tags()) == dict(draft.get_tags())
    assert outcomes(tmp_path / "out.bam")[THIRD] == "low_pass_shortcut"
    polish(run, testdata / "subreads.bam", drafts, tmp_path / "none.bam", "--all", "--min-length", 10**6)
    assert records(tmp_path / "none.bam") == []


def test_all_keeps_a_pass_where_there_are_no_drafts(run: Commands, testdata: Path, tmp_path: Path) -> None:
    subreads = fewer_passes(testdata, tmp_path / "subreads.bam", 1)
    output = tmp_path / "out.bam"
    options = ["--model", "pairhmm", "--min-quality", 0, "--threads", 1]
    assert run("polish", subreads, "-o", output, "--all", *options).status == 0
    read = records(output)[THIRD]
    passes = [r for r in records(subreads) if r.get_tag("zm") == read.get_tag("zm") and r.get_tag("cx") & 3 == 3]
    assert read.query_sequence in {p.query_sequence for p in passes}
    assert set(read.query_qualities) == {10}
    assert (read.get_tag("rq"), read.get_tag("np")) == (-1, 1)
    assert outcomes(output)[THIRD] == "low_pass_shortcut"
    assert run("polish", subreads, "-o", tmp_path / "less.bam", *options).status == 0
    assert read.query_name not in {r.query_name for r in records(tmp_path / "less.bam")}


def test_shards_hold_what_min_passes_chose(run: Commands, testdata: Path, tmp_path: Path) -> None:
    subreads = fewer_passes(testdata, tmp_path / "subreads.bam", 2)
    for number, options in enumerate((["--min-passes", 1], ["--min-passes", 3], ["--all"])):
        shard = tmp_path / f"{number}.shard"
        model = ["--model", "pairhmm", "--threads", 1]
        assert run("encode", subreads, "--ccs", testdata / "ccs.bam", "-o", shard, *model, *options).status == 0
        direct, through = tmp_path / f"direct{number}.bam", tmp_path / f"through{number}.bam"
        polish(run, subreads, testdata / "ccs.bam", direct, *options)
        kept = ["--all"] if "--all" in options else []
        assert run("polish", "--features", shard, "-o", through, *model, "--min-quality", 0, *kept).status == 0
        assert record_lines(through) == record_lines(direct)
        assert outcomes(through) == outcomes(direct)
        assert len(record_lines(direct)) == len(records(testdata / "ccs.bam")) - (number == 1)
    assert run("polish", "--features", shard, "-o", tmp_path / "no.bam", "--min-passes", 1).status == 2


def test_unknown_bases_of_a_draft_are_what_passes_read(
    run: Commands, testdata: Path, whole: list[str], tmp_path: Path
) -> None:
    at = 700

    def hide(draft: pysam.AlignedSegment) -> None:
        qualities, sequence = draft.query_qualities, draft.query_sequence
        draft.query_sequence = f"{sequence[:at]}N{sequence[at + 1 :]}"
        draft.query_qualities = qualities

    drafts = drafts_with(testdata, tmp_path / "ccs.bam", hide)
    polish(run, testdata / "subreads.bam", drafts, tmp_path / "out.bam")
    assert record_lines(tmp_path / "out.bam")[THIRD].split("\t")[9] == whole[THIRD].split("\t")[9]


def test_an_unknown_base_that_no_pass_reads_has_quality_zero(run: Commands, testdata: Path, tmp_path: Path) -> None:
    def lengthen(draft: pysam.AlignedSegment) -> None:
        qualities = [*draft.query_qualities, *[40] * 60]
        draft.query_sequence += "N" * 60
        draft.query_qualities = qualities

    drafts = drafts_with(testdata, tmp_path / "ccs.bam", lengthen)
    polish(run, testdata / "subreads.bam", drafts, tmp_path / "out.bam")
    read = records(tmp_path / "out.bam")[THIRD]
    unknown = np.array(list(read.query_sequence)) == "N"
    assert unknown.any()
    assert not np.array(read.query_qualities)[unknown].any()
