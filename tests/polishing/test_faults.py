"""Faults during a run: those of a ZMW affect it alone; after those of a disk the run can be resumed."""

import errno
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import restarts
from restarts import Left, job, left
from support import DEADLY, Commands, deadly_encoder, record_lines

from deepconsensus_py.cli._options import ZMWS_FAILED
from deepconsensus_py.corrector import Corrector
from deepconsensus_py.errors import OutputError
from deepconsensus_py.pileup.vote import Vote
from deepconsensus_py.polishing import run as run_module
from deepconsensus_py.polishing.read import PolishedRead
from deepconsensus_py.polishing.run import polish_files

THIRD = 2


# One molecule


class GivesNan(Vote):
    """Of the third molecule it makes what is no number."""

    def __init__(self) -> None:
        super().__init__()
        self._seen, self._windows = 0, set[bytes]()

    def select(self, features: Any, skip_above: float) -> Any:
        if self._seen == THIRD:
            self._windows = {window.tobytes() for window in features.inputs["bases"]}
        self._seen += 1
        return super().select(features, skip_above)

    def forward(self, inputs: Any) -> Any:
        probabilities = super().forward(inputs)
        probabilities[[window.tobytes() in self._windows for window in inputs["bases"]]] = np.nan
        return probabilities


class RunsOutOfMemory(GivesNan):
    """Batches with windows of the third molecule are too much for it."""

    def forward(self, inputs: Any) -> Any:
        if any(window.tobytes() in self._windows for window in inputs["bases"]):
            raise MemoryError("cannot allocate")
        return Vote.forward(self, inputs)


class FailsToCall(Vote):
    """The third molecule is too much for it."""

    def __init__(self) -> None:
        super().__init__()
        self._seen = 0

    def call(self, *given: Any) -> Any:
        self._seen += 1
        if self._seen == THIRD + 1:
            raise IndexError("index 7 is out of bounds")
        return super().call(*given)


class FailsToSelect(FailsToCall):
    """Likewise, before the network."""

    def call(self, *given: Any) -> Any:
        return Vote.call(self, *given)

    def select(self, *given: Any) -> Any:
        self._seen += 1
        if self._seen == THIRD + 1:
            raise IndexError("index 7 is out of bounds")
        return super().select(*given)


class KillsItsWorker(Vote):
    """The third molecule is the end of the process that encodes it."""

    def __init__(self) -> None:
        super().__init__()
        self.encode = deadly_encoder


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (GivesNan, "model vote returned probabilities that are not finite"),
        (RunsOutOfMemory, "the network failed: MemoryError: cannot allocate"),
        (FailsToCall, "IndexError: index 7 is out of bounds"),
        (FailsToSelect, "IndexError: index 7 is out of bounds"),
        (KillsItsWorker, "worker process died (signal 11)"),
    ],
)
def test_a_molecule_that_fails_is_reported_and_the_others_are_written(
    run: Commands, testdata: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Vote], reason: str
) -> None:
    polish = ["polish", testdata / "subreads.bam", "--ccs", testdata / "ccs.bam", "--min-quality", 0, "--threads", 2]
    assert run(*polish, "--model", "vote", "-o", tmp_path / "all.bam").status == 0
    assert THIRD == DEADLY
    monkeypatch.setattr(run_module, "load_model", lambda *_, **__: Corrector.of(kind()))
    result = run(*polish, "-o", tmp_path / "out.bam")
    assert result.status == ZMWS_FAILED
    assert "Traceback" not in result.err
    assert "1 error: " in result.err
    assert reason in result.err
    others = record_lines(tmp_path / "all.bam")
    del others[THIRD]
    assert record_lines(tmp_path / "out.bam") == others


# The disk


def test_a_disk_that_fills_up_leaves_what_can_be_resumed(
    inputs: Path, whole: Left, small_disk: Path, tmp_path: Path
) -> None:
    output = small_disk / "out.bam"
    changes = {"failed": tmp_path / "failed-out.bam", "checkpoint": 1}
    filler = small_disk / "filler"
    filler.write_bytes(bytes(32 * 1024))
    with pytest.raises(OutputError, match="full"):
        polish_files(job(inputs, output, **changes))
    assert sorted(path.name for path in small_disk.iterdir()) == ["filler", "out.bam.unfinished"]
    filler.unlink()
    # At the end the folder has every file twice, or nearly so.
    subprocess.run(["mount", "-o", "remount,size=128k", str(small_disk)], check=True)
    report = polish_files(job(inputs, output, **changes, resume=True))
    assert report["resumed"] == 1
    # Its folder is on another disk than the failed reads' file.
    shutil.move(changes["failed"], small_disk)
    assert left(output) == whole


@pytest.mark.parametrize("number", range(1, 40, 3))
def test_a_disk_that_is_full_at_any_moment_is_one_sentence(
    inputs: Path, whole: Left, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    output, sync, seen = tmp_path / "out.bam", os.fsync, 0

    def full(file: int) -> None:
        nonlocal seen
        seen += 1
        if seen >= number:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(file)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OutputError, match=f"^{output}.*: disk is full"):
            polish_files(job(inputs, output, checkpoint=3))
    assert {path.name for path in tmp_path.iterdir()} <= {"out.bam.unfinished"}
    polish_files(job(inputs, output, checkpoint=3, resume=True))
    assert left(output) == whole


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("parents", [1, 2])
def test_a_folder_removed_while_running_is_one_sentence(
    inputs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    again: bool,
    parents: int,
) -> None:
    output, polished = tmp_path / "results" / "out.bam", run_module.correct
    output.parent.mkdir()

    def removing(*given: Any, **named: Any) -> Iterator[PolishedRead]:
        for number, read in enumerate(polished(*given, **named)):
            if number == 5:
                gone = [tmp_path / "results", tmp_path / "results" / "out.bam.unfinished"][parents - 1]
                shutil.rmtree(gone)
                if again:
                    (tmp_path / "results" / "out.bam.unfinished").mkdir(parents=True)
            yield read

    monkeypatch.setattr(run_module, "correct", removing)
    with pytest.raises(OutputError, match=r"out\.bam.*: (was removed while|its directory does not exist)"):
        polish_files(job(inputs, output))
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING and "kept" in record.message]
    left_over = [path.name for path in tmp_path.rglob("*") if not path.is_dir()]
    assert [name for name in left_over if not name.startswith("piece-")] == []


def test_a_file_that_grows_too_large_is_one_sentence(inputs: Path, tmp_path: Path) -> None:
    """As on a disk with a quota, by the process's own limit."""
    program = (
        "import resource, runpy, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))\n"
        "from deepconsensus_py.errors import OutputError\n"
        "sys.argv = sys.argv[1:]\n"
        "try:\n"
        "    runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "except OutputError as error:\n"
        "    print(error)\n"
    )
    given = [restarts.__file__, inputs, tmp_path / "out.bam", "1", "1", "/dev/null"]
    command = [sys.executable, "-c", program, *map(str, given)]
    environment = os.environ | {"PYTHONPATH": str(Path(restarts.__file__).parent)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert re.match(rf"{tmp_path}/out\.bam.*: cannot be written \(File too large\)", done.stdout)
    assert not (tmp_path / "out.bam").exists()
