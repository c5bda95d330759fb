"""Parallel map over a stream of ZMWs, in order and with bounded memory."""

import signal
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from queue import Empty, Queue
from threading import Event, Thread
from typing import TypeVar

from deepconsensus_py.workers.pool import Pool

_AHEAD = 4
"""Items in work or waiting, per core, unless asked otherwise."""

_POLL_SECONDS = 0.05

_NAP_SECONDS = 0.005
"""Before results are waited for: those that come early, one in a millisecond, are then taken together. To wake for each
takes a quarter of its time."""

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def ordered_map(
    work: Callable[[_In], _Out],
    items: Iterable[_In],
    cores: int,
    *,
    processes: bool = False,
    lost: Callable[[_In, str], _Out] | None = None,
    early: Callable[[_In], _Out | None] | None = None,
    ahead: int = _AHEAD,
) -> Iterator[_Out]:
    """Apply ``work`` to all items; results come in the order of the items.

    Args:
        work: picklable if ``processes``.
        items: read in a separate thread, at most a few per core ahead of the results.
        cores: 1 works in the caller's thread.
        processes: use processes; threads are enough for libraries that release the interpreter lock (minimap2 does,
            abPOA does not).
        lost: makes the result of an item whose worker process died, from the item and a description; None raises.
        early: gives the result of an item that needs no worker, else None; called in the thread that reads the items.
            Must give what ``work`` would. Not called with one core.
        ahead: items in work or waiting, per core.

    Raises:
        DeepConsensusError: worker processes cannot be started, or keep dying.
    """
    if cores == 1:
        yield from map(work, items)
        return
    with ExitStack() as stack:
        do = work
        if processes:
            pool = Pool(work, cores, lost)
            do = pool.do
            stack.callback(pool.close)
        threads = stack.enter_context(ThreadPoolExecutor(cores, initializer=_hold_pipe_signals))
        if processes:
            # Called before the threads are joined, which wait for their workers.
            stack.callback(pool.kill)
        for result in stack.enter_context(_submitted(threads, do, items, ahead * cores, early)):
            yield result.result()


def _hold_pipe_signals() -> None:
    """Block SIGPIPE: writing to a worker that has died must raise an error, not end this process."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPIPE})


@contextmanager
def _submitted(
    threads: Executor,
    work: Callable[[_In], _Out],
    items: Iterable[_In],
    most: int,
    early: Callable[[_In], _Out | None] | None,
) -> Iterator[Iterator[Future[_Out]]]:
    """Futures of all items, submitted by a reading thread, which ends with the block."""
    futures: Queue[Future[_Out] | None] = Queue(most)
    left = Event()

    def submit() -> None:
        try:
            for item in items:
                if left.is_set():
                    break
                result = early(item) if early else None
                futures.put(threads.submit(work, item) if result is None else _done(result))
        except BaseException as fault:  # noqa: BLE001 - raised where the results are read
            failed: Future[_Out] = Future()
            failed.set_exception(fault)
            futures.put(failed)
        futures.put(None)

    reader = Thread(target=submit, name="reader", daemon=True)
    reader.start()
    try:
        yield _taken(futures)
    finally:
        left.set()
        while reader.is_alive():
            _empty(futures)
            reader.join(_POLL_SECONDS)
        threads.shutdown(wait=False, cancel_futures=True)


def _taken(futures: Queue[Future[_Out] | None]) -> Iterator[Future[_Out]]:
    """The futures of a queue, up to None."""
    while True:
        if futures.empty():
            time.sleep(_NAP_SECONDS)
        future = futures.get()
        if future is None:
            return
        yield future


def _done(result: _Out) -> Future[_Out]:
    """The future of a result that is there."""
    future: Future[_Out] = Future()
    future.set_result(result)
    return future


def _empty(queue: Queue[Future[_Out] | None]) -> None:
    try:
        while future := queue.get_nowait():
            future.cancel()
    except Empty:
        pass
