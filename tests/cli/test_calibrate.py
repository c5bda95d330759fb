"""``calibrate`` as a command."""

import shutil
from pathlib import Path

import numpy as np
import pysam
import pytest

from deepconsensus_py.cli.main import main


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """Two reads of quality 20, one mismatch, on a reference shorter than the one they were aligned to."""
    (tmp_path / "reference.fa").write_text(">chr1\nACGTACGT\n>other\nAAAA\n")
    header = {"SQ": [{"SN": "chr1", "LN": 12}, {"SN": "chr2", "LN": 9}]}
    with pysam.AlignmentFile(str(tmp_path / "reads.bam"), "wb", header=header) as file:
        for start, sequence in ((0, "ACGA"), (6, "GTAA")):
            record = pysam.AlignedSegment(file.header)
            record.query_name, record.query_sequence, record.cigarstring = "r", sequence, "4M"
            record.reference_id, record.reference_start, record.mapping_quality, record.flag = 0, start, 60, 0
            record.query_qualities = pysam.qualitystring_to_array("5555")
            file.write(record)
    return str(tmp_path / "reads.bam"), str(tmp_path / "reference.fa")


def table(path: Path) -> dict[int, tuple[int, int]]:
    assert path.read_text().startswith("baseq,total_match,total_mismatch\n0,")
    rows = np.loadtxt(path, dtype=int, delimiter=",", skiprows=1)
    assert len(rows) == 100
    return {q: (match, mismatch) for q, match, mismatch in rows.tolist() if match or mismatch}


@pytest.mark.parametrize("indexed", [False, True])
def test_counts_of_everything_and_of_a_region(files: tuple[str, str], tmp_path: Path, indexed: bool) -> None:
    if indexed:
        pysam.index(files[0])
    out = tmp_path / "table.csv"
    assert main(["calibrate", *files, "-o", str(out)]) == 0
    assert table(out) == {20: (5, 1)}
    assert main(["calibrate", *files, "-o", str(out), "--region", "chr1:3-7"]) == 0
    assert table(out) == {20: (1, 1)}
    assert main(["calibrate", *files, "-o", str(out), "--dc-calibration", "0,1.1,1"]) == 0
    assert table(out) == {23: (5, 1)}
    left = {path.name for path in tmp_path.iterdir()} - {"reads.bam.bai"}
    assert left == {"reads.bam", "reference.fa", "table.csv"}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--region", "chr9"], "the reference has no sequence 'chr9'"),
        (["--region", "other"], "no sequence 'other'"),
        (["--dc-calibration", "1,2"], "calibration '1,2' is neither"),
    ],
)
def test_bad_options_are_one_sentence(
    files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    out = tmp_path / "table.csv"
    assert main(["calibrate", *files, "-o", str(out), *options]) == 1
    assert sentence in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.real
def test_a_whole_contig_is_counted_to_its_end(shared: Path, tmp_path: Path) -> None:
    """The original fails here with an IndexError: the reference ends before the alignments do."""
    folder = shared / "data" / "polished_reads"
    fasta = tmp_path / "chr20.fa"
    shutil.copyfile(folder / "CHM13_chr20_0_200000.fa", fasta)
    bam = folder / "CHM13_chr20_0_200000_dc.to_truth.bam"
    out = tmp_path / "table.csv"
    assert main(["calibrate", str(bam), str(fasta), "-o", str(out)]) == 0
    whole = np.array(list(table(out).values())).sum(0)
    assert main(["calibrate", str(bam), str(fasta), "-o", str(out), "--region", "chr20:0-190000"]) == 0
    assert (np.array(list(table(out).values())).sum(0) < whole).all()
