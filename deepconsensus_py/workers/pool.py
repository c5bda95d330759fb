"""Worker processes, each with its own connection, so that the item of one that died is known.

They are forked from multiprocessing's fork server, because forking this process with its threads is not safe.
"""

import ctypes
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import forkserver, get_context, resource_tracker
from queue import SimpleQueue
from threading import Lock
from typing import Any, Generic, TypeVar

from deepconsensus_py.errors import DeepConsensusError
from deepconsensus_py.workers.channel import Channel, anonymous_memory
from deepconsensus_py.workers.sockets import announced

DEATHS = 10
"""Deaths in a row without one result, besides one for each worker, after which no single item can be to blame."""

_STARTS = 3
"""Attempts to start a worker that dies before it is ready."""

_PRELOADED = ("__main__", "deepconsensus_py.workers.sockets")

_ENDING_SECONDS = 5.0
_ADVICE = "is there enough memory? --threads 1 runs without worker processes"
_FAILED, _GUARD = "exit status 1", "a Python script must start it under 'if __name__ == \"__main__\":'"
"""Exit status of a worker that raises an error before it is ready, and its usual cause: workers import the script that
started them, which, unguarded, starts workers itself."""

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class WorkerDeathError(Exception):
    """A worker ended without a result; the message is its exit status."""


def prepare(modules: Sequence[str]) -> None:
    """Start the fork server and let it import modules in the background.

    Args:
        modules: that the workers need; ignored if the server is running already.
    """
    # If it cannot be started, starting the first worker reports it.
    with suppress(OSError), _starting(modules):
        forkserver.ensure_running()


@contextmanager
def _starting(modules: Sequence[str] = ()) -> Iterator[None]:
    """Block SIGINT in this block, and for good in the processes started in it."""
    forkserver.set_forkserver_preload([*_PRELOADED, *modules])
    # Ctrl-C reaches all processes of a terminal, but only this one should react, even while the others still start.
    # The resource tracker is started before, because starting it unblocks SIGINT.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with announced():
            yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Pool(Generic[_In, _Out]):
    """Worker processes for one function.

    Args:
        work: the function; picklable.
        size: number of processes; each starts when it is first needed.
        lost: makes the result of an item at which workers die, from the item and a description; None raises.
    """

    def __init__(self, work: Callable[[_In], _Out], size: int, lost: Callable[[_In, str], _Out] | None = None) -> None:
        self._work, self._lost = work, lost
        self._workers: list[_Worker | None] = [None] * size
        self._free: SimpleQueue[int] = SimpleQueue()
        for number in range(size):
            self._free.put(number)
        self._lock, self._closed, self._deaths = Lock(), False, 0

    def do(self, item: _In) -> _Out:
        """Let a worker process an item; called from as many threads as there are workers.

        If the worker dies, a second one gets the item: the first may have been killed for the memory of others.

        Raises:
            DeepConsensusError: workers cannot be started, or keep dying.
            Exception: what the work raised.
        """
        number = self._free.get()
        try:
            return self._asked(number, item)
        except WorkerDeathError:
            return self._asked_again(number, item)
        finally:
            self._free.put(number)

    def kill(self) -> None:
        """Kill all workers."""
        with self._lock:
            self._closed = True
        for worker in self._workers:
            if worker:
                worker.kill()

    def close(self) -> None:
        """Free the workers' resources, after ``kill`` and when no thread is in ``do``."""
        for worker in self._workers:
            if worker:
                worker.close()

    def _asked_again(self, number: int, item: _In) -> _Out:
        try:
            return self._asked(number, item)
        except WorkerDeathError as fault:
            died = f"worker process died ({fault}), and so did its replacement"
            if self._lost is None:
                raise DeepConsensusError(f"a {died}; {_ADVICE}") from fault
            return self._lost(item, f"its {died}; is there enough memory?")

    def _asked(self, number: int, item: _In) -> _Out:
        try:
            done, answer = (self._workers[number] or self._started(number)).ask(item)
        except WorkerDeathError as fault:
            self._workers[number] = None
            self._deaths += 1
            if self._deaths > DEATHS + len(self._workers):
                raise DeepConsensusError(
                    f"{self._deaths} worker processes died in a row ({fault}); {_ADVICE}"
                ) from fault
            raise
        self._deaths = 0
        if not done:
            raise answer
        result: _Out = answer
        return result

    def _started(self, number: int) -> "_Worker":
        """A new worker that is ready."""
        for start in range(1, _STARTS + 1):
            try:
                worker = self._new(number)
                worker.answer()
            except (WorkerDeathError, OSError, EOFError) as fault:
                if start == _STARTS:
                    why = str(fault) or type(fault).__name__
                    advice = f"{_GUARD}; {_ADVICE}" if why == _FAILED else _ADVICE
                    raise DeepConsensusError(f"cannot start a worker process ({why}); {advice}") from fault
            else:
                break
        return worker

    def _new(self, number: int) -> "_Worker":
        # One at a time: multiprocessing's list of processes is not thread-safe.
        with self._lock:
            if self._closed:
                raise DeepConsensusError("cannot start a worker process after the pool was closed")
            worker = self._workers[number] = _Worker(self._work)
        return worker


class _Worker:
    """One process, and our end of the connection to it."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        context = get_context("forkserver")
        own, other = context.Pipe()
        memory = anonymous_memory()
        self._channel = Channel(own, memory)
        self._process = context.Process(target=_serve, args=(Channel(other, memory), work), daemon=True)
        try:
            with _starting():
                self._process.start()
        except BaseException:
            self._channel.close()
            raise
        finally:
            other.close()

    def ask(self, item: object) -> tuple[bool, Any]:
        """Whether the work succeeded, and its result or exception."""
        try:
            self._channel.send(item)
        except ConnectionError as fault:
            raise WorkerDeathError(self.close()) from fault
        return self.answer()

    def answer(self) -> tuple[bool, Any]:
        """The worker's next message."""
        try:
            answer: tuple[bool, Any] = self._channel.receive()
        except (EOFError, ConnectionError) as fault:
            raise WorkerDeathError(self.close()) from fault
        return answer

    def kill(self) -> None:
        """Kill it."""
        self._process.kill()

    def close(self) -> str:
        """Free its resources; returns a description of its exit status."""
        self._channel.close()
        self._process.join(_ENDING_SECONDS)
        status = self._process.exitcode
        if status is None:
            self._process.kill()
        return f"signal {-status}" if status and status < 0 else f"exit status {status}"


def _serve(channel: Channel, work: Callable[[Any], Any]) -> None:
    """Main loop of a worker, until the other end is closed."""
    keep_heap_small()
    try:
        channel.send((True, None))
        while True:
            _answer(channel, work, channel.receive())
    except (EOFError, ConnectionError):
        return


def _answer(channel: Channel, work: Callable[[Any], Any], item: object) -> None:
    try:
        channel.send((True, work(item)))
    except ConnectionError:
        raise
    except Exception as fault:  # noqa: BLE001 - it is raised where the work was asked for
        fault.add_note(f"in a worker process: {traceback.format_exc()}")
        channel.send((False, fault))


FROM_SYSTEM = 4 << 20
"""Bytes from which an array is allocated with mmap."""

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # malloc.h


def keep_heap_small() -> bool:
    """Fix the size from which arrays are allocated with mmap, and so returned to the system when freed.

    By default glibc raises that size to the largest array ever freed, up to 32 MiB: the heap then grows with every ZMW
    that is larger than those before, and does not shrink (250 ZMWs: 21 % more than 10; with this 1 %, at 5 % more
    encoding time).

    Returns:
        Whether the C library has that setting.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(what, FROM_SYSTEM) for what in (_MMAP_THRESHOLD, _TRIM_THRESHOLD))
