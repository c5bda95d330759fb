"""Time of each stage, progress, and a request to end a run early."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import TypeVar

from tqdm import tqdm

log = logging.getLogger(__name__)

BAR = logging.getLogger("deepconsensus_py.progress.bar")
"""Its level decides whether the bar is drawn when standard error is a terminal."""

STAGES = ("read", "align", "encode", "network", "call", "write")

Item = TypeVar("Item")


class StageClock:
    """Seconds that each stage worked; stages overlap, so the sum may exceed the wall-clock time.

    Attributes:
        seconds: stage to seconds.
        peaks: process id of a worker to its peak resident bytes.
        cpu: process id of a worker to its CPU seconds.

    Args:
        stages: their names.
    """

    def __init__(self, stages: Iterable[str] = STAGES) -> None:
        self.seconds = dict.fromkeys(stages, 0.0)
        self.peaks: dict[int, int] = {}
        self.cpu: dict[int, float] = {}
        self._lock = Lock()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the time of a block for a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add({name: time.perf_counter() - start})

    def timed(self, name: str, items: Iterable[Item]) -> Iterator[Item]:
        """Yield the items, timing how long their source takes."""
        source = iter(items)
        while True:
            with self.stage(name):
                try:
                    item = next(source)
                except StopIteration:
                    return
            yield item

    def add(self, seconds: Mapping[str, float]) -> None:
        """Add seconds that another process measured."""
        with self._lock:
            for name, value in seconds.items():
                self.seconds[name] += value


SECONDS_BETWEEN_LINES = 30.0


def with_progress(items: Iterable[Item], total: int | None, unit: str, *, done: int = 0) -> Iterator[Item]:
    """Yield the items while showing progress: a bar on a terminal, and a log line every 30 seconds.

    Beside a bar, the log lines have level ``DEBUG``.

    Args:
        items: what is counted.
        total: number of items, or None if unknown.
        unit: name of an item, e.g. ``"ZMW"``.
        done: items that an earlier run has done, to be counted as well.
    """
    if sys.stderr.isatty() and BAR.isEnabledFor(logging.INFO):
        whole = None if total is None else done + total
        lines = _with_lines(items, total, unit, done, logging.DEBUG)
        yield from tqdm(lines, total=whole, initial=done, unit=unit, file=sys.stderr)
    else:
        yield from _with_lines(items, total, unit, done, logging.INFO)


def _with_lines(items: Iterable[Item], total: int | None, unit: str, done: int, level: int) -> Iterator[Item]:
    first = logged = time.monotonic()
    for count, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        # The first item waits for all that is loaded or compiled: it would tell nothing of the others.
        first = now if count == 1 else first
        if now - logged >= SECONDS_BETWEEN_LINES:
            logged = now
            log.log(level, "%s", _line(count, now - first, total, unit, done))


def _line(count: int, seconds: float, total: int | None, unit: str, done: int) -> str:
    """How far it is, and the rate of the items after the first."""
    line = f"{done + count} {unit}{'' if done + count == 1 else 's'}"
    line += "" if total is None else f" of {done + total}"
    if count == 1 or not seconds:
        return line
    rate = (count - 1) / seconds
    left = "" if total is None else f", {(total - count) / rate:.0f} s left"
    return f"{line}{left}, {rate:.2f} per second"


class Stop:
    """A request, from a signal handler or another thread, that a run should end early.

    Attributes:
        asked: whether the request was made.
        early: whether any item was skipped because of it.
    """

    def __init__(self) -> None:
        self.asked = self.early = False

    def ask(self) -> None:
        """Ask the run to start no further ZMW."""
        self.asked = True

    def before(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield items until the request is made."""
        for item in items:
            if self.asked:
                self.early = True
                return
            yield item
