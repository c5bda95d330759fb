"""``correct`` as a command."""

from array import array
from pathlib import Path

import numpy as np
import pysam
import pytest
from overlap_reads import genome, tiled, with_errors

from deepconsensus_py.cli import correct
from deepconsensus_py.cli.main import main
from deepconsensus_py.overlaps.coverage import MIN_COVERAGE
from deepconsensus_py.pacbio.molecule import decode_bases

HEADER = {
    "HD": {"VN": "1.6", "SO": "unknown", "pb": "5.0.0"},
    "RG": [{"ID": "abcd1234", "PL": "PACBIO", "PU": "movie", "DS": "READTYPE=CCS"}],
}


def write(path: Path, reads: list[np.ndarray]) -> None:
    with pysam.AlignmentFile(str(path), "wb", header=HEADER) as file:
        for number, bases in enumerate(reads):
            record = pysam.AlignedSegment(file.header)
            record.query_name, record.flag = f"movie/{number}/ccs", 4
            record.query_sequence = decode_bases(bases)
            record.query_qualities = array("B", [30] * len(bases))
            record.set_tag("RG", "abcd1234")
            record.set_tag("zm", number, "i")
            record.set_tag("np", 9, "i")
            record.set_tag("fi", array("B", [number % 9 + 1] * len(bases)))
            # The first C is methylated.
            record.set_tag("MM", "C+m,0;")
            record.set_tag("ML", array("B", [200]))
            file.write(record)


def records(path: Path) -> list[pysam.AlignedSegment]:
    with pysam.AlignmentFile(str(path), check_sq=False) as file:
        return list(file)


def test_all_reads_are_written_with_their_tags(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(1)
    truths = [*tiled(genome(12_000, 1), 6000, 1000), genome(3000, 2)]
    source, target = tmp_path / "hifi.bam", tmp_path / "out.bam"
    write(source, [with_errors(truth, 6, rng) for truth in truths])
    assert main(["correct", str(source), "-o", str(target)]) == 0
    given, found = records(source), records(target)
    assert [read.query_name for read in found] == [read.query_name for read in given]
    same = [read.query_sequence == decode_bases(truth) for read, truth in zip(found, truths, strict=True)]
    assert all(same[2:5])
    assert found[-1].query_sequence == given[-1].query_sequence
    for before, read in zip(given, found, strict=True):
        assert read.get_tag("np") == 9
        assert read.get_tag("zm") == before.get_tag("zm")
        assert len(read.get_tag("fi")) == read.query_length
        assert list(read.get_tag("ML")) == [200]
        ((_, _, calls),) = [(*key, value) for key, value in [((k[0], k[2]), v) for k, v in read.modified_bases.items()]]
        assert read.query_sequence[calls[0][0]] == "C"
    said = capsys.readouterr().err
    assert "8 reads in" in said
    assert "too few overlaps with reads of the same haplotype to correct 1 read" in said


def test_the_default_is_that_of_the_library() -> None:
    assert correct.MIN_COVERAGE == MIN_COVERAGE


def test_reads_without_qualities_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "reads.fasta"
    source.write_text(">movie/1/ccs\nACGTACGT\n")
    assert main(["correct", str(source), "-o", str(tmp_path / "out.bam")]) == 1
    assert "movie/1/ccs: has no base qualities" in capsys.readouterr().err
    assert not (tmp_path / "out.bam").exists()
