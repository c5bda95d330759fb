"""Filtering files: the original's reads, and records that come through unchanged."""

import hashlib
from pathlib import Path

import numpy as np
import pysam
import pytest

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.headers import Program
from deepconsensus_py.polishing.filters import FilterCounts, ReadFilter, filter_reads

PROGRAM = Program("1", "deepconsensus-py filter")


@pytest.fixture
def bam(tmp_path: Path) -> Path:
    """Reads of quality 10, 20 and 30, the last aligned to the reverse strand, and a supplementary record of it."""
    path = tmp_path / "in.bam"
    header = {"HD": {"VN": "1.6"}, "SQ": [{"SN": "chr", "LN": 99}], "RG": [{"ID": "x"}]}
    with pysam.AlignmentFile(str(path), "wb", header=header) as file:
        for name, quality, flag in (("m/1/ccs", 10, 4), ("m/2/ccs", 20, 4), ("m/3/ccs", 30, 16), ("m/3/ccs", 30, 2064)):
            record = pysam.AlignedSegment(file.header)
            record.query_name, record.query_sequence, record.flag = name, "AACGT", flag
            if flag != 4:
                record.reference_id, record.reference_start, record.cigarstring = 0, 7, "5M"
            record.query_qualities = pysam.qualitystring_to_array("".join(chr(33 + quality) for _ in range(5)))
            record.set_tag("rq", 0.5)
            record.set_tag("RG", "x")
            file.write(record)
    return path


def records(path: Path) -> list[str]:
    with pysam.AlignmentFile(str(path), check_sq=False) as file:
        return [record.to_string() for record in file.fetch(until_eof=True)]


def test_bam_records_come_through_unchanged(bam: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.bam"
    counts = filter_reads(bam, target, ReadFilter(20), PROGRAM)
    assert counts == FilterCounts(reads=4, kept=3)
    assert records(target) == records(bam)[1:]
    with pysam.AlignmentFile(str(target)) as file:
        assert file.header.to_dict()["PG"][-1]["PN"] == "deepconsensus-py"
        assert file.header.references == ("chr",)


@pytest.mark.parametrize("ending", ["bam", "fastq"])
def test_reads_that_are_no_consensus_have_no_quality(bam: Path, tmp_path: Path, ending: str) -> None:
    source, target = tmp_path / "unpolished.bam", tmp_path / f"out.{ending}"
    with pysam.AlignmentFile(str(bam)) as file, pysam.AlignmentFile(str(source), "wb", header=file.header) as changed:
        for record in file.fetch(until_eof=True):
            if record.query_name == "m/2/ccs":
                record.set_tag("rq", -1.0)
            changed.write(record)
    assert filter_reads(source, target, ReadFilter(15), PROGRAM).kept == (2 if ending == "bam" else 1)
    assert filter_reads(source, target, ReadFilter(0), PROGRAM).kept == (4 if ending == "bam" else 3)


def test_fastq_has_each_read_once_as_sequenced(bam: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.fastq"
    assert filter_reads(bam, target, ReadFilter(20.5), PROGRAM) == FilterCounts(reads=3, kept=1)
    assert target.read_text() == "@m/3/ccs\nACGTT\n+\n?????\n"


def test_fastq_keeps_comments_and_its_file_even_when_no_read_passes(tmp_path: Path) -> None:
    source, target = tmp_path / "in.fastq", tmp_path / "out.fastq"
    source.write_text("@m/1/ccs np:i:7 and more\nACGTN\n+\n55555\n@m/2/ccs\n\n+\n\n")
    assert filter_reads(source, target, ReadFilter(20), PROGRAM) == FilterCounts(2, 1)
    assert target.read_text() == "@m/1/ccs np:i:7 and more\nACGTN\n+\n55555\n"
    filter_reads(source, target, ReadFilter(21), PROGRAM)
    assert target.read_text() == ""


def test_fastq_to_bam_and_back(tmp_path: Path) -> None:
    source = tmp_path / "in.fastq"
    source.write_text("@m64011_190228_190319/1/ccs\nACGTN\n+\n5678~\n")
    bam, back = tmp_path / "a.bam", tmp_path / "b.fastq.gz"
    filter_reads(source, bam, ReadFilter(0), PROGRAM)
    filter_reads(bam, back, ReadFilter(0), PROGRAM)
    with pysam.BGZFile(str(back)) as file:
        assert file.read().decode() == source.read_text()


def test_fasta_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "in.fasta"
    source.write_text(">m/1/ccs\nACGT\n")
    with pytest.raises(InputError, match=r"in\.fasta: is FASTA"):
        filter_reads(source, tmp_path / "out.fastq", ReadFilter(20), PROGRAM)
    assert not (tmp_path / "out.fastq").exists()


@pytest.mark.real
def test_the_same_reads_as_the_original(shared: Path, golden: Path, tmp_path: Path) -> None:
    table = np.loadtxt(golden / "filter_reads.tsv", dtype=str, delimiter="\t")
    assert len(table) == 9
    for name, quality, count, digest, _ in table:
        target = tmp_path / "out.fastq"
        counts = filter_reads(shared / "data" / "polished_reads" / name, target, ReadFilter(float(quality)), PROGRAM)
        assert counts.kept == int(count)
        assert hashlib.md5(target.read_bytes()).hexdigest() == digest
