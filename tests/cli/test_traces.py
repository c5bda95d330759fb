"""However a command ends, nothing of it is left but its outputs or what is resumed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from held import STORED, HeldCommand, polish
from restarts import folder_of
from support import Commands, record_lines, wait_until

from deepconsensus_py.polishing.journal import read_journal
from deepconsensus_py.reports.run_reports import SUFFIXES

WRITTEN = sorted(["out.bam", *(f"out{suffix}" for suffix in SUFFIXES)])


def contents(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def outputs_of(twelve: Path, folder: Path, short: Path, *options: str) -> tuple[int, list[str], list[str]]:
    """Exit status of a command once it may continue, and the files that it leaves in its folder and in TMPDIR."""
    out = folder / "out"
    out.mkdir()
    command = [sys.executable, "-m", "deepconsensus_py.cli.main", *polish(twelve), "-o", str(out / "out.bam"), *options]
    environment = os.environ | {"TMPDIR": str(short)}
    with (folder / "log").open("w") as log:
        status = subprocess.run(command, env=environment, stderr=log, check=False).returncode
    left = contents(short)
    assert "Traceback" not in (folder / "log").read_text()
    return status, contents(out), left


def test_a_good_end_leaves_outputs_alone(twelve: Path, tmp_path: Path, short: Path) -> None:
    assert outputs_of(twelve, tmp_path, short) == (3, WRITTEN, [])


def test_wrong_usage_leaves_nothing(twelve: Path, tmp_path: Path, short: Path) -> None:
    assert outputs_of(twelve, tmp_path, short, "--features", "x.shard") == (2, [], [])


def test_an_error_leaves_nothing(twelve: Path, tmp_path: Path, short: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in ("subreads.bam", "ccs.bam"):
        content = (twelve / name).read_bytes()
        (broken / name).write_bytes(content[: len(content) // 2])
    assert outputs_of(broken, tmp_path, short) == (1, [], [])


@pytest.mark.parametrize(
    ("number", "group"),
    [(signal.SIGTERM, False), (signal.SIGTERM, True), (signal.SIGHUP, True), (signal.SIGPIPE, False)],
)
def test_a_signal_leaves_what_is_resumed(
    run: Commands,
    twelve: Path,
    twelve_polished: list[str],
    tmp_path: Path,
    short: Path,
    number: signal.Signals,
    group: bool,
) -> None:
    output = tmp_path / "out" / "out.bam"
    output.parent.mkdir()
    with HeldCommand(twelve, output, short) as command:
        (command.send if group else command.process.send_signal)(number)
        status, errors = command.ended()
    assert (status, command.left) == (128 + number, [])
    assert "Traceback" not in errors, errors
    assert contents(output.parent) == ["out.bam.unfinished"]
    assert read_journal(folder_of(output)).molecules == STORED
    assert run(*polish(twelve), "-o", output, "--resume").status == 3
    assert record_lines(output) == twelve_polished


def test_a_signal_before_anything_is_stored_leaves_nothing(twelve: Path, tmp_path: Path, short: Path) -> None:
    output = tmp_path / "out" / "out.bam"
    output.parent.mkdir()
    with HeldCommand(twelve, output, short, begun=1) as command:
        wait_until((folder_of(output) / "piece-reads.bam").exists)
        command.send(signal.SIGTERM)
        status, errors = command.ended()
    assert (status, command.left) == (128 + signal.SIGTERM, [])
    assert "Traceback" not in errors, errors
    assert contents(output.parent) == []


@pytest.mark.parametrize("times", [1, 2])
def test_interrupts_leave_what_is_resumed(twelve: Path, tmp_path: Path, short: Path, times: int) -> None:
    output = tmp_path / "out" / "out.bam"
    output.parent.mkdir()
    with HeldCommand(twelve, output, short) as command:
        command.send(signal.SIGINT)
        command.hear(b"finishing")
        if times == 2:
            command.send(signal.SIGINT)
        assert command.ended()[0] == 128 + signal.SIGINT
        assert command.left == []
    assert contents(output.parent) == ["out.bam.unfinished"]


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_pipe_that_nobody_reads_ends_a_command(twelve: Path, tmp_path: Path, short: Path, stream: str) -> None:
    with HeldCommand(twelve, "-", short) as command:
        getattr(command.process, stream).close()
        status, errors = command.ended()
    assert (status, command.left) == (128 + signal.SIGPIPE, [])
    assert "Traceback" not in errors, errors


def test_hangups_that_are_ignored_stay_so(twelve: Path, tmp_path: Path, short: Path) -> None:
    """As nohup sets it."""
    with HeldCommand(twelve, tmp_path / "out.bam", short, signal.SIGHUP) as command:
        command.send(signal.SIGHUP)
        assert command.ended()[0] == 3


def test_workers_killed_from_outside_change_nothing(
    twelve: Path, twelve_polished: list[str], tmp_path: Path, short: Path
) -> None:
    """Nor does the SIGPIPE of what is then sent to them end the command."""
    with HeldCommand(twelve, tmp_path / "out.bam", short) as command:
        started = psutil.Process(command.process.pid).children()
        workers = [worker for process in started for worker in process.children()]
        assert workers
        for worker in workers:
            worker.kill()
        psutil.wait_procs(workers)
        assert command.ended()[0] == 3
    assert record_lines(tmp_path / "out.bam") == twelve_polished


def test_a_killed_command_leaves_no_socket(twelve: Path, tmp_path: Path, short: Path) -> None:
    output = tmp_path / "out" / "out.bam"
    output.parent.mkdir()
    with HeldCommand(twelve, output, short) as command:
        assert [name[:5] for name in contents(command.temporary)] == ["pymp-"]
        command.process.kill()
        # The processes that it started end on their own, a little later.
        while contents(command.temporary):
            time.sleep(0.01)
    assert contents(output.parent) == ["out.bam.unfinished"]


def test_a_long_folder_for_temporary_files_is_no_hindrance(twelve: Path, tmp_path: Path) -> None:
    long = tmp_path / ("x" * 120)
    long.mkdir()
    assert outputs_of(twelve, tmp_path, long) == (3, WRITTEN, [])
