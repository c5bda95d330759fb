"""Kinetics of polished reads: when they are written, where they come from, and that the header says so."""

import json
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import pytest
from support import Commands, edited, record_lines, records

from deepconsensus_py import PolishSettings, ReadFilter, load_model, polish, read_zmws, write_reads

FAST = ("--model", "vote", "--min-quality", 0, "--threads", 1)
FOUR = ("fi", "fp", "ri", "rp")
ALL = {*FOUR, "fn", "rn", "ip", "pw"}

Change = Callable[[pysam.AlignedSegment, int], None]


def changed(source: Path, target: Path, change: Change) -> Path:
    def change_all(found: list[pysam.AlignedSegment]) -> list[pysam.AlignedSegment]:
        for number, read in enumerate(found):
            change(read, number)
        return found

    return edited(source, target, change_all)


def with_kinetics(read: pysam.AlignedSegment, number: int = 0) -> None:
    """As of ccs: all different, so that a base that is carried over is known by its values."""
    if number:
        return
    for step, tag in enumerate(FOUR):
        read.set_tag(tag, array("B", (np.arange(read.query_length) * 7 % 250 + 1 + step).astype(np.uint8).tobytes()))
    read.set_tag("fn", 4)
    read.set_tag("rn", 3)


def without_durations(read: pysam.AlignedSegment, _: int = 0) -> None:
    read.set_tag("ip", None)


@pytest.fixture
def subreads(testdata: Path) -> Path:
    return testdata / "subreads.bam"


@pytest.fixture
def drafts(testdata: Path, tmp_path: Path) -> Path:
    """Three drafts, the first with kinetics."""
    three = edited(testdata / "ccs.bam", tmp_path / "three.bam", lambda found: found[:3])
    return changed(three, tmp_path / "ccs.bam", with_kinetics)


def kinetics_of(path: Path) -> list[dict[str, Any]]:
    """The kinetics tags of each read; arrays as lists of as many values as the read has bases, or none."""
    found = []
    for read in records(path):
        tags = {tag: value for tag, value in read.get_tags() if tag in ALL}
        assert {len(value) for value in tags.values() if isinstance(value, array)} <= {0, read.query_length}
        assert {value.typecode for value in tags.values() if isinstance(value, array)} <= {"B"}
        found.append({tag: value.tolist() if isinstance(value, array) else value for tag, value in tags.items()})
    return found


def described(path: Path) -> set[bool]:
    """Whether the read groups say that the reads have kinetics."""
    with pysam.AlignmentFile(str(path), check_sq=False) as file:
        items = [group["DS"].split(";") for group in file.header.to_dict()["RG"]]
    assert all(item[0] == "READTYPE=CCS" for item in items)
    return {item[1:3] == ["Ipd:CodecV1=ip", "PulseWidth:CodecV1=pw"] for item in items}


def counts(path: Path) -> dict[str, int]:
    found = json.loads(path.with_suffix(".report.json").read_text())["counts"]
    return {name.removeprefix("kinetics_"): n for name, n in found.items() if name.startswith("kinetics_") and n}


def test_auto_gives_kinetics_where_the_ccs_reads_have_them(run: Commands, subreads, drafts, tmp_path) -> None:
    out = tmp_path / "out.bam"
    done = run("polish", subreads, "--ccs", drafts, "-o", out, *FAST)
    first, *others = kinetics_of(out)
    assert first.keys() == {*FOUR, "fn", "rn"}
    assert others == [{}, {}]
    assert described(out) == {True}
    assert counts(out) == {"computed": 1}
    assert "kinetics (fi fp ri rp ip pw): 1 read computed from subreads" in done.err


@pytest.mark.parametrize("options", [[], ["--kinetics", "off"]])
def test_without_kinetics_nothing_is_said_of_them(run: Commands, subreads, testdata, tmp_path, options) -> None:
    drafts = edited(testdata / "ccs.bam", tmp_path / "ccs.bam", lambda found: found[:2])
    out = tmp_path / "out.bam"
    done = run("polish", subreads, "--ccs", drafts, "-o", out, *FAST, *options)
    assert (kinetics_of(out), described(out), counts(out)) == ([{}, {}], {False}, {})
    assert "kinetics (" not in done.err


def test_off_drops_them(run: Commands, subreads, drafts, tmp_path) -> None:
    out = tmp_path / "out.bam"
    done = run("polish", subreads, "--ccs", drafts, "-o", out, *FAST, "--kinetics", "off")
    assert (kinetics_of(out), described(out), counts(out)) == ([{}, {}, {}], {False}, {"dropped": 1})
    assert "kinetics (fi fp ri rp ip pw): 1 read dropped" in done.err


@pytest.mark.parametrize("ccs", [True, False])
def test_on_gives_them_to_every_read(run: Commands, subreads, testdata, tmp_path, ccs) -> None:
    out = tmp_path / "out.bam"
    given = ["--ccs", testdata / "ccs.bam"] if ccs else []
    assert run("polish", subreads, *given, "--limit", 2, "-o", out, *FAST, "--kinetics", "on").status == 0
    assert [found.keys() for found in kinetics_of(out)] == [{*FOUR, "fn", "rn"}] * 2
    assert (described(out), counts(out)) == ({True}, {"computed": 2})


def test_subreads_without_durations_leave_those_of_the_ccs_reads(run: Commands, subreads, drafts, tmp_path) -> None:
    bare, out = changed(subreads, tmp_path / "bare.bam", without_durations), tmp_path / "out.bam"
    assert run("polish", bare, "--ccs", drafts, "-o", out, *FAST).status == 0
    found, draft = kinetics_of(out), records(drafts)[0]
    assert (found[0]["fn"], found[0]["rn"], found[1:]) == (4, 3, [{}, {}])
    # Most bases are kept, with their values.
    read = next(r for r in polish(read_zmws(bare, drafts, limit=1), model="vote"))
    kept = read.draft_index >= 0
    assert kept.mean() > 0.98
    np.testing.assert_array_equal(np.array(found[0]["fi"])[kept], np.array(draft.get_tag("fi"))[read.draft_index[kept]])
    assert (described(out), counts(out)) == ({True}, {"carried": 1})


def test_on_refuses_a_zmw_without_durations(run: Commands, subreads, drafts, tmp_path) -> None:
    bare, out = changed(subreads, tmp_path / "bare.bam", without_durations), tmp_path / "out.bam"
    done = run("polish", bare, "--ccs", drafts, "-o", out, *FAST, "--kinetics", "on")
    assert done.status == 3
    assert "none of its subreads has both 'ip' and 'pw', which --kinetics on needs" in done.err
    assert counts(out) == {"carried": 1}
    assert len(records(out)) == 1


def test_invalid_kinetics_are_dropped_and_counted(run: Commands, subreads, drafts, tmp_path) -> None:
    def shorten(read: pysam.AlignedSegment, number: int) -> None:
        if number == 0:
            read.set_tag("fi", array("B", [1, 2, 3]))

    bare, out = changed(subreads, tmp_path / "bare.bam", without_durations), tmp_path / "out.bam"
    wrong = changed(drafts, tmp_path / "wrong.bam", shorten)
    done = run("polish", bare, "--ccs", wrong, "-o", out, *FAST)
    assert (kinetics_of(out), counts(out)) == ([{}, {}, {}], {"invalid": 1})
    assert "kinetics (fi fp ri rp ip pw): 1 read with invalid ones in the CCS reads, dropped" in done.err


def test_feature_shards_leave_those_of_the_ccs_reads(run: Commands, subreads, drafts, tmp_path) -> None:
    shard, out, direct = (tmp_path / name for name in ("shard", "out.bam", "direct.bam"))
    bare = changed(subreads, tmp_path / "bare.bam", without_durations)
    assert run("encode", bare, "--ccs", drafts, "-o", shard, "--model", "vote", "--threads", 1).status == 0
    assert run("polish", bare, "--ccs", drafts, "-o", direct, *FAST).status == 0
    assert run("polish", "--features", shard, "-o", out, *FAST).status == 0
    assert (record_lines(out), described(out)) == (record_lines(direct), {True})
    assert run("polish", "--features", shard, "-o", out, *FAST, "--kinetics", "off").status == 0
    assert (kinetics_of(out), described(out)) == ([{}, {}, {}], {False})
    refused = run("polish", "--features", shard, "-o", out, *FAST, "--kinetics", "on")
    assert (refused.status, "--kinetics on needs subreads, not --features" in refused.err) == (1, True)


def test_chunks_threads_and_formats_give_equal_records(run: Commands, subreads, testdata, tmp_path) -> None:
    def polished(name: str, *options: object) -> list[str]:
        common = ("-o", tmp_path / name, "--model", "vote", "--min-quality", 0, "--kinetics", "on", *options)
        assert run("polish", subreads, "--ccs", testdata / "ccs.bam", *common).status == 0
        if name.endswith(".sam"):
            return [line for line in (tmp_path / name).read_text().splitlines() if not line.startswith("@")]
        return record_lines(tmp_path / name)

    whole = polished("whole.bam", "--threads", 1)
    assert sum("\tfi:B:C," in line for line in whole) == 6
    assert polished("threads.bam", "--threads", 3) == whole
    assert polished("out.sam", "--threads", 1) == whole
    chunks = [polished(f"{n}.bam", "--threads", 1, "--chunk", f"{n}/4") for n in range(1, 5)]
    assert [line for lines in chunks for line in lines] == whole


def test_strands_have_kinetics_of_their_own(run: Commands, subreads, testdata, tmp_path) -> None:
    def of_one_strand(read: pysam.AlignedSegment, _: int) -> None:
        read.query_name += "/fwd"

    two = edited(testdata / "ccs.bam", tmp_path / "two.bam", lambda found: found[:2])
    drafts, out, both = changed(two, tmp_path / "ccs.bam", of_one_strand), tmp_path / "out.bam", tmp_path / "both.bam"
    options = (*FAST, "--kinetics", "on")
    assert run("polish", subreads, "--ccs", drafts, "-o", out, *options, "--min-passes", 2).status == 0
    assert run("polish", subreads, "--ccs", two, "-o", both, *options).status == 0
    found = kinetics_of(out)
    assert [tags.keys() for tags in found] == [{"ip", "pw"}] * 2
    assert described(out) == {True}
    # The read of both strands has nearly the same bases, and the same passes on this strand.
    for own, tags in zip(found, kinetics_of(both), strict=True):
        assert abs(np.mean(own["ip"]) - np.mean(tags["fi"])) < 1
        assert abs(np.mean(own["pw"]) - np.mean(tags["fp"])) < 1


@pytest.mark.parametrize(("mode", "kept"), [("auto", True), ("off", False)])
def test_unpolished_reads_have_what_the_header_says(run: Commands, subreads, drafts, tmp_path, mode, kept) -> None:
    def unpolish(read: pysam.AlignedSegment, _: int) -> None:
        read.set_tag("rq", -1.0, "f")

    unpolished, out = changed(drafts, tmp_path / "unpolished.bam", unpolish), tmp_path / "out.bam"
    assert run("polish", subreads, "--ccs", unpolished, "-o", out, *FAST, "--all", "--kinetics", mode).status == 0
    assert kinetics_of(out) == (kinetics_of(unpolished) if kept else [{}, {}, {}])
    assert described(out) == {kept}


def test_merged_parts_say_what_any_of_them_has(run: Commands, subreads, drafts, testdata, tmp_path) -> None:
    first, second = tmp_path / "1.bam", tmp_path / "2.bam"
    last = edited(testdata / "ccs.bam", tmp_path / "last.bam", lambda found: found[5:])
    assert run("polish", subreads, "--ccs", last, "-o", first, *FAST).status == 0
    assert run("polish", subreads, "--ccs", drafts, "-o", second, *FAST).status == 0
    assert (described(first), described(second)) == ({False}, {True})
    assert run("gather", first, second, "-o", tmp_path / "all.bam").status == 0
    assert described(tmp_path / "all.bam") == {True}
    assert counts(tmp_path / "all.bam") == {"computed": 1}


def test_an_unknown_choice_is_refused(run: Commands, subreads, tmp_path) -> None:
    with pytest.raises(ValueError, match="kinetics must be one of auto, on, off, not 'yes'"):
        PolishSettings(kinetics="yes")
    assert run("polish", subreads, "-o", tmp_path / "out.bam", "--kinetics", "yes").status == 2


@pytest.mark.parametrize("mode", ["auto", "on", "off"])
def test_the_library_writes_what_the_command_writes(run: Commands, subreads, drafts, tmp_path, mode) -> None:
    by_command, by_library = tmp_path / "command.bam", tmp_path / "library.bam"
    assert run("polish", subreads, "--ccs", drafts, "-o", by_command, *FAST, "--kinetics", mode).status == 0
    settings = PolishSettings(filter=ReadFilter(0), kinetics=mode)
    reads = list(polish(read_zmws(subreads, drafts), model=load_model("vote"), settings=settings))
    write_reads(reads, by_library, ccs=drafts)
    assert record_lines(by_library) == record_lines(by_command) == [read.to_pysam().to_string() for read in reads]
    assert described(by_library) == described(by_command)
    write_reads(reads, by_library)
    assert described(by_library) == described(by_command)
