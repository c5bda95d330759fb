"""Reading reads: molecules from names, orientation, duplicates, faults."""

from pathlib import Path

import numpy as np
import pysam
import pytest

from deepconsensus_py.errors import InputError
from deepconsensus_py.evaluate.reads import Read, load_reads, molecule_of, reverse_complement_letters
from deepconsensus_py.pacbio.names import MoleculeId


@pytest.mark.parametrize(
    "name", ["m1_2_3/77/ccs", "m1_2_3/77/ccs/fwd", "m1_2_3/77/truth", "m1_2_3/77/0_90", "m1_2_3/77"]
)
def test_names_give_the_molecule(name: str) -> None:
    assert molecule_of(name) == MoleculeId("m1_2_3", 77)


@pytest.mark.parametrize("name", ["read", "movie/ccs", "movie//ccs", "movie/7x/ccs"])
def test_other_names_give_none(name: str) -> None:
    assert molecule_of(name) is None


def test_reverse_complement() -> None:
    assert reverse_complement_letters("AACGTN") == "NACGTT"
    read = Read("m/1/ccs", "AAC", np.array([1.0, 2.0, 3.0]))
    assert read.reverse_complement().bases == "GTT"
    assert read.reverse_complement().qualities.tolist() == [3, 2, 1]


def test_bam_records_come_in_the_direction_of_sequencing(tmp_path: Path) -> None:
    header = pysam.AlignmentHeader.from_dict({"HD": {"VN": "1.6"}, "SQ": [{"SN": "c", "LN": 100}]})
    with pysam.AlignmentFile(str(tmp_path / "r.bam"), "wb", header=header) as file:
        for flag in (16, 256, 2048):
            record = pysam.AlignedSegment(header)
            record.query_name, record.query_sequence, record.flag = f"m/{flag}/ccs", "AACC", flag
            record.query_qualities = pysam.qualitystring_to_array('!"#$')
            record.reference_id, record.reference_start, record.cigarstring = 0, 1, "4M"
            record.set_tag("np", 7)
            record.set_tag("rq", 0.5)
            file.write(record)
    reads = load_reads(tmp_path / "r.bam").reads
    (read,) = reads.values()  # secondary and supplementary records are not reads of their own
    assert (read.bases, read.qualities.tolist(), read.passes, read.read_quality) == ("GGTT", [3, 2, 1, 0], 7, 0.5)


def test_the_longest_read_of_a_molecule_counts(tmp_path: Path) -> None:
    path = tmp_path / "r.fasta"
    path.write_text(">m/1/ccs/fwd\nAC\n>m/1/ccs/rev\nacgt\n>m/1/ccs\nACT\n>n/1/ccs\nA\n")
    reads = load_reads(path)
    assert {str(m): r.bases for m, r in reads.reads.items()} == {"m/1": "ACGT", "n/1": "A"}
    assert reads.duplicates == 2


def test_fastq_has_qualities(tmp_path: Path) -> None:
    path = tmp_path / "r.fastq"
    path.write_text("@m/1/ccs\nACG\n+\n!+5\n")
    (read,) = load_reads(path).reads.values()
    assert read.qualities.tolist() == [0, 10, 20]


def test_faults_are_named(tmp_path: Path) -> None:
    path = tmp_path / "r.fasta"
    path.write_text(">read one\nACG\n")
    with pytest.raises(InputError, match="'read' has no ZMW number"):
        load_reads(path)
    for name in ("absent.fasta", "absent.bam"):
        with pytest.raises(InputError, match=f"{name}: no such file"):
            load_reads(tmp_path / name)
    for name in ("text.bam", "truth.bed"):
        (tmp_path / name).write_text("chr1\t0\t100\n")
        with pytest.raises(InputError, match=f"{name}: is not a BAM, SAM, CRAM, FASTQ or FASTA file"):
            load_reads(tmp_path / name)
