"""Progress of a run: a bar with rate and remaining time on a terminal, a plain line now and then elsewhere."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 30.0

log = logging.getLogger(__name__)
Item = TypeVar("Item")


def with_progress(items: Iterable[Item], total: int | None, unit: str, *, done: int = 0) -> Iterator[Item]:
    """Pass items on while telling standard error how far it has come.

    Args:
        items: what is counted.
        total: how many there will be, or None where that is not known.
        unit: name of an item, e.g. ``"ZMW"``.
        done: how many were done before, besides these.
    """
    if sys.stderr.isatty():
        whole = None if total is None else done + total
        yield from tqdm(items, total=whole, initial=done, unit=unit, file=sys.stderr)
    else:
        yield from _with_lines(items, total, unit, done)


def _with_lines(items: Iterable[Item], total: int | None, unit: str, done: int) -> Iterator[Item]:
    start = said = time.monotonic()
    for count, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if now - said >= SECONDS_BETWEEN_LINES:
            said, rate = now, count / (now - start)
            left = "" if total is None else f" of {done + total}, {(total - count) / rate:.0f} s left"
            log.info("%d %ss%s, %.2f per second", done + count, unit, left, rate)
