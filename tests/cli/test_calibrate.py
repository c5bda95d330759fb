"""``calibrate`` as a command."""

import shutil
from pathlib import Path

import numpy as np
import pysam
import pytest
from support import Commands

from deepconsensus_py.cli.main import main
from deepconsensus_py.polishing.qualities import Calibration


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
    return str(tmp_path / "reads.bam"), "--reference", str(tmp_path / "reference.fa")


def table(path: Path) -> dict[int, tuple[int, int]]:
    assert path.read_text().startswith("baseq,total_match,total_mismatch\n0,")
    rows = np.loadtxt(path, dtype=int, delimiter=",", skiprows=1)
    assert len(rows) == 100
    return {q: (match, mismatch) for q, match, mismatch in rows.tolist() if match or mismatch}


@pytest.mark.parametrize("indexed", [False, True])
def test_counts_of_everything_and_of_a_region(files: tuple[str, ...], tmp_path: Path, indexed: bool) -> None:
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
    files: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    out = tmp_path / "table.csv"
    assert main(["calibrate", *files, "-o", str(out), *options]) == 1
    assert sentence in capsys.readouterr().err
    assert not out.exists()


def test_reads_that_are_not_aligned_are_refused(
    files: tuple[str, ...], testdata: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["calibrate", str(testdata / "ccs.bam"), *files[1:], "-o", str(tmp_path / "table.csv")]) == 1
    assert "ccs.bam: its reads are not aligned; align them to" in capsys.readouterr().err


@pytest.mark.real
def test_a_whole_contig_is_counted_to_its_end(shared: Path, tmp_path: Path) -> None:
    """The original fails here with an IndexError: the reference ends before the alignments do."""
    folder = shared / "data" / "polished_reads"
    fasta = tmp_path / "chr20.fa"
    shutil.copyfile(folder / "CHM13_chr20_0_200000.fa", fasta)
    bam = folder / "CHM13_chr20_0_200000_dc.to_truth.bam"
    out = tmp_path / "table.csv"
    assert main(["calibrate", str(bam), "--reference", str(fasta), "-o", str(out)]) == 0
    whole = np.array(list(table(out).values())).sum(0)
    assert main(["calibrate", str(bam), "--reference", str(fasta), "-o", str(out), "--region", "chr20:0-190000"]) == 0
    assert (np.array(list(table(out).values())).sum(0) < whole).all()


@pytest.fixture
def polished(tmp_path: Path) -> tuple[Path, Path]:
    """Four molecules whose bases of quality 30 are worth 20, and their truth."""
    random = np.random.default_rng(1)
    with (tmp_path / "reads.fastq").open("w") as reads, (tmp_path / "truth.fasta").open("w") as truths:
        for hole in range(4):
            truth = random.choice(list("ACGT"), 3000)
            read = truth.copy()
            wrong = 60 + 100 * np.arange(29)
            read[wrong] = [{"A": "C", "C": "G", "G": "T", "T": "A"}[base] for base in truth[wrong]]
            reads.write(f"@m/{hole}/ccs\n{''.join(read)}\n+\n{'?' * 3000}\n")
            truths.write(f">m/{hole}/truth\n{''.join(truth)}\n")
    return tmp_path / "reads.fastq", tmp_path / "truth.fasta"


def fitted(printed: str) -> dict[str, tuple[float, Calibration]]:
    """Expected calibration error and map of every line."""
    header, *lines = [line.split("\t") for line in printed.splitlines()[:-1]]
    rows = [dict(zip(header, line, strict=True)) for line in lines]
    kinds = ("as they are", "line", "knots")
    return {kind: (float(row["ece"]), Calibration.parse(row["map"])) for kind, row in zip(kinds, rows, strict=True)}


def test_maps_fitted_to_reads_and_truth(run: Commands, polished: tuple[Path, Path]) -> None:
    reads, truth = polished
    result = run("calibrate", reads, "--fit", "--truth", truth)
    assert result.status == 0
    assert "each of 4 ZMWs mapped by the fit to the others" in result.out
    maps = fitted(result.out)
    assert maps["as they are"][0] == pytest.approx(30 - 20.15, abs=0.1)
    for name in ("line", "knots"):
        error, calibration = maps[name]
        assert error < 0.7
        assert calibration.apply(np.array([30.0]))[0] == pytest.approx(20.15, abs=0.5)


def test_maps_fitted_to_tables(run: Commands, tmp_path: Path, files: tuple[str, ...]) -> None:
    rows = "".join(f"{q},{10_000 if q == 30 else 0},{100 if q == 30 else 0}\n" for q in range(100))
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(f"baseq,total_match,total_mismatch\n{rows}")
    assert run("calibrate", *files, "-o", tmp_path / "own.csv").status == 0
    maps = fitted(run("calibrate", *(tmp_path / name for name in ("a.csv", "b.csv", "own.csv")), "--fit").out)
    assert maps["knots"][1].apply(np.array([30.0]))[0] == pytest.approx(20, abs=0.5)
    alone = run("calibrate", tmp_path / "a.csv", "--fit").out
    assert "held out: nothing" in alone
    assert alone.splitlines()[2].startswith(".\t.\t")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((), "the following arguments are required: READS"),
        (("a.bam", "--reference", "b.fa"), "give READS --reference FASTA -o CSV"),
        (("a.bam", "--truth", "t.fa"), "or READS... --fit"),
        *(
            (("a.csv", "--fit", *ignored), "--fit goes with --truth, and with --truth --min-np, only")
            for ignored in (
                ("-o", "b.csv"),
                ("--reference", "b.fa"),
                ("--region", "chr1"),
                ("--min-mapq", "60"),
                ("--dc-calibration", "skip"),
                ("--min-np", "0"),
            )
        ),
        (
            ("a.bam", "--reference", "b.fa", "-o", "c.csv", "--min-np", "3"),
            "--min-np selects reads for --fit --truth only",
        ),
    ],
)
def test_wrong_usage(run: Commands, options: tuple[str, ...], sentence: str) -> None:
    result = run("calibrate", *options)
    assert result.status == 2
    assert sentence in result.err


def test_files_that_nothing_can_be_fitted_to(run: Commands, polished: tuple[Path, Path], tmp_path: Path) -> None:
    reads, truth = polished
    assert "is not a table of baseq,total_match,total_mismatch" in run("calibrate", reads, "--fit").err
    other = tmp_path / "other.fasta"
    other.write_text(">m/9/truth\nACGT\n")
    assert "none of its reads is of a molecule of" in run("calibrate", reads, "--fit", "--truth", other).err
    assert "--min-np" in run("calibrate", reads, "--fit", "--truth", truth, "--min-np", 3).err
    assert "has no base qualities" in run("calibrate", truth, "--fit", "--truth", truth).err
