"""The original's environment is skipped where it cannot be, and what its runs say is read."""

import gzip
import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

ORIGINAL = Path(__file__).resolve().parents[2] / "benchmarks" / "original"

READS = "@m/1/ccs\nACGT\n+\nIIII\n@m/2/ccs\nGGGG\n+\n!!!!\n"


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return module("make", monkeypatch)


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return module("program", monkeypatch)


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return module("check", monkeypatch)


def module(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ORIGINAL))
    return importlib.import_module(name)


def executable(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_without_its_python_the_original_is_skipped(
    make: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["make.py", str(tmp_path / "made")])
    assert make.main() == make.SKIPPED == 77
    assert "no Python 3.8" in capsys.readouterr().err
    assert not (tmp_path / "made").exists()


def test_a_python_of_pyenv_is_found_where_the_one_on_the_path_does_not_run(
    make: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    executable(tmp_path / "python3.8", "echo 'version not chosen' >&2; exit 127")
    found = executable(tmp_path / "versions" / "3.8.1" / "bin" / "python", "echo 3.8")
    executable(tmp_path / "versions" / "3.9.1" / "bin" / "python", "echo 3.9")
    pyenv = f'case "$1" in versions) echo 3.9.1; echo 3.8.1;; prefix) echo {tmp_path}/versions/$2;; esac'
    executable(tmp_path / "pyenv", pyenv)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert make.find_python() == found


def test_a_folder_of_something_else_is_left_alone(
    make: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(make, "find_python", lambda: Path(sys.executable))
    monkeypatch.setattr(sys, "argv", ["make.py", str(tmp_path)])
    kept = tmp_path / "thesis.tex"
    kept.touch()
    assert make.main() == 2
    assert "holds something else" in capsys.readouterr().err
    assert kept.exists()


def test_seconds_are_added_over_batches_under_our_names(program: ModuleType, tmp_path: Path) -> None:
    rows = ["item,stage,runtime,num_zmws,num_examples,num_subreads"]
    rows += [f"{batch},{stage},{seconds},10,100,90" for batch in (0, 1) for stage, seconds in BATCH.items()]
    (tmp_path / "out.fastq.runtime.csv").write_text("\n".join(rows) + "\n")
    assert program.stage_seconds(tmp_path / "out.fastq") == {"encode": 4, "network": 60, "call": 1}


BATCH = {"preprocess": 2.0, "run_model": 30.0, "stitch_and_write_fastq": 0.5}


def test_the_log_tells_windows_and_when_the_first_were_done(program: ModuleType) -> None:
    summary = "I1121 04:28:11.656259 14 quick_inference.py:693] Example summary: ran model={} (66.23%; 31.4s) skip=538"
    log = [(1.0, "I1121 Finished initialize_model."), (5.5, summary.format(1055)), (9.0, summary.format(60))]
    assert program.windows_run(log) == 1115
    assert program.first_windows(log) == 5.5
    assert program.first_windows(log[:1]) is None


def test_reads_are_compared_base_by_base(program: ModuleType, check: ModuleType, tmp_path: Path) -> None:
    reference, own = tmp_path / "reference.fastq.gz", tmp_path / "own.fastq"
    reference.write_bytes(gzip.compress(READS.encode()))
    own.write_text(READS)
    found = program.agreement(own, reference)
    assert found == (2, 2, 8, 8, 8)
    assert check.right(found)
    own.write_text(READS.replace("ACGT\n+\nIIII", "ACGA\n+\nIIGH"))
    found = program.agreement(own, reference)
    assert found == (2, 2, 8, 7, 7)
    assert found.changed == 1 / 8
    assert not check.right(found)
    own.write_text(READS.replace("m/1", "m/3"))
    assert program.agreement(own, reference) == (1, 2, 8, 4, 4)
