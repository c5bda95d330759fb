"""What a command's process is set up with: a folder for compiled code, quiet libraries."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from held import polish

from deepconsensus_py.cli import _process

NOISY = """
import logging, sys, warnings
from deepconsensus_py.cli.main import program
from deepconsensus_py.polishing import run as run_module

def noisy(job, stop):
    import torch
    for name in ("torch", "torch.distributed.elastic", "torch._inductor", "numba", "somebody", ""):
        logging.getLogger(name).info("noise")
        logging.getLogger(name).warning("noise")
    warnings.warn("noise")
    torch.tensor(torch.ones(2))
    logging.getLogger("deepconsensus_py.polishing.run").info("our own note")
    logging.getLogger("deepconsensus_py.polishing.run").warning("our own warning")
    logging.getLogger("torch").error("a true error")
    return run(job, stop)

run, run_module.polish_files = run_module.polish_files, noisy
program()
"""


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_process.CACHE_VARIABLE, "")
    monkeypatch.delenv(_process.CACHE_VARIABLE)


def test_nothing_is_done_where_a_usual_folder_can_be_written() -> None:
    with _process.provided_cache():
        assert _process.CACHE_VARIABLE not in os.environ


def test_a_folder_of_ones_own_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_process.os, "access", lambda folder, mode: False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with _process.provided_cache():
        folder = Path(os.environ[_process.CACHE_VARIABLE])
        assert folder.parent == tmp_path
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert _process.CACHE_VARIABLE in caplog.text
    assert not folder.exists()


def test_the_folder_that_was_asked_for_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_process.os, "access", lambda folder, mode: False)
    monkeypatch.setenv(_process.CACHE_VARIABLE, "/mine")
    with _process.provided_cache():
        assert os.environ[_process.CACHE_VARIABLE] == "/mine"


def test_libraries_are_quiet_and_we_are_not(twelve: Path, tmp_path: Path) -> None:
    command = [*polish(twelve)[:-2], "--threads", "1", "-o", str(tmp_path / "out.bam")]
    unset = {"TORCH_LOGS", "TORCH_CPP_LOG_LEVEL", "PYTHONWARNINGS"}
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    done = subprocess.run(
        [sys.executable, "-c", NOISY, *command], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 3, done.stderr
    *begin, first, second, error = done.stderr.splitlines()[:6]
    rest = done.stderr.splitlines()[6:]
    assert [line.split()[0] for line in begin] == ["deepconsensus-py", "reading", "writing"]
    assert [first, second] == ["our own note", "warning: our own warning"]
    assert error.endswith("a true error")
    assert not any("noise" in line or "Warning" in line for line in rest)
