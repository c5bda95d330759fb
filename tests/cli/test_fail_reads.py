"""Fail reads: what has no place among HiFi reads, with the reasons in its tag ``ff``."""

from pathlib import Path

import pysam
import pytest
from support import Commands, edited, record_lines, records

from deepconsensus_py.pacbio.molecule import decode_bases, encode_bases, reverse_complement

POLISH = ("--model", "vote", "--threads", "1", "--min-quality", "0")


def of_zmw(found: list[pysam.AlignedSegment], hole: int) -> list[pysam.AlignedSegment]:
    return [record for record in found if record.get_tag("zm") == hole]


@pytest.fixture(scope="module")
def holes(testdata: Path) -> list[int]:
    return [record.get_tag("zm") for record in records(testdata / "ccs.bam")]


@pytest.fixture
def fewer(testdata: Path, tmp_path: Path, holes: list[int]) -> Path:
    """Subreads of which the first ZMW has one full pass, the second one none, and the third a poor signal."""

    def leave(found: list[pysam.AlignedSegment]) -> list[pysam.AlignedSegment]:
        gone = []
        for hole, keep in zip(holes, (1, 0), strict=False):
            gone += [r.query_name for r in of_zmw(found, hole) if r.get_tag("cx") & 3 == 3][keep:]
        for record in of_zmw(found, holes[2]):
            record.set_tag("sn", [9.0, 2.4, 9.0, 9.0])
        return [record for record in found if record.query_name not in gone]

    return edited(testdata / "subreads.bam", tmp_path / "fewer.bam", leave)


@pytest.mark.parametrize("given", ["no drafts", "drafts", "aligned"])
def test_the_median_full_pass_stands_for_a_zmw_without_a_read(
    run: Commands, testdata: Path, tmp_path: Path, fewer: Path, holes: list[int], given: str
) -> None:
    subreads, ccs = fewer, () if given == "no drafts" else ("--ccs", testdata / "ccs.bam")
    if given == "aligned":
        subreads = tmp_path / "aligned.bam"
        assert run("align", fewer, *ccs, "-o", subreads).status == 0
    output, failed = tmp_path / "out.bam", tmp_path / "failed.bam"
    assert run("polish", subreads, *ccs, "-o", output, "--failed", failed, *POLISH).status == 0
    assert [record.get_tag("zm") for record in records(output)] == holes[3:]
    written = records(failed)
    assert [(record.get_tag("zm"), record.get_tag("ff")) for record in written] == [(holes[0], 8), (holes[2], 8)]
    for record in written:
        full = [r for r in of_zmw(records(fewer), record.get_tag("zm")) if r.get_tag("cx") & 3 == 3]
        full.sort(key=lambda r: r.query_length)
        own = full[(len(full) - 1) // 2]
        assert record.query_name.endswith("/ccs")
        assert (record.query_sequence, set(record.query_qualities)) == (own.query_sequence, {10})
        assert all(record.get_tag(tag) == own.get_tag(tag) for tag in ("ip", "pw", "sn"))
        assert (record.get_tag("rq"), record.get_tag("np")) == (-1, len(full))


def test_threads_and_resuming_leave_the_same_records(run: Commands, fewer: Path, tmp_path: Path) -> None:
    made = []
    for threads in (1, 2):
        output, failed = tmp_path / f"{threads}.bam", tmp_path / f"failed{threads}.bam"
        options = (*POLISH[:2], "-q", 0, "--threads", threads, "--resume")
        assert run("polish", fewer, "-o", output, "--failed", failed, *options).status == 0
        made.append((record_lines(output), record_lines(failed)))
    assert made[0] == made[1]


def test_palindromes_leave_the_hifi_reads(run: Commands, testdata: Path, tmp_path: Path, holes: list[int]) -> None:
    def double(found: list[pysam.AlignedSegment]) -> list[pysam.AlignedSegment]:
        """The subreads of the first ZMW read both strands without an adapter between them."""
        for record in of_zmw(found, holes[0]):
            bases = encode_bases(record.query_sequence)
            record.query_sequence += decode_bases(reverse_complement(bases))
            for tag in ("ip", "pw"):
                if record.has_tag(tag):
                    record.set_tag(tag, record.get_tag(tag) + record.get_tag(tag)[::-1])
        return found

    subreads = edited(testdata / "subreads.bam", tmp_path / "subreads.bam", double)
    output, failed = tmp_path / "out.bam", tmp_path / "failed.bam"
    assert run("polish", subreads, "-o", output, "--failed", failed, *POLISH).status == 0
    assert holes[0] not in {record.get_tag("zm") for record in records(output)}
    (read,) = of_zmw(records(failed), holes[0])
    assert read.get_tag("ff") & ~1 == 32
    assert run("polish", subreads, "-o", tmp_path / "all.bam", *POLISH).status == 0
    assert holes[0] in {record.get_tag("zm") for record in records(tmp_path / "all.bam")}


def test_reads_of_the_control_and_of_one_strand_are_marked(run: Commands, testdata: Path, tmp_path: Path) -> None:
    text = str(pysam.AlignmentFile(str(testdata / "ccs.bam"), check_sq=False).header)
    control = text.replace("READTYPE=CCS", "READTYPE=CCS;CONTROL=TRUE")
    assert control != text
    drafts = tmp_path / "ccs.bam"
    with pysam.AlignmentFile(str(drafts), "wb", header=pysam.AlignmentHeader.from_text(control)) as target:
        for number, record in enumerate(records(testdata / "ccs.bam")):
            if number == 1:
                record.query_name += "/rev"
            target.write(pysam.AlignedSegment.fromstring(record.to_string(), target.header))
    failed = tmp_path / "failed.bam"
    options = ("--model", "vote", "--threads", 1, "--min-quality", 93, "--min-passes", 1, "--failed", failed)
    assert run("polish", testdata / "subreads.bam", "--ccs", drafts, "-o", tmp_path / "o.bam", *options).status == 0
    flags = [record.get_tag("ff") & ~1 for record in records(failed)]
    assert flags[1] == 2 | 4
    assert set(flags[:1] + flags[2:]) == {2}


def test_adapters_are_for_fail_reads(run: Commands, testdata: Path, tmp_path: Path) -> None:
    adapters = tmp_path / "adapters.fasta"
    read = records(testdata / "ccs.bam")[0]
    adapters.write_text(f">a\n{read.query_sequence[:45]}\n")
    output, failed = tmp_path / "out.bam", tmp_path / "failed.bam"
    inputs = ("polish", testdata / "subreads.bam", "--ccs", testdata / "ccs.bam", "-o", output, "--adapter", adapters)
    assert run(*inputs, *POLISH).status == 2
    assert run(*inputs, "--failed", failed, *POLISH).status == 0
    assert [record.get_tag("ff") & ~1 for record in records(failed)] == [64]
    assert records(failed)[0].get_tag("zm") == read.get_tag("zm")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--all", "--failed", "f.bam"), "--all writes every ZMW to OUT, and leaves nothing for --failed"),
        (("--all", "-q", 20), "--all writes reads of any quality; remove --min-quality"),
        (("--all", "--min-passes", 3), "--all writes ZMWs of any passes and length; remove --min-passes"),
        (("--all", "--max-length", 9), "--all writes ZMWs of any passes and length; remove --max-length"),
        (("--min-rq", "1"), "must be an accuracy of at least 0 and below 1, such as 0.99, not '1'"),
        (("--min-rq", "0.9", "-q", "10"), "may be given only once"),
        (("--min-snr", "x"), "must be a number of at least 0, not 'x'"),
    ],
)
def test_what_does_not_go_together(run: Commands, options: tuple[object, ...], sentence: str) -> None:
    result = run("polish", "a.bam", "-o", "out.bam", *options)
    assert result.status == 2
    assert sentence in result.err
