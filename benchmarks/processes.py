"""What commands cost: seconds, processor seconds, memory of the process tree, and what others did meanwhile."""

import ctypes
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import psutil

SAMPLE_SECONDS = 0.1
WORTH_ANOTHER_LOOK = 1.01
"""Growth of the resident memory after which the proportional one is asked for again: peaks are right within 1 %."""

_SET_CHILD_SUBREAPER = 36
"""Of Linux's prctl(2)."""

LINES_SHOWN = 15
"""Last lines of a command that failed."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command, or of several side by side.

    Attributes:
        seconds: from the start to the end of the last command.
        cpu_seconds: of the commands and all their descendants.
        other_cpu_seconds: of all other processes of the machine meanwhile, and what its host took away.
        peak_bytes: largest proportional set size (PSS) of the process trees together: resident memory, with a page
            that n processes share counted 1/n for each.
        log: what the commands wrote to standard error, each line with the seconds since the start.
    """

    seconds: float
    cpu_seconds: float
    other_cpu_seconds: float
    peak_bytes: int
    log: tuple[tuple[float, str], ...]

    @property
    def other_cores(self) -> float:
        """Processor cores that others kept busy on average."""
        return self.other_cpu_seconds / self.seconds


def measure(*commands: Sequence[str], environment: dict[str, str] | None = None) -> Run:
    """Run commands side by side to their end.

    Args:
        commands: each a program with its arguments.
        environment: variables beside those of this process.

    Raises:
        SystemExit: a command failed; the message has its last lines.
    """
    _adopt_orphans()
    busy, own, waited = _busy(), time.process_time(), _waited()
    start = time.perf_counter()
    processes = [_started(command, environment) for command in commands]
    logs: list[list[tuple[float, str]]] = [[] for _ in processes]
    readers = [
        threading.Thread(target=_read, args=(process.stderr, log, start))
        for process, log in zip(processes, logs, strict=True)
    ]
    for reader in readers:
        reader.start()
    peak, seconds, seen = _watched(processes, start)
    for reader in readers:
        reader.join()
    _wait_for_orphans(seen)
    cpu = _waited() - waited
    others = _busy() - busy - cpu - (time.process_time() - own)
    for command, process, log in zip(commands, processes, logs, strict=True):
        if process.returncode:
            last = "\n".join(line for _, line in log[-LINES_SHOWN:])
            sys.exit(f"{' '.join(command)} failed with status {process.returncode}:\n{last}")
    return Run(seconds, cpu, max(others, 0.0), peak, tuple(sorted(line for log in logs for line in log)))


def _started(command: Sequence[str], environment: dict[str, str] | None) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        list(command),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=os.environ | (environment or {}),
    )


def _read(stream: TextIO, log: list[tuple[float, str]], start: float) -> None:
    with stream:
        log.extend((time.perf_counter() - start, line.rstrip()) for line in stream)


def _watched(processes: list["subprocess.Popen[str]"], start: float) -> tuple[int, float, set[int]]:
    """Wait for all; peak memory, seconds, and the ids of the processes seen."""
    trees = [psutil.Process(process.pid) for process in processes]
    peak_resident = peak = 0
    seen: set[int] = set()
    while any(process.poll() is None for process in processes):
        found = [process for tree in trees for process in _tree(tree)]
        seen |= {process.pid for process in found} - {process.pid for process in processes}
        resident = sum(_resident(process) for process in found)
        # The kernel walks all pages to tell the PSS: asked for when the tree has grown, not to slow the run.
        if resident > peak_resident * WORTH_ANOTHER_LOOK:
            peak_resident = resident
            peak = max(peak, sum(map(_proportional, found)))
        _wait(processes, SAMPLE_SECONDS)
    return peak, time.perf_counter() - start, seen


def _wait(processes: list["subprocess.Popen[str]"], seconds: float) -> None:
    """Until the next sample, or until the one command that is left ends."""
    running = [process for process in processes if process.poll() is None]
    if len(running) != 1:
        time.sleep(seconds)
        return
    try:
        running[0].wait(seconds)
    except subprocess.TimeoutExpired:
        return


def _tree(root: psutil.Process) -> list[psutil.Process]:
    try:
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _proportional(process: psutil.Process) -> int:
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _adopt_orphans() -> None:
    """Become the parent of descendants that outlive their own, as fork servers do with the time of all workers."""
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _wait_for_orphans(seen: Iterable[int]) -> None:
    """Wait for those of these processes that are children now, so that their time counts."""
    for pid in seen:
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)


def _waited() -> float:
    """Processor seconds of all descendants that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _busy() -> float:
    """Seconds that the machine's processors have worked, or been taken away, since it was started."""
    times = psutil.cpu_times()
    # Linux counts the time of guests in user and nice already.
    return float(times.user + times.nice + times.system + times.irq + times.softirq + times.steal)
