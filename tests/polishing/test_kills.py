"""A run killed at any moment and resumed gives the records of an uninterrupted run."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import restarts
from restarts import MOLECULES, Left, job, left

from deepconsensus_py.errors import InputError
from deepconsensus_py.polishing import run as run_module
from deepconsensus_py.polishing.journal import read_journal
from deepconsensus_py.polishing.outputs import AppendOnlyFile
from deepconsensus_py.polishing.read import PolishedRead
from deepconsensus_py.polishing.run import PolishRun, polish_files

KILLS = 25
CHECKPOINT = 2
SEED = 20


class Process:
    """A run that may be killed.

    Attributes:
        killed: how often it was.
        again: molecules that were polished again, over all starts.
    """

    def __init__(self, inputs: Path, output: Path, threads: int) -> None:
        self.output, self._log = output, output.with_name("log")
        self._command = [sys.executable, restarts.__file__, str(inputs), str(output), str(threads), str(CHECKPOINT)]
        self.killed = self.again = 0

    def start(self, seconds: float | None = None) -> float:
        """Start it, kill it after some seconds, and give those that it lived."""
        self._log.write_bytes(b"")
        before, began = self.done(), time.monotonic()
        with subprocess.Popen([*self._command, str(self._log)], stderr=subprocess.PIPE) as process:
            try:
                _, errors = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                errors = b""
        lived = time.monotonic() - began
        assert process.returncode in {0, -signal.SIGKILL}, errors
        self.killed += process.returncode != 0
        after = MOLECULES if self.output.exists() else self.done()
        again = self._log.read_bytes().count(b"\n") - (after - before)
        assert 0 <= again <= CHECKPOINT
        self.again += again
        return lived

    def done(self) -> int:
        """Molecules that are kept."""
        folder = self.output.with_name("out.bam.unfinished")
        journal = read_journal(folder) if folder.exists() else None
        return journal.molecules if journal else 0


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
def test_killed_at_random_moments(inputs: Path, whole: Left, tmp_path: Path, threads: int) -> None:
    draw = random.Random(SEED + threads)
    (tmp_path / "unhurt").mkdir()
    seconds = min(Process(inputs, tmp_path / "unhurt" / "out.bam", threads).start() for _ in range(2))
    killed = again = chains = 0
    while killed < KILLS:
        folder = tmp_path / str(chains)
        folder.mkdir()
        process = Process(inputs, folder / "out.bam", threads)
        while not process.output.exists():
            process.start(draw.uniform(0, seconds) if killed + process.killed < KILLS else None)
        # What was left to do after the reads had taken their name is done by one more start.
        if (folder / "out.bam.unfinished").exists():
            process.start()
        assert left(process.output) == whole
        killed, again, chains = killed + process.killed, again + process.again, chains + 1
    print(f"{killed} kills in {chains} runs, {again} molecules of {MOLECULES * chains} polished again")


class KilledError(BaseException):
    """What a process feels that is killed: nothing that it does afterwards reaches the disk."""


class Deaths:
    """Ends what this process does to the files of a folder at the n-th change of them.

    Attributes:
        folder: the folder; empty for none.
        last: number of the change that is not made any more.
    """

    CHANGES = frozenset({"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir"})
    WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT

    def __init__(self) -> None:
        self.folder, self.last, self._seen = "", 0, 0
        sys.addaudithook(self._hear)

    @contextmanager
    def at(self, number: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Die so in the block."""
        append, sync = AppendOnlyFile.append, os.fsync

        def append_half(file: AppendOnlyFile, data: bytes) -> None:
            try:
                self._change()
            except KilledError:
                if self._seen == self.last:
                    append(file, data[: len(data) // 2])
                raise
            append(file, data)

        def sync_or_die(place: int) -> None:
            self._change()
            sync(place)

        self.folder, self.last, self._seen = str(folder), number, 0
        try:
            with monkeypatch.context() as patch:
                patch.setattr(AppendOnlyFile, "append", append_half)
                patch.setattr(os, "fsync", sync_or_die)
                yield
        finally:
            self.folder = ""

    def _hear(self, event: str, about: tuple[Any, ...]) -> None:
        if not self.folder or event not in self.CHANGES or not str(about[0]).startswith(self.folder):
            return
        if event != "open" or about[2] & self.WRITING:
            self._change()

    def _change(self) -> None:
        self._seen += 1
        if self._seen >= self.last:
            raise KilledError


@pytest.fixture(scope="module")
def deaths() -> Deaths:
    return Deaths()


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the molecules that are polished from now on."""
    polished, names = run_module.correct, list[str]()

    def counting(*given: Any, **named: Any) -> Iterator[PolishedRead]:
        for read in polished(*given, **named):
            names.append(read.name)
            yield read

    monkeypatch.setattr(run_module, "correct", counting)
    return names


def test_killed_at_every_change_of_its_files(
    inputs: Path, whole: Left, tmp_path: Path, deaths: Deaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    names, refused = counted(monkeypatch), 0
    for number in count(1):
        folder = tmp_path / str(number)
        folder.mkdir()
        names.clear()
        try:
            with deaths.at(number, folder, monkeypatch):
                polish_files(job(inputs, folder / "out.bam", checkpoint=5))
        except KilledError:
            finished = [path.exists() for path in (folder / "out.bam", folder / "out.bam.unfinished")]
            # Where all has its name, and only the folder is not yet removed, there is nothing to go on with.
            if finished != [True, False]:
                left_over = (folder / "out.bam.unfinished" / "journal.json").exists()
                refused += refuses_damage(folder / "out.bam.unfinished", job(inputs, folder / "out.bam", resume=True))
                polish_files(job(inputs, folder / "out.bam", checkpoint=5, resume=True))
                assert MOLECULES <= len(names) <= MOLECULES + 5 or (finished[0] and not left_over), number
            assert left(folder / "out.bam") == whole
            assert not (folder / "out.bam.unfinished").exists()
        else:
            break
    assert number > 40
    assert refused > 80
    print(f"{number - 1} changes, {refused} damaged pieces refused")


def refuses_damage(folder: Path, a_job: PolishRun) -> int:
    """Flip one byte of each stored checkpoint in turn, and resume; gives how many there are."""
    journal = read_journal(folder) if folder.exists() else None
    kept = {name: part for name, part in journal.files.items() if (folder / name).exists()} if journal else {}
    damaged = [name for name in (journal.places if journal.complete else kept) if name in kept] if journal else []
    for name in damaged:
        path = folder / name
        sound = path.read_bytes()
        place = SEED * kept[name].size // 37
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 1]) + sound[place + 1 :])
        with pytest.raises(InputError, match=f"{name}: is damaged"):
            polish_files(a_job)
        path.write_bytes(sound)
    return len(damaged)
