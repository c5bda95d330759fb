"""Seconds per stage, summed over all processes and threads of a run."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import TypeVar

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
