"""Values sent between two processes: small parts through a pipe, arrays through shared memory.

Pickle's protocol 5 (PEP 574) returns the arrays of a value as buffers. They are written to an anonymous file in memory:
nothing is left behind however a process ends, and the size of /dev/shm does not matter.
"""

import os
import pickle
import tempfile
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.reduction import DupFd
from typing import Any

import numpy as np
from numpy.typing import NDArray

_INLINE = 1 << 12
"""Buffers smaller than this many bytes go through the pipe, which is faster for them."""

_ALIGNED = 16
"""Buffers start at multiples of this many bytes, for compiled code that needs aligned arrays."""

_KEPT = 1 << 24
"""Bytes of memory that stay allocated between two values; few ZMWs need more."""


class Channel:
    """One end of a connection on which two processes take turns.

    A value may be sent only after the previous one, in either direction, was received: both use the same memory.

    Args:
        connection: of the pipe.
        memory: file descriptor of the memory, which the channel closes.
    """

    def __init__(self, connection: Connection, memory: int) -> None:
        self._connection, self._memory = connection, memory

    def __getstate__(self) -> tuple[Connection, Any]:
        return self._connection, DupFd(self._memory)

    def __setstate__(self, state: tuple[Connection, Any]) -> None:
        self._connection, self._memory = state[0], state[1].detach()

    def send(self, value: object) -> None:
        """Send a value to the other end.

        Raises:
            OSError: the other end is closed, or there is not enough memory.
        """
        buffers: list[pickle.PickleBuffer] = []

        def inline(buffer: pickle.PickleBuffer) -> bool:
            small = buffer.raw().nbytes < _INLINE
            if not small:
                buffers.append(buffer)
            return small

        head = pickle.dumps(value, 5, buffer_callback=inline)
        views = [buffer.raw() for buffer in buffers]
        sizes = [view.nbytes for view in views]
        for view, start in zip(views, _starts(sizes), strict=True):
            if os.pwrite(self._memory, view, start) < view.nbytes:
                raise OSError(f"{view.nbytes} bytes could not be written to memory")
        self._connection.send((head, sizes))

    def receive(self) -> Any:
        """Wait for a value; its arrays are writable.

        Raises:
            EOFError: the other end is closed.
        """
        head, sizes = self._connection.recv()
        starts = list(_starts(sizes))
        memory: NDArray[np.uint8] = np.empty(starts[-1] + sizes[-1] if sizes else 0, np.uint8)
        if os.preadv(self._memory, [memory.data], 0) < len(memory):
            raise EOFError("a part of the value is missing")
        if len(memory) > _KEPT:
            os.ftruncate(self._memory, 0)
        buffers = [memory[start : start + size] for start, size in zip(starts, sizes, strict=True)]
        return pickle.loads(head, buffers=buffers)  # noqa: S301 - of a process of our own

    def close(self) -> None:
        """Close this end."""
        if not self._connection.closed:
            self._connection.close()
            os.close(self._memory)


def anonymous_memory() -> int:
    """File descriptor of an anonymous file in memory."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("deepconsensus-py")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _starts(sizes: list[int]) -> Iterator[int]:
    start = 0
    for size in sizes:
        yield start
        start += -(-size // _ALIGNED) * _ALIGNED
