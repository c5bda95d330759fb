"""``filter`` as a command."""

from pathlib import Path

import pytest

from deepconsensus_py.cli.main import main


def test_filter_says_how_many_reads_passed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = tmp_path / "in.fastq", tmp_path / "out.fastq"
    source.write_text("@a\nACGT\n+\n++++\n@b\nACGT\n+\n5555\n")
    assert main(["filter", str(source), "-o", str(target), "-q", "20"]) == 0
    assert target.read_text() == "@b\nACGT\n+\n5555\n"
    assert "1 of 2 reads of Q20 or better" in capsys.readouterr().err


def test_a_missing_file_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["filter", str(tmp_path / "no.bam"), "-o", str(tmp_path / "out.bam"), "-q", "20"]) == 1
    assert f"deepconsensus-py filter: error: {tmp_path / 'no.bam'}: no such file\n" in capsys.readouterr().err
