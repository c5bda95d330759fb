"""Ctrl-C: once, and what has begun is finished and kept; twice, and it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support import Commands, record_lines

MOLECULES = 600


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from deepconsensus_py.cli.main import main

    folder = tmp_path_factory.mktemp("inputs")
    options = ["--molecules", str(MOLECULES), "--length", "300", "300", "--passes", "3", "3"]
    assert main(["simulate", "-o", str(folder), *options]) == 0
    return folder


@pytest.fixture(scope="module")
def whole(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    from deepconsensus_py.cli.main import main

    output = tmp_path_factory.mktemp("whole") / "out.bam"
    assert main([*polish(inputs), "-o", str(output)]) == 0
    return record_lines(output)


def polish(inputs: Path) -> list[str]:
    files = [str(inputs / "subreads.bam"), "--ccs", str(inputs / "ccs.bam")]
    return ["polish", *files, "--model", "vote", "--min-quality", "0", "--threads", "2"]


@contextmanager
def started(
    inputs: Path, output: Path | str, interrupts: Any = signal.default_int_handler
) -> Iterator[subprocess.Popen[bytes]]:
    """A run that has stored its first piece, in a group of its own as a terminal's are."""
    command = [sys.executable, "-m", "deepconsensus_py.cli.main", *polish(inputs), "-o", str(output)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    # What ignores the signal, as jobs in the background of a script do, makes its children ignore it.
    before = signal.signal(signal.SIGINT, interrupts)
    process = subprocess.Popen(command, start_new_session=True, **pipes)
    signal.signal(signal.SIGINT, before)
    with process:
        begun = Path(f"{output}.unfinished") / "journal.json"
        while process.poll() is None and isinstance(output, Path) and not begun.exists():
            time.sleep(0.001)
        yield process


def test_once_keeps_what_has_begun_and_says_how_to_go_on(
    run: Commands, inputs: Path, whole: list[str], tmp_path: Path
) -> None:
    output = tmp_path / "out.bam"
    with started(inputs, output) as process:
        os.killpg(process.pid, signal.SIGINT)
        errors = process.stderr.read().decode()
    assert process.returncode == 128 + signal.SIGINT
    assert "Traceback" not in errors, errors
    (sentence,) = [line for line in errors.splitlines() if "--resume" in line]
    assert sentence.endswith(f"kept in {output}.unfinished: the same command with --resume goes on from there")
    done = int(sentence.split()[0])
    assert 0 < done < MOLECULES
    assert [path.name for path in tmp_path.iterdir()] == ["out.bam.unfinished"]

    refused = run(*polish(inputs), "-o", output)
    assert refused.status == 1
    assert f"{output}.unfinished: found an unfinished run with {done} ZMWs" in refused.err
    assert not output.exists()

    assert run(*polish(inputs), "-o", output, "--resume").status == 0
    assert record_lines(output) == whole
    report = json.loads((tmp_path / "out.report.json").read_text())
    assert (report["resumed"], report["counts"]["molecules"]) == (1, MOLECULES)
    assert not Path(f"{output}.unfinished").exists()


def test_twice_ends_at_once(run: Commands, inputs: Path, whole: list[str], tmp_path: Path) -> None:
    output = tmp_path / "out.bam"
    with started(inputs, output) as process:
        os.killpg(process.pid, signal.SIGINT)
        said = os.read(process.stderr.fileno(), 4096)
        os.killpg(process.pid, signal.SIGINT)
        said += process.stderr.read()
    assert process.returncode == 128 + signal.SIGINT
    assert b"Traceback" not in said, said.decode()
    assert not output.exists()
    assert run(*polish(inputs), "-o", output, "--resume").status == 0
    assert record_lines(output) == whole


def test_a_stream_ends_at_once(inputs: Path) -> None:
    with started(inputs, "-") as process:
        assert process.stdout.read(1)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate()
    assert process.returncode == 128 + signal.SIGINT
    assert b"Traceback" not in errors


def test_interrupts_that_are_ignored_stay_so(inputs: Path, tmp_path: Path) -> None:
    """As a shell sets it for what runs in the background of a script."""
    with started(inputs, tmp_path / "out.bam", signal.SIG_IGN) as process:
        os.killpg(process.pid, signal.SIGINT)
        process.communicate()
    assert process.returncode == 0


def test_a_stream_cannot_be_gone_on_with(run: Commands, inputs: Path) -> None:
    result = run(*polish(inputs), "-o", "-", "--resume")
    assert result.status == 1
    assert "standard output: cannot be gone on with" in result.err
