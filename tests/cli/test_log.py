"""What commands report: first and last lines, how loud they are, and the log file."""

import ast
import logging
import os
import pty
import re
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from support import Commands

from deepconsensus_py import cli
from deepconsensus_py._version import __version__
from deepconsensus_py.cli._log import counted, duration
from deepconsensus_py.cli.main import build_parser

STAMPED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (DEBUG  |INFO   |WARNING|ERROR  ) \S.*")


@pytest.fixture
def reads(tmp_path: Path) -> Path:
    path = tmp_path / "in.fastq"
    path.write_text("@a\nACGT\n+\n++++\n@b\nACGT\n+\n5555\n@c\nAC1T\n+\n5555\n")
    return path


def test_first_and_last_lines(run: Commands, reads: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.fastq"
    for word in ("writing", "overwriting"):
        begin, read, written, *_, end = run("filter", reads, "-o", out, "-q", 20).err.splitlines()
        assert (begin, read, written) == (
            f"deepconsensus-py {__version__} filter",
            f"reading {reads}",
            f"{word} {out}",
        )
        assert re.fullmatch(r"finished in \d+\.\d s", end)


def test_first_lines_tell_model_device_threads_and_files(run: Commands, testdata: Path, tmp_path: Path) -> None:
    reads = (testdata / "subreads.bam", "--ccs", testdata / "ccs.bam", "--limit", 1)
    said = run("polish", *reads, "-o", "-", "--failed", tmp_path / "f.bam", "-m", "vote", "-t", 1).err.splitlines()
    assert said[:4] == [
        f"deepconsensus-py {__version__} polish: model vote, device cpu, 1 thread",
        f"reading {testdata / 'subreads.bam'}, {testdata / 'ccs.bam'}",
        "writing standard output",
        f"writing {tmp_path / 'f.bam'}",
    ]
    many = [tmp_path / f"{number}.bam" for number in range(5)]
    said = run("index", *many).err.splitlines()
    assert said[1] == f"reading {', '.join(map(str, many[:3]))} and 2 more"


def test_what_reads_and_writes_no_file_says_no_more_than_its_result(run: Commands) -> None:
    assert run("model", "list").err == ""


def test_loudness(run: Commands, reads: Path, tmp_path: Path) -> None:
    command = ("filter", reads, "-o", tmp_path / "out.fastq", "-q", 20)
    assert run(*command).status == 3
    warning = f"warning: {reads}: read c: bases must be letters"
    plain, quiet, loud = (run(*command, *option).err.splitlines() for option in ((), ("--quiet",), ("-v",)))
    assert quiet == [warning, "warning: 1 damaged read skipped"]
    assert set(quiet) < set(plain)
    assert len(plain) == len(quiet) + 5
    assert [line.partition(" ")[0] for line in loud if line not in plain and "finished" not in line] == [
        "command",
        "Python",
    ]
    assert run("filter", tmp_path / "no.bam", "-o", tmp_path / "x.bam", "-q", 1, "--quiet").err.splitlines() == [
        f"deepconsensus-py filter: error: {tmp_path / 'no.bam'}: no such file"
    ]
    both = run(*command, "--quiet", "-v")
    assert both.status == 2
    assert "not allowed with" in both.err


def test_the_log_file_has_all(run: Commands, reads: Path, tmp_path: Path) -> None:
    log, command = tmp_path / "log", ("filter", reads, "-o", tmp_path / "out.fastq", "-q", 20)
    assert run(*command).status == 3
    loud = run(*command, "-v").err.splitlines()
    run(*command, "--quiet", "--log-file", log)
    found = log.read_text().splitlines()
    assert all(STAMPED.fullmatch(line) for line in found)
    kept = [line[28:] for line in found]
    assert [line.removeprefix("warning: ") for line in loud if not line.startswith(("finished", "command"))] == [
        line for line in kept if not line.startswith(("finished", "command"))
    ]
    assert [line.split()[2] for line in found if "damaged" in line or "finished" in line] == ["WARNING", "INFO"]
    run("filter", tmp_path / "no.bam", "-o", tmp_path / "x.bam", "-q", 1, "--log-file", log)
    again = log.read_text().splitlines()
    assert again[: len(found)] == found
    assert again[-1].endswith(f"ERROR   {tmp_path / 'no.bam'}: no such file")


def test_a_log_file_replaces_nothing(run: Commands, reads: Path, tmp_path: Path) -> None:
    out, before = tmp_path / "out.fastq", reads.read_bytes()
    for log, sentence in (
        (reads, "is also an input"),
        (out, "is given for two outputs"),
        (tmp_path / "no" / "log", "cannot be written"),
    ):
        result = run("filter", reads, "-o", out, "-q", 20, "--log-file", log)
        assert (result.status, len(result.errors)) == (1, 1)
        assert sentence in result.errors[0] or "does not exist" in result.errors[0]
    assert reads.read_bytes() == before
    assert not out.exists()


@pytest.mark.parametrize(("options", "drawn"), [((), True), (("--quiet",), False)])
def test_a_bar_is_drawn_on_a_terminal(testdata: Path, tmp_path: Path, options: tuple[str, ...], *, drawn: bool) -> None:
    """And the log file has lines, not the bar."""
    command = [sys.executable, "-m", "deepconsensus_py.cli.main", "encode", str(testdata / "subreads.bam")]
    command += ["--ccs", str(testdata / "ccs.bam"), "-o", str(tmp_path / "x.shard"), "-m", "vote", "-t", "1"]
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    done = subprocess.run([*command, *options, "--log-file", str(tmp_path / "log")], stderr=theirs, check=True)
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 1 << 16)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    assert done.returncode == 0
    assert (b"6/6" in shown, b"finished" in shown) == (drawn, drawn)
    lines = (tmp_path / "log").read_text().splitlines()
    assert all(STAMPED.fullmatch(line) for line in lines)


def test_of_several_processes_of_a_training_the_first_one_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    for rank, quiet in (("0", False), ("1", True)):
        monkeypatch.setenv("RANK", rank)
        assert build_parser().parse_args(["train", "x.yaml", "-o", "x"]).quiet == quiet
        assert not build_parser().parse_args(["index", "x.bam"]).quiet


def test_logging_is_left_as_it_was(run: Commands, reads: Path, tmp_path: Path) -> None:
    package = logging.getLogger("deepconsensus_py")
    before = package.handlers[:], package.level, package.propagate
    run("filter", reads, "-o", tmp_path / "out.fastq", "-q", 20, "--log-file", tmp_path / "log", "-v")
    assert (package.handlers, package.level, package.propagate) == before


def test_nothing_is_printed_beside_the_log() -> None:
    """Only results are, on standard output."""
    for module in Path(cli.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print":
                assert "file" not in {word.arg for word in node.keywords}, module


def test_figures_in_words() -> None:
    assert [counted(number, "read") for number in (0, 1, 2000)] == ["0 reads", "1 read", "2,000 reads"]
    spans = (0.04, 59.94, 60, 3599.6, 7500)
    assert [duration(seconds) for seconds in spans] == ["0.0 s", "59.9 s", "1 min 00 s", "1 h 00 min", "2 h 05 min"]


@pytest.mark.parametrize("nothing_cached", [True, False])
def test_a_run_that_compiles_first_says_so(
    run: Commands, testdata: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nothing_cached: bool
) -> None:
    monkeypatch.setattr("deepconsensus_py.kernels.nothing_cached", lambda *_: nothing_cached)
    reads = (testdata / "subreads.bam", "--ccs", testdata / "ccs.bam", "--limit", 1)
    done = run("polish", *reads, "-o", tmp_path / "p.bam", "-m", "vote", "-t", 1)
    assert done.status == 0
    assert ("\nno compiled code in the cache yet: compiling" in done.err) == nothing_cached


@pytest.mark.parametrize("ccs", [True, False])
def test_a_first_run_that_builds_drafts_says_so(
    run: Commands, testdata: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ccs: bool
) -> None:
    """Others have cached the code of the encoder; the module that is asked for has compiled functions."""
    from deepconsensus_py import kernels
    from deepconsensus_py.align import votes

    assert votes.vote in kernels._KERNELS
    monkeypatch.setattr("deepconsensus_py.kernels._is_cached", lambda one: one.__module__ != votes.__name__)
    reads = (testdata / "subreads.bam", *(["--ccs", testdata / "ccs.bam"] if ccs else []), "--limit", 1)
    done = run("polish", *reads, "-o", tmp_path / "p.bam", "-m", "vote", "-t", 1)
    assert done.status == 0
    assert ("\nfirst run that builds drafts: compiling" in done.err) == (not ccs)
