"""Base quality against empirical matches: every base once, and the original's table from our counts."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pysam
import pytest

from deepconsensus_py.errors import InputError
from deepconsensus_py.evaluate.calibration import Region, recalibrate, tally
from deepconsensus_py.evaluate.calibration_counts import QUALITIES
from deepconsensus_py.polishing.qualities import Calibration, LinearCalibration

REFERENCE = "ACGTNACGTACG"


@pytest.fixture
def reference(tmp_path: Path) -> Iterator[pysam.FastaFile]:
    path = tmp_path / "reference.fa"
    path.write_text(f">chr1\n{REFERENCE}\n>chr2\nAAAA\n")
    with pysam.FastaFile(str(path)) as fasta:
        yield fasta


def read(sequence: str, cigar: str, start: int = 0, mapq: int = 60, flag: int = 0) -> pysam.AlignedSegment:
    header = pysam.AlignmentHeader.from_dict({"SQ": [{"SN": "chr1", "LN": 12}, {"SN": "chr2", "LN": 4}]})
    record = pysam.AlignedSegment(header)
    record.query_name, record.query_sequence, record.cigarstring = "r", sequence, cigar
    record.reference_id, record.reference_start, record.mapping_quality, record.flag = 0, start, mapq, flag
    record.query_qualities = pysam.qualitystring_to_array("".join(chr(33 + 10 + i) for i in range(len(sequence))))
    return record


def counted(counts: np.ndarray) -> tuple[list[int], list[int]]:
    """The qualities that occur, one entry for each base, of matches and of mismatches."""
    return tuple(np.repeat(np.arange(QUALITIES), row).tolist() for row in counts)


def test_every_operation_counts_as_it_should(reference: pysam.FastaFile) -> None:
    # Clip of 2, matches at 0 and 1, insertion, G read as A, match, a base on N, deletion of 5, match at 6.
    record = read("TTACGATAC", "2S2M1I3M1D1M")
    matches, mismatches = counted(tally([record], reference, [Region("chr1", 0, 12)]))
    assert matches == [12, 13, 16, 18]
    assert mismatches == [10, 11, 14, 15]


def test_regions_that_partition_the_reference_count_every_base_once(reference: pysam.FastaFile) -> None:
    record = read("GACGGTTACGT", "1S3M1I4M2S", 0)
    whole = tally([record], reference, [Region("chr1", 0, 12)])
    for border in range(1, 12):
        parts = [Region("chr1", 0, border), Region("chr1", border, 12)]
        np.testing.assert_array_equal(sum(tally([record], reference, [part]) for part in parts), whole)


def test_bases_beyond_the_end_of_the_reference_do_not_count(reference: pysam.FastaFile) -> None:
    matches, mismatches = counted(tally([read("ACGTT", "5M", 9)], reference, [Region.parse("chr1", reference)]))
    assert (matches, mismatches) == ([10, 11, 12], [])


@pytest.mark.parametrize("flag", [0x4, 0x100, 0x200, 0x400, 0x800])
def test_excluded_records(reference: pysam.FastaFile, flag: int) -> None:
    assert tally([read("ACGT", "4M", flag=flag)], reference, [Region("chr1", 0, 12)]).sum() == 0


def test_mapping_quality_and_other_contigs(reference: pysam.FastaFile) -> None:
    records = [read("ACGT", "4M", mapq=59)]
    assert tally(records, reference, [Region("chr1", 0, 12)]).sum() == 0
    assert tally(records, reference, [Region("chr1", 0, 12)], min_mapq=59).sum() == 4
    assert tally(records, reference, [Region("chr2", 0, 4)], min_mapq=59).sum() == 0


def test_reads_without_qualities_are_passed_over(reference: pysam.FastaFile) -> None:
    record = read("ACGT", "4M")
    record.query_qualities = None
    assert tally([record], reference, [Region("chr1", 0, 12)]).sum() == 0


@pytest.mark.parametrize("text", ["chr9", "chr1:5", "chr1:5-5", "chr1:a-b", "chr1:-4", "chr1:7-3"])
def test_bad_region_is_named(reference: pysam.FastaFile, text: str) -> None:
    with pytest.raises(InputError, match=text):
        Region.parse(text, reference)


def test_region_ends_with_its_contig(reference: pysam.FastaFile) -> None:
    assert Region.parse("chr1:3-99", reference) == Region("chr1", 3, 12)
    assert Region.parse("chr1", reference) == Region("chr1", 0, 12)


def test_recalibration_loses_no_base() -> None:
    counts = np.random.default_rng(1).integers(0, 9, (2, QUALITIES))
    moved = recalibrate(counts, LinearCalibration(20, 1.3, -4))
    np.testing.assert_array_equal(moved.sum(1), counts.sum(1))
    np.testing.assert_array_equal(moved[:, :21] >= counts[:, :21], True)


@pytest.mark.real
@pytest.mark.parametrize("calibration", ["skip", "0,1.197654,-0.99281", "25,1.1,-2.0"])
def test_equals_the_original_once_its_borders_are_counted_twice(
    shared: Path, golden: Path, tmp_path: Path, calibration: str
) -> None:
    """The original cuts the region into intervals of 1,000 that include both ends; here, so do we."""
    folder = shared / "data" / "polished_reads"
    fasta = tmp_path / "chr20.fa"
    shutil.copyfile(folder / "CHM13_chr20_0_200000.fa", fasta)
    shutil.copyfile(folder / "CHM13_chr20_0_200000_dc.to_truth.bam", tmp_path / "reads.bam")
    pysam.index(str(tmp_path / "reads.bam"))
    counts = np.zeros((2, QUALITIES), np.int64)
    with pysam.FastaFile(str(fasta)) as reference, pysam.AlignmentFile(str(tmp_path / "reads.bam")) as bam:
        for start in range(0, 190_000, 1000):
            interval = Region("chr20", start, start + 1001)
            counts += tally(bam.fetch("chr20", start, start + 1000), reference, [interval])
        once = tally(bam.fetch("chr20", 0, 190_000), reference, [Region("chr20", 0, 190_000)])
    name = f"calibrate_{calibration.replace(',', '_')}.tsv"
    expected = np.loadtxt(golden / name, dtype=np.int64, skiprows=1)
    np.testing.assert_array_equal(recalibrate(counts, Calibration.parse(calibration)).T, expected[:, 1:])
    assert 0 < counts.sum() - once.sum() < 0.002 * once.sum()
