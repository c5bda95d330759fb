"""A command that is held at work, so that what it has done when a signal comes does not depend on who is faster.

As a program, ``python held.py GO BEGUN COMMAND …``, it reads so many molecules and no more until the file GO is there,
corrects one at a time and stores two at a time.
"""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

from restarts import folder_of, one_at_a_time

from deepconsensus_py.cli.main import program
from deepconsensus_py.polishing import run as run_module
from deepconsensus_py.polishing.journal import read_journal
from deepconsensus_py.polishing.progress import Stop

BEGUN, STORED = 5, 4
"""Molecules that have been begun, and that are stored, when the command is held."""


def polish(inputs: Path) -> list[str]:
    """The command without its output."""
    files = [str(inputs / "subreads.bam"), "--ccs", str(inputs / "ccs.bam")]
    return ["polish", *files, "--model", "vote", "--min-quality", "0", "--threads", "2"]


class HeldCommand:
    """``polish`` of twelve molecules in a process of its own, and in a group of its own as a terminal's are.

    Args:
        inputs: ``subreads.bam`` and ``ccs.bam``.
        output: of the command; ``"-"`` for standard output.
        folder: short, for its temporary files.
        begun: molecules that it reads before it is held; an even number of them is stored.
        ignored: a signal that whoever starts it ignores, as a shell does for what runs in its background.

    Attributes:
        process: the process.
        temporary: the folder that it has for temporary files.
        left: names in that folder when it has ended.
    """

    def __init__(
        self,
        inputs: Path,
        output: Path | str,
        folder: Path,
        ignored: signal.Signals | None = None,
        begun: int = BEGUN,
    ) -> None:
        self._stored = begun // 2 * 2 if isinstance(output, Path) else 0
        self._output, self._go, self.temporary = output, folder / "go", folder / "temporary"
        self.temporary.mkdir(parents=True)
        self.left: list[str] = []
        command = [sys.executable, __file__, str(self._go), str(begun), *polish(inputs), "-o", str(output)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        environment = os.environ | {"TMPDIR": str(self.temporary)}
        # These tests may run in the background of a script, which ignores interrupts, or under nohup, which ignores
        # hang-ups, and so would what they start.
        handlers = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}
        handlers |= {ignored: signal.SIG_IGN} if ignored else {}
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        self.process = subprocess.Popen(command, start_new_session=True, env=environment, **pipes)
        for number, handler in before.items():
            signal.signal(number, handler)

    def __enter__(self) -> Self:
        while self.process.poll() is None and not self._is_held():
            time.sleep(0.002)
        return self

    def __exit__(self, *_: object) -> None:
        self._go.touch()
        self.process.kill()
        self.process.communicate()

    def send(self, number: signal.Signals) -> None:
        """As a terminal does, to the whole group."""
        os.killpg(self.process.pid, number)

    def hear(self, words: bytes) -> None:
        """Read what it says until it has said some words."""
        said = b""
        while words not in said:
            line = self.process.stderr.readline()
            assert line, said.decode()
            said += line

    def ended(self) -> tuple[int, str]:
        """Let it go on: its exit status, and what it says until then."""
        self._go.touch()
        status = self.process.wait()
        # Before what it says has been read to its end: until then, processes that it started may still be there.
        self.left = sorted(path.name for path in self.temporary.iterdir())
        return status, "" if self.process.stderr.closed else self.process.stderr.read().decode()

    def _is_held(self) -> bool:
        if not self._stored:
            return self._go.with_suffix(".held").exists()
        folder = folder_of(Path(self._output))
        journal = read_journal(folder) if folder.exists() else None
        return journal is not None and journal.molecules == self._stored


def _hold(go: Path, begun: int) -> None:
    before, run = Stop.before, run_module.polish_files

    def held(stop: Stop, items: Iterable[Any]) -> Iterator[Any]:
        for number, item in enumerate(before(stop, items), 1):
            yield item
            if number == begun:
                go.with_suffix(".held").touch()
                while not go.exists():
                    time.sleep(0.002)

    Stop.before = held
    run_module.polish_files = lambda job, stop: run(dataclasses.replace(job, checkpoint=2), stop)
    run_module.load_model = lambda *_, **__: one_at_a_time()


if __name__ == "__main__":
    _hold(Path(sys.argv.pop(1)), int(sys.argv.pop(1)))
    program()
