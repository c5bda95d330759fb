"""Worker processes, each on a line of its own, so that it is known what one was at when it died.

They come from multiprocessing's fork server and not from this process, which holds the threads of a network.
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
"""Deaths that may follow each other without one answer, besides one for each worker: more are no item's fault."""

_STARTS = 3
"""Times that a worker is started which dies before it is ready."""

_PRELOADED = ("__main__", "deepconsensus_py.workers.sockets")

_ENDING_SECONDS = 5.0
_ADVICE = "is there memory enough? --threads 1 needs no workers"

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class WorkerDeathError(Exception):
    """A worker ended without an answer; the message says how."""


def prepare(modules: Sequence[str]) -> None:
    """Start what workers are forked from, and have it import modules, while this process does something else.

    Args:
        modules: that the workers need; nothing changes where others have been prepared already.
    """
    # Where it cannot be started, the first worker says so.
    with suppress(OSError), _starting(modules):
        forkserver.ensure_running()


@contextmanager
def _starting(modules: Sequence[str] = ()) -> Iterator[None]:
    """Hold interrupts back, here for a moment, and for good in the processes that are started in the block."""
    forkserver.set_forkserver_preload([*_PRELOADED, *modules])
    # Ctrl-C reaches all processes of a terminal; what it means is this one's to say, even while they still start.
    # Started in the block, the resource tracker would let interrupts through again.
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
        lost: the result of an item at which workers die, from the item and how they died; None ends the run there.
    """

    def __init__(self, work: Callable[[_In], _Out], size: int, lost: Callable[[_In, str], _Out] | None = None) -> None:
        self._work, self._lost = work, lost
        self._workers: list[_Worker | None] = [None] * size
        self._free: SimpleQueue[int] = SimpleQueue()
        for number in range(size):
            self._free.put(number)
        self._lock, self._closed, self._deaths = Lock(), False, 0

    def do(self, item: _In) -> _Out:
        """Have a worker do the work; to be called from as many threads as there are workers.

        An item whose worker dies is given to a second one: the first may have been killed for what others did.

        Raises:
            DeepConsensusError: workers cannot be started, or die whatever they are at.
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
        """End all workers, whatever they are at."""
        with self._lock:
            self._closed = True
        for worker in self._workers:
            if worker:
                worker.kill()

    def close(self) -> None:
        """Give back what the workers held, after ``kill`` and when no thread is in ``do``."""
        for worker in self._workers:
            if worker:
                worker.close()

    def _asked_again(self, number: int, item: _In) -> _Out:
        try:
            return self._asked(number, item)
        except WorkerDeathError as fault:
            died = f"worker process died ({fault}), and so did another in its place"
            if self._lost is None:
                raise DeepConsensusError(f"a {died}; {_ADVICE}") from fault
            return self._lost(item, f"its {died}; is there memory enough?")

    def _asked(self, number: int, item: _In) -> _Out:
        try:
            done, answer = (self._workers[number] or self._started(number)).ask(item)
        except WorkerDeathError as fault:
            self._workers[number] = None
            self._deaths += 1
            if self._deaths > DEATHS + len(self._workers):
                raise DeepConsensusError(
                    f"{self._deaths} worker processes died one after the other ({fault}); {_ADVICE}"
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
                    raise DeepConsensusError(f"a worker process cannot be started ({why}); {_ADVICE}") from fault
            else:
                break
        return worker

    def _new(self, number: int) -> "_Worker":
        # One at a time: multiprocessing keeps books of its processes.
        with self._lock:
            if self._closed:
                raise DeepConsensusError("no worker can be started when all have been ended")
            worker = self._workers[number] = _Worker(self._work)
        return worker


class _Worker:
    """One process, and our end of the line to it."""

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
        """Whether the work was done, and its result or what it raised."""
        try:
            self._channel.send(item)
        except ConnectionError as fault:
            raise WorkerDeathError(self.close()) from fault
        return self.answer()

    def answer(self) -> tuple[bool, Any]:
        """The worker's next word."""
        try:
            answer: tuple[bool, Any] = self._channel.receive()
        except (EOFError, ConnectionError) as fault:
            raise WorkerDeathError(self.close()) from fault
        return answer

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def close(self) -> str:
        """Give back what it held; says how it ended."""
        self._channel.close()
        self._process.join(_ENDING_SECONDS)
        status = self._process.exitcode
        if status is None:
            self._process.kill()
        return f"signal {-status}" if status and status < 0 else f"exit status {status}"


def _serve(channel: Channel, work: Callable[[Any], Any]) -> None:
    """A worker's life: it ends when nobody is at the other end."""
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
"""Bytes from which an array is memory of its own."""

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # malloc.h


def keep_heap_small() -> bool:
    """Fix the size from which arrays are taken from the system and given back to it.

    Left to itself the library raises that size to the largest array that was ever freed, up to 32 MiB: the heap then
    grows with every molecule that is larger than those before, and shrinks no more (250 molecules: 21 % more than 10;
    with this 1 %, at 5 % more encoding time).

    Returns:
        Whether the C library can be told; others are left alone.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(what, FROM_SYSTEM) for what in (_MMAP_THRESHOLD, _TRIM_THRESHOLD))
