"""A run while it goes on: seconds of each stage, progress, and a request to end early."""

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
"""Says by its level whether the bar is drawn, where standard error is a terminal."""

STAGES = ("read", "align", "encode", "network", "call", "write")

Item = TypeVar("Item")


class StageClock:
    """Adds up the seconds that each stage worked; stages overlap, so the sum may exceed the run's own time.

    Attributes:
        seconds: stage to seconds.
        peaks: process id of a worker to its peak resident bytes.
    """

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self.peaks: dict[int, int] = {}
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
        """Pass items on, counting the time that their source takes to give each."""
        source = iter(items)
        while True:
            with self.stage(name):
                try:
                    item = next(source)
                except StopIteration:
                    return
            yield item

    def add(self, seconds: Mapping[str, float]) -> None:
        """Add what another process measured."""
        with self._lock:
            for name, value in seconds.items():
                self.seconds[name] += value


SECONDS_BETWEEN_LINES = 30.0


def with_progress(items: Iterable[Item], total: int | None, unit: str, *, done: int = 0) -> Iterator[Item]:
    """Pass items on while reporting how far it has come: as a bar on a terminal, and in a line of the log now and then.

    Beside a bar, the lines are details (level ``DEBUG``).

    Args:
        items: what is counted.
        total: how many there will be, or None where that is not known.
        unit: name of an item, e.g. ``"ZMW"``.
        done: how many were done before, besides these.
    """
    if sys.stderr.isatty() and BAR.isEnabledFor(logging.INFO):
        whole = None if total is None else done + total
        lines = _with_lines(items, total, unit, done, logging.DEBUG)
        yield from tqdm(lines, total=whole, initial=done, unit=unit, file=sys.stderr)
    else:
        yield from _with_lines(items, total, unit, done, logging.INFO)


def _with_lines(items: Iterable[Item], total: int | None, unit: str, done: int, level: int) -> Iterator[Item]:
    start = said = time.monotonic()
    for count, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if now - said >= SECONDS_BETWEEN_LINES:
            said, rate = now, count / (now - start)
            left = "" if total is None else f" of {done + total}, {(total - count) / rate:.0f} s left"
            log.log(level, "%d %ss%s, %.2f per second", done + count, unit, left, rate)


class Stop:
    """A word to a run, from a signal handler or another thread, that it should end.

    Attributes:
        asked: whether the word has been given.
        early: whether something was left out for it.
    """

    def __init__(self) -> None:
        self.asked = self.early = False

    def ask(self) -> None:
        """Let nothing more begin."""
        self.asked = True

    def before(self, items: Iterable[Item]) -> Iterator[Item]:
        """Pass items on until the word is given; one that is read and left out is not begun."""
        for item in items:
            if self.asked:
                self.early = True
                return
            yield item
