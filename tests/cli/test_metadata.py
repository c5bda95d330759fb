"""What polished reads carry: read groups and hole numbers of FASTQ drafts, and a word on what is dropped."""

import json
import re
from array import array
from pathlib import Path

import numpy as np
import pysam
import pytest
from support import Commands, edited, records

from deepconsensus_py.polishing.qualities import binned_qualities

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
        reads = list(file)
    found = [(read.query_name, read.get_tag("RG"), read.get_tag("zm")) for read in reads]
    assert len(groups) == 1
    # Simulated CCS reads have no counts of adapters, and their coverage is a sum of pass lengths.
    for read, draft in zip(reads, records(drafts), strict=True):
        assert {"ac", "ma", *(tag for tag, _ in draft.get_tags())} == {tag for tag, _ in read.get_tags()}
        assert read.get_tag("np") == draft.get_tag("np")
        assert read.get_tag("ec") == pytest.approx(draft.get_tag("ec"), rel=0.1)
    assert found == [(name, groups[0], int(name.split("/")[1])) for name, _, _ in entries]


def test_tags_of_alignments_are_dropped(run: Commands, testdata, drafts, tmp_path) -> None:
    def with_tags(found: list[pysam.AlignedSegment]) -> list[pysam.AlignedSegment]:
        found[0].set_tag("NM", 4)
        return found

    given = edited(drafts, tmp_path / "rich.bam", with_tags)
    result = run("polish", testdata / "subreads.bam", "--ccs", given, "-o", tmp_path / "out.bam", *FAST)
    kept = {tag for read in records(tmp_path / "out.bam") for tag, _ in read.get_tags()}
    assert {"RG", "zm", "rq"} <= kept
    assert "NM" not in kept
    assert "dropped" not in result.err


def test_base_modifications_follow_their_bases(run: Commands, testdata, drafts, tmp_path) -> None:
    def with_tags(found: list[pysam.AlignedSegment]) -> list[pysam.AlignedSegment]:
        for read in found:
            right = str(read.query_sequence)
            bases = "".join([right[:300], right[301:600], "T", right[600:900], "G", right[901:]])
            read.query_sequence = bases
            read.query_qualities = array("B", [20] * len(bases))
            # C by C, whether it is in a CpG, and how many C were skipped before.
            text = "".join("," if after == "G" else "-" for after in re.findall("C(?=(.?))", bases))
            calls = [len(skipped) for skipped in text.split(",")[:-1]]
            read.set_tag("MM", f"C+m?,{','.join(map(str, calls))};")
            read.set_tag("ML", array("B", [number % 256 for number in range(len(calls))]))
        found[1].set_tag("MN", 1)
        return found

    given = edited(drafts, tmp_path / "rich.bam", with_tags)
    command = ("polish", testdata / "subreads.bam", "--ccs", given, *FAST)
    result = run(*command, "-o", tmp_path / "out.bam")
    before, after = (records(path)[0] for path in (given, tmp_path / "out.bam"))
    calls, found = before.modified_bases["C", 0, "m"], after.modified_bases["C", 0, "m"]
    assert after.query_sequence != before.query_sequence
    assert after.get_tag("MN") == after.query_length
    # All but those of CpGs that polishing ended; each is the one after the one before it.
    assert 0 <= len(calls) - len(found) <= 3
    assert {after.query_sequence[at : at + 2] for at, _ in found} == {"CG"}
    assert [value for _, value in found] == sorted(value for _, value in found)
    assert not any(records(tmp_path / "out.bam")[1].has_tag(tag) for tag in ("MM", "ML", "MN"))
    counts = json.loads((tmp_path / "out.report.json").read_text())["counts"]
    assert (counts["mods_kept"], counts["mods_dropped"], counts["mods_invalid"]) == (
        len(found),
        len(calls) - len(found),
        1,
    )
    assert f"base modifications (MM ML): {len(found)} calls kept, {len(calls) - len(found)} dropped" in result.err
    assert "base modifications of 1 CCS read contradict" in result.err
    assert run(*command, "-o", tmp_path / "none.bam", "--mods", "drop").status == 0
    assert not any(read.has_tag("MM") for read in records(tmp_path / "none.bam"))
    shard = tmp_path / "shard"
    encoding = ("encode", testdata / "subreads.bam", "--ccs", given, "-o", shard, "--model", "vote", "--threads", 1)
    assert run(*encoding).status == 0
    assert run("polish", "--features", shard, "-o", tmp_path / "two.bam", *FAST).status == 0
    assert records(tmp_path / "two.bam") == records(tmp_path / "out.bam")


def test_binned_qualities_leave_read_qualities_as_they_are(run: Commands, testdata, drafts, tmp_path) -> None:
    command = ("polish", testdata / "subreads.bam", "--ccs", drafts, *FAST)
    assert run(*command, "-o", tmp_path / "plain.bam").status == 0
    assert run(*command, "-o", tmp_path / "binned.bam", "--qv-bins", "pacbio").status == 0
    for plain, binned in zip(*(records(tmp_path / f"{name}.bam") for name in ("plain", "binned")), strict=True):
        wanted = binned_qualities(np.array(plain.query_qualities, np.uint8))
        assert binned.query_qualities.tolist() == wanted.tolist() != plain.query_qualities.tolist()
        assert binned.get_tag("rq") == plain.get_tag("rq")


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
