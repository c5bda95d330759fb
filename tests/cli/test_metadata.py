"""What polished reads carry: read groups and hole numbers of FASTQ drafts, and a word on what is dropped."""

import json
from array import array
from pathlib import Path

import pysam
import pytest
from support import Commands, edited, records

FAST = ("--model", "vote", "--min-quality", 0, "--threads", 1)


@pytest.fixture
def drafts(testdata: Path, tmp_path: Path) -> Path:
    """Two of the drafts."""
    return edited(testdata / "ccs.bam", tmp_path / "ccs.bam", lambda found: found[:2])


@pytest.mark.parametrize("way", ["polish", "encode", "fasta"])
def test_drafts_without_tags_get_read_group_and_hole_number(run: Commands, testdata, drafts, tmp_path, way) -> None:
    text = tmp_path / ("ccs.fasta" if way == "fasta" else "ccs.fastq")
    entries = [(r.query_name, r.query_sequence, "I" * len(r.query_sequence)) for r in records(drafts)]
    form = ">{0}\n{1}\n" if way == "fasta" else "@{0}\n{1}\n+\n{2}\n"
    text.write_text("".join(form.format(*entry) for entry in entries))
    inputs, output = [testdata / "subreads.bam", "--ccs", text], tmp_path / "out.bam"
    if way == "encode":
        assert run("encode", *inputs, "-o", tmp_path / "shard", "--model", "vote", "--threads", 1).status == 0
        inputs = ["--features", tmp_path / "shard"]
    assert run("polish", *inputs, "-o", output, *FAST).status == 0
    with pysam.AlignmentFile(str(output), check_sq=False) as file:
        groups = [group["ID"] for group in file.header.to_dict()["RG"]]
        found = [(read.query_name, read.get_tag("RG"), read.get_tag("zm")) for read in file]
    assert len(groups) == 1
    assert found == [(name, groups[0], int(name.split("/")[1])) for name, _, _ in entries]


def test_modifications_are_dropped_aloud(run: Commands, testdata, drafts, tmp_path) -> None:
    def with_tags(found: list[pysam.AlignedSegment]) -> list[pysam.AlignedSegment]:
        found[0].set_tag("NM", 4)
        for read in found:
            read.set_tag("MM", "C+m,0;")
            read.set_tag("ML", array("B", [200]))
        return found

    given = edited(drafts, tmp_path / "rich.bam", with_tags)
    result = run("polish", testdata / "subreads.bam", "--ccs", given, "-o", tmp_path / "out.bam", *FAST)
    assert "base modifications (MM ML) dropped from 2 reads:" in result.err
    kept = {tag for read in records(tmp_path / "out.bam") for tag, _ in read.get_tags()}
    assert {"RG", "zm", "rq"} <= kept
    assert kept.isdisjoint({"MM", "ML", "NM"})
    plain = run("polish", testdata / "subreads.bam", "--ccs", drafts, "-o", tmp_path / "plain.bam", *FAST)
    assert "dropped from" not in plain.err


def test_the_last_lines_are_the_yields(run: Commands, testdata, drafts, tmp_path) -> None:
    result = run("polish", testdata / "subreads.bam", "--ccs", drafts, "-o", tmp_path / "out.bam", *FAST)
    bases = [sum(r.query_length for r in records(path)) for path in (drafts, tmp_path / "out.bam")]
    lines = result.err.splitlines()[-5:-1]
    assert [line.split("  ")[0] for line in lines] == ["predicted quality", *(f"Q{q} or better" for q in (20, 30, 40))]
    assert len({len(line) for line in lines}) == 1
    assert lines[1].split() == [
        "Q20",
        "or",
        "better",
        *f"2 reads, {bases[0]:,} bases 2 reads, {bases[1]:,} bases".split(),
    ]
    gathered = run("gather", tmp_path / "out.bam", "-o", tmp_path / "all.bam")
    assert gathered.err.splitlines()[-5:-1] == lines


def test_barcodes_of_the_subreads_are_those_of_the_read(run: Commands, testdata, tmp_path) -> None:
    def barcoded(path: Path, pairs: tuple[str, str]) -> Path:
        """The subreads, those of each molecule of these two barcode pairs in turn."""
        with pysam.AlignmentFile(str(testdata / "subreads.bam"), check_sq=False) as file:
            head, found = file.header.to_dict(), list(file)
        (group,) = head["RG"]
        head["RG"] = [{**group, "ID": f"{group['ID']}/{pair}", "BC": "AC-GT"} for pair in sorted(set(pairs))]
        header = pysam.AlignmentHeader.from_dict(head)
        with pysam.AlignmentFile(str(path), "wb", header=header) as file:
            for number, read in enumerate(found[:60]):
                pair = pairs[number % 2]
                read.set_tag("RG", f"{group['ID']}/{pair}")
                read.set_tag("bc", array("H", map(int, pair.split("--"))))
                read.set_tag("bq", 80 + number % 2)
                file.write(pysam.AlignedSegment.from_dict(read.to_dict(), header))
        return path

    same = barcoded(tmp_path / "same.bam", ("1--2", "1--2"))
    assert run("polish", same, "-o", tmp_path / "out.bam", *FAST).status == 0
    with pysam.AlignmentFile(str(tmp_path / "out.bam"), check_sq=False) as file:
        (group,) = file.header.to_dict()["RG"]
        read = next(file)
    assert group["ID"] == read.get_tag("RG")
    assert group["ID"].endswith("/1--2")
    assert (group["BC"], read.get_tag("bc").tolist(), read.get_tag("bq")) == ("AC-GT", [1, 2], 80)
    tags = [tag for tag, _ in read.get_tags()]
    assert tags == sorted(tags)
    assert {"np", "ec", "ac", "ma", "rq", "sn", "zm"} <= set(tags)
    differ = barcoded(tmp_path / "differ.bam", ("1--2", "3--3"))
    assert run("polish", differ, "-o", tmp_path / "differ.hifi.bam", *FAST).status == 0
    found = records(tmp_path / "differ.hifi.bam")
    assert not any(read.has_tag(tag) for read in found for tag in ("RG", "bc", "bq"))
    counts = json.loads((tmp_path / "differ.hifi.report.json").read_text())["counts"]
    assert counts["barcodes_differ"] == len(found) > 0
