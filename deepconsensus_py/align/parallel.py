"""Molecules worked on by several cores, in order and with bounded memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

from deepconsensus_py.errors import DeepConsensusError

_AHEAD = 4
"""Molecules in work or waiting for each core."""

_START_ERRORS = (BrokenExecutor, OSError, EOFError)

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

    Raises:
        DeepConsensusError: a worker process cannot be started, or died.
    """
    if cores == 1:
        yield from map(work, items)
        return
    with _pool(cores, processes=processes) as pool:
        pending: deque[Future[_Out]] = deque()
        try:
            for item in items:
                pending.append(_submit(pool, work, item))
                if len(pending) >= _AHEAD * cores:
                    yield _result(pending.popleft())
            while pending:
                yield _result(pending.popleft())
        finally:
            pool.shutdown(cancel_futures=True)


def _submit(pool: Executor, work: Callable[[_In], _Out], item: _In) -> Future[_Out]:
    try:
        return pool.submit(work, item)
    except _START_ERRORS as fault:
        raise _no_workers(fault) from fault


def _result(future: Future[_Out]) -> _Out:
    try:
        return future.result()
    except BrokenExecutor as fault:
        raise _no_workers(fault) from fault


def _no_workers(fault: Exception) -> DeepConsensusError:
    return DeepConsensusError(
        f"a worker process died or could not be started ({fault}); is there memory enough? --threads 1 needs none"
    )


def _pool(cores: int, *, processes: bool) -> Executor:
    if not processes:
        return ThreadPoolExecutor(cores)
    try:
        # Not forked from this process: it holds the threads of a network.
        return ProcessPoolExecutor(cores, mp_context=get_context("forkserver"))
    except _START_ERRORS as fault:
        raise _no_workers(fault) from fault
