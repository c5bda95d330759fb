"""Ctrl-C: the first one asks, the second one ends."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_STANDARD_ERROR = 2
_ASKED = b"\ninterrupted: finishing the molecules in work; once more ends at once\n"


@contextmanager
def asked_by_interrupt(ask: Callable[[], None]) -> Iterator[None]:
    """While the block runs, the first interrupt calls a function; the second one raises KeyboardInterrupt.

    Args:
        ask: what asks the work to end.
    """
    before = signal.getsignal(signal.SIGINT)
    # Whoever started us may have asked to ignore interrupts, as a shell does for what runs in its background.
    if before is not signal.default_int_handler:
        yield
        return

    def first(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        ask()
        # Not by print: what was interrupted may be a print.
        os.write(_STANDARD_ERROR, _ASKED)

    signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
