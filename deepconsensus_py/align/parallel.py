"""Molecules worked on by several cores, in order and with bounded memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

_AHEAD = 4
"""Molecules in work or waiting for each core."""

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def ordered_map(
    work: Callable[[_In], _Out], items: Iterable[_In], cores: int, *, processes: bool = False
) -> Iterator[_Out]:
    """Apply ``work`` to all items; results come in the order of the items.

    Args:
        work: picklable where ``processes``.
        items: read as they are needed.
        cores: 1 works in the caller's thread.
        processes: rather than threads, which serve where the libraries release the interpreter (minimap2 does,
            abPOA does not).
    """
    if cores == 1:
        yield from map(work, items)
        return
    with _pool(cores, processes=processes) as pool:
        pending: deque[Future[_Out]] = deque()
        try:
            for item in items:
                pending.append(pool.submit(work, item))
                if len(pending) >= _AHEAD * cores:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _pool(cores: int, *, processes: bool) -> Executor:
    return ProcessPoolExecutor(cores, mp_context=get_context("forkserver")) if processes else ThreadPoolExecutor(cores)
