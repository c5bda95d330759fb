"""Data sets in the place of BAM files, and beside the reads that are written."""

import json
from pathlib import Path

import pytest
from support import Commands, record_lines, records

from deepconsensus_py.pacbio.inputs import read_dataset

POLISH = ("--model", "vote", "--threads", 1, "-q", 0)
KINDS = {
    "SubreadSet": "PacBio.SubreadFile.SubreadBamFile",
    "ConsensusReadSet": "PacBio.ConsensusReadFile.ConsensusReadBamFile",
}


def dataset(path: Path, kind: str, bam: Path, *holes: int) -> Path:
    listed = f'<ExternalResource MetaType="{KINDS[kind]}" ResourceId="file://{bam}"/>'
    wanted = "".join(
        f'<Filter><Properties><Property Name="zm" Operator="==" Value="{hole}"/></Properties></Filter>'
        for hole in holes
    )
    path.write_text(f"<{kind}><ExternalResources>{listed}</ExternalResources><Filters>{wanted}</Filters></{kind}>\n")
    return path


@pytest.mark.parametrize("command", ["polish", "align", "draft"])
def test_records_are_those_of_the_files(run: Commands, testdata: Path, tmp_path: Path, command: str) -> None:
    subreads = dataset(tmp_path / "s.subreadset.xml", "SubreadSet", testdata / "subreads.bam")
    ccs = dataset(tmp_path / "c.consensusreadset.xml", "ConsensusReadSet", testdata / "ccs.bam")
    options = POLISH if command == "polish" else ()
    files = () if command == "draft" else ("--ccs", testdata / "ccs.bam")
    sets = () if command == "draft" else ("--ccs", ccs)
    assert run(command, testdata / "subreads.bam", *files, "-o", tmp_path / "files.bam", *options).status == 0
    assert run(command, subreads, *sets, "-o", tmp_path / "sets.bam", *options).status == 0
    assert record_lines(tmp_path / "sets.bam") == record_lines(tmp_path / "files.bam")


def test_filters_choose_the_zmws(run: Commands, testdata: Path, tmp_path: Path) -> None:
    holes = [record.get_tag("zm") for record in records(testdata / "ccs.bam")]
    subreads = dataset(tmp_path / "s.xml", "SubreadSet", testdata / "subreads.bam", holes[1], holes[4])
    output = tmp_path / "out.bam"
    assert run("polish", subreads, "-o", output, "--xml", *POLISH).status == 0
    assert [record.get_tag("zm") for record in records(output)] == [holes[1], holes[4]]
    assert read_dataset(tmp_path / "out.consensusreadset.xml").files == (output,)
    assert json.loads((tmp_path / "out.report.json").read_text())["inputs"] == [str(subreads)]


def test_a_data_set_of_another_kind_is_refused(run: Commands, testdata: Path, tmp_path: Path) -> None:
    ccs = dataset(tmp_path / "c.xml", "ConsensusReadSet", testdata / "ccs.bam")
    done = run("polish", ccs, "-o", tmp_path / "out.bam", *POLISH)
    assert done.status == 1
    assert "contains HiFi (CCS) reads" in done.err
    assert list(tmp_path.iterdir()) == [ccs]


def test_a_data_set_describes_bam_alone(run: Commands, tmp_path: Path) -> None:
    for output in ("-", tmp_path / "out.fastq.gz"):
        done = run("polish", "a.bam", "-o", output, "--xml")
        assert done.status == 2
        assert "--xml describes a BAM file: give an output whose name ends in .bam" in done.err
