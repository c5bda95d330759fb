"""``encode --truth`` writes training examples."""

import shutil
from pathlib import Path

import pytest
from support import Commands

from deepconsensus_py.examples.file import ExampleFile


def test_simulated_molecules(run: Commands, testdata: Path, tmp_path: Path) -> None:
    output = tmp_path / "train.examples"
    inputs = [testdata / "subreads.bam", "--ccs", testdata / "ccs.bam", "--truth", testdata / "truth.fasta"]
    result = run("encode", *inputs, "-o", output, "--threads", 1)
    assert result.status == 0, result.err
    assert f"6 of 6 ZMWs in {output}" in result.err
    assert len(ExampleFile(output)) == 6


@pytest.mark.real
def test_the_files_of_the_original(run: Commands, human_1m: Path, tmp_path: Path) -> None:
    output = tmp_path / "human.examples"
    result = run(
        "encode",
        *(human_1m / "subreads_to_ccs.bam", "--ccs", human_1m / "ccs.bam", "-o", output, "--threads", 1),
        *("--truth", human_1m / "truth_to_ccs.bam", "--truth-bed", human_1m / "truth.bed"),
        *("--truth-split", human_1m / "truth_split.tsv"),
    )
    assert result.status == 0, result.err
    file = ExampleFile(output)
    assert [entry.split for entry in file.entries].count("train") == 7
    assert {f"{name}\t{count}" for name, count in file.counts.items()} <= set(result.err.splitlines())
    assert "4194387/ccs: the BED file has no truth range for it" in result.err


@pytest.mark.real
def test_without_splits_all_are_for_training(run: Commands, human_1m: Path, tmp_path: Path) -> None:
    output = tmp_path / "human.examples"
    truth = ["--truth", human_1m / "truth_to_ccs.bam", "--truth-bed", human_1m / "truth.bed"]
    inputs = [human_1m / "subreads_to_ccs.bam", "--ccs", human_1m / "ccs.bam", *truth]
    assert run("encode", *inputs, "-o", output, "--threads", 1).status == 0
    assert {entry.split for entry in ExampleFile(output).entries} == {"train"}


# Bad input


def refused(run: Commands, testdata: Path, tmp_path: Path, *truth: object) -> str:
    output = tmp_path / "out.examples"
    inputs = [testdata / "subreads.bam", "--ccs", testdata / "ccs.bam", "-o", output, "--threads", 1]
    result = run("encode", *inputs, *truth)
    assert result.status == 1
    assert "Traceback" not in result.err
    assert not output.exists()
    (sentence,) = [line for line in result.err.splitlines() if line.startswith("deepconsensus-py encode: ")]
    return sentence


def test_a_missing_truth_file(run: Commands, testdata: Path, tmp_path: Path) -> None:
    assert "absent.fasta: no such file" in refused(run, testdata, tmp_path, "--truth", tmp_path / "absent.fasta")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (">chr1\nACGT\n", "sequence name chr1 has no ZMW; name it movie/zmw/truth"),
        (">m/1/truth\nAC\n>m/1/ccs\nGT\n", "has two sequences for m/1"),
        ("@m/1/truth\nAC\n+\nII\n", "--truth-bed"),
        ("hello\n", "is not a BAM, SAM, CRAM, FASTQ or FASTA file"),
    ],
)
def test_a_truth_file_of_another_kind(run: Commands, testdata: Path, tmp_path: Path, text: str, said: str) -> None:
    truth = tmp_path / "truth.fasta"
    truth.write_text(text)
    sentence = refused(run, testdata, tmp_path, "--truth", truth)
    assert str(truth) in sentence
    assert said in sentence


@pytest.mark.real
def test_a_truth_without_its_index_or_with_a_wrong_one(
    run: Commands, human_1m: Path, testdata: Path, tmp_path: Path
) -> None:
    truth = Path(shutil.copy(human_1m / "truth_to_ccs.bam", tmp_path))
    bed = ("--truth-bed", human_1m / "truth.bed")
    sentence = refused(run, testdata, tmp_path, "--truth", truth, *bed)
    assert str(truth) in sentence
    assert "index" in sentence
    truth.with_suffix(".bam.bai").write_bytes(b"no index")
    assert str(truth) in refused(run, testdata, tmp_path, "--truth", truth, *bed)


@pytest.mark.real
@pytest.mark.parametrize("fault", ["truncated", "changed", "index"])
def test_a_damaged_truth(run: Commands, shared: Path, human_1m: Path, tmp_path: Path, fault: str) -> None:
    truth, output = tmp_path / "truth.bam", tmp_path / "out.examples"
    whole = (human_1m / "truth_to_ccs.bam").read_bytes()
    truth.write_bytes({"truncated": whole[:20000], "changed": whole[:20000] + b"UU" + whole[20002:]}.get(fault, whole))
    index = (shared / "data" / "human_bases_only" if fault == "index" else human_1m) / "truth_to_ccs.bam.bai"
    shutil.copy(index, f"{truth}.bai")
    inputs = [human_1m / "subreads_to_ccs.bam", "--ccs", human_1m / "ccs.bam", "--truth", truth]
    result = run("encode", *inputs, "--truth-bed", human_1m / "truth.bed", "-o", output, "--threads", 1)
    assert result.status == 1
    assert f"{truth}: " in result.err
    assert "Traceback" not in result.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["truth.bam", "truth.bam.bai"]


def test_the_output_may_not_be_the_truth(run: Commands, testdata: Path, tmp_path: Path) -> None:
    truth = Path(shutil.copy(testdata / "truth.fasta", tmp_path))
    inputs = [testdata / "subreads.bam", "--ccs", testdata / "ccs.bam", "--truth", truth]
    result = run("encode", *inputs, "-o", truth)
    assert result.status == 1
    assert "is also an input" in result.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--truth", "t.fasta"], "give --ccs"),
        (["--truth-bed", "t.bed"], "go with --truth"),
        (["--ccs", "c.bam", "--truth", "t.fasta", "--ins-trim", "3"], "for all models"),
        (["--ccs", "c.bam", "--truth", "t.fasta", "--model", "vote"], "for all models"),
    ],
)
def test_wrong_usage(run: Commands, options: list[str], said: str) -> None:
    result = run("encode", "s.bam", "-o", "out", *options)
    assert result.status == 2
    assert said in result.err
