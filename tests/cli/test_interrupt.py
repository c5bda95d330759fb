"""Ctrl-C: once, and what has begun is finished and kept; twice, and it ends."""

import json
import signal
from pathlib import Path

from held import BEGUN, STORED, HeldCommand, polish
from restarts import MOLECULES
from support import Commands, record_lines


def test_once_keeps_what_has_begun_and_says_how_to_go_on(
    run: Commands, twelve: Path, twelve_polished: list[str], tmp_path: Path, short: Path
) -> None:
    output = tmp_path / "out" / "out.bam"
    output.parent.mkdir()
    with HeldCommand(twelve, output, short) as command:
        command.send(signal.SIGINT)
        command.hear(b"finishing")
        status, errors = command.ended()
    assert status == 128 + signal.SIGINT
    assert "Traceback" not in errors, errors
    (sentence,) = [line for line in errors.splitlines() if "--resume" in line]
    kept = f"{BEGUN} finished ZMWs are kept in {output}.unfinished"
    assert sentence == f"warning: {kept}; repeat the command with --resume to continue"
    assert [path.name for path in output.parent.iterdir()] == ["out.bam.unfinished"]

    refused = run(*polish(twelve), "-o", output)
    assert refused.status == 1
    assert f"{output}.unfinished: found an unfinished run with {BEGUN} ZMWs" in refused.err
    assert not output.exists()

    assert run(*polish(twelve), "-o", output, "--resume").status == 3
    assert record_lines(output) == twelve_polished
    report = json.loads(output.with_suffix(".report.json").read_text())
    assert (report["resumed"], report["counts"]["molecules"]) == (1, MOLECULES)
    assert not Path(f"{output}.unfinished").exists()


def test_twice_ends_at_once(
    run: Commands, twelve: Path, twelve_polished: list[str], tmp_path: Path, short: Path
) -> None:
    output = tmp_path / "out.bam"
    with HeldCommand(twelve, output, short) as command:
        command.send(signal.SIGINT)
        command.hear(b"finishing")
        command.send(signal.SIGINT)
        status, errors = command.ended()
    assert status == 128 + signal.SIGINT
    assert "Traceback" not in errors, errors
    assert f"{STORED} finished ZMWs are kept" in errors
    assert not output.exists()
    assert run(*polish(twelve), "-o", output, "--resume").status == 3
    assert record_lines(output) == twelve_polished


def test_a_stream_ends_at_once(twelve: Path, tmp_path: Path, short: Path) -> None:
    with HeldCommand(twelve, "-", short) as command:
        command.send(signal.SIGINT)
        status, errors = command.ended()
    assert status == 128 + signal.SIGINT
    assert "Traceback" not in errors


def test_interrupts_that_are_ignored_stay_so(twelve: Path, tmp_path: Path, short: Path) -> None:
    """As a shell sets it for what runs in the background of a script."""
    with HeldCommand(twelve, tmp_path / "out.bam", short, signal.SIGINT) as command:
        command.send(signal.SIGINT)
        assert command.ended()[0] == 3


def test_a_stream_cannot_be_resumed(run: Commands, twelve: Path) -> None:
    result = run(*polish(twelve), "-o", "-", "--resume")
    assert result.status == 1
    assert "--resume needs an output file; it cannot resume writing to standard output" in result.err
