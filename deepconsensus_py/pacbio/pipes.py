"""Input that can be read only once: standard input and pipes, which are taken where one pass suffices.

Their first bytes are looked at, as those of files are, and given again to the one who reads them.
"""

import io
import os
import shutil
import signal
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any, Self

from deepconsensus_py.errors import InputError

STANDARD_INPUT = "-"

LOOKED_AT = 4096
"""Bytes at the beginning of an input that say what it is."""

_PIECE = 1 << 20
_TAIL = 28
"""Bytes of a pipe that are kept of its end: as many as the last block of a BAM file has."""


def require_rereadable(path: Path) -> None:
    """Refuse what can be read only once, where it has to be read more often.

    Raises:
        InputError: it is a pipe, a terminal, or ``-``.
    """
    if is_pipe(path):
        raise _once(path)


def is_pipe(path: Path) -> bool:
    """Whether what is there can be read only once: a pipe, a terminal, or ``-`` for standard input."""
    if str(path) == STANDARD_INPUT:
        return True
    mode = 0
    with suppress(OSError):
        mode = path.stat().st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or (stat.S_ISCHR(mode) and str(path) != os.devnull)


def called(path: Path) -> str:
    """What messages call an input."""
    return "standard input" if str(path) == STANDARD_INPUT else str(path)


def _once(path: Path) -> InputError:
    subject = called(path) if str(path) == STANDARD_INPUT else f"{path}: is a pipe, which"
    return InputError(f"{subject} can be read only once; write it to a file and give that")


def place_of(path: Path) -> str:
    """Where a path leads: two of the same place are one input."""
    return os.path.realpath("/dev/stdin" if str(path) == STANDARD_INPUT else path)


class Pipe(io.RawIOBase):
    """Input that can be read only once; its first bytes are looked at before.

    Attributes:
        start: the first bytes.
        tail: the last bytes that have been read.
        header: of its records, where it has been read.
        reader: what has read the header and goes on with the records, until it is taken.
    """

    def __init__(self, path: Path) -> None:
        """Read the first bytes.

        Raises:
            InputError: it is a terminal.
        """
        self._path = path
        self._source = os.dup(sys.stdin.fileno()) if str(path) == STANDARD_INPUT else os.open(path, os.O_RDONLY)
        if os.isatty(self._source):
            raise InputError(f"{called(path)}: is a terminal; pipe reads into the command, or give a file")
        self.start = self.tail = b""
        while len(self.start) < LOOKED_AT and (piece := os.read(self._source, LOOKED_AT - len(self.start))):
            self.start += piece
        self._left, self._taken = self.start, False
        self.header: Any = None
        self.reader: Any = None

    def take(self) -> Self:
        """Itself, for the one who reads it.

        Raises:
            InputError: it has been taken before.
        """
        if self._taken:
            raise _once(self._path)
        self._taken = True
        return self

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what there is, the first bytes first."""
        piece = self._left[: len(buffer)] or os.read(self._source, len(buffer))
        self._left = self._left[len(piece) :]
        self.tail = (self.tail + piece)[-_TAIL:]
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        """Close it."""
        if not self.closed:
            os.close(self._source)
        super().close()

    def feed(self, into: int) -> None:
        """Write all that is left into a file, and close both; where nobody reads any more, it ends."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPIPE})
        with suppress(OSError), self, open(into, "wb") as target:
            shutil.copyfileobj(self, target, _PIECE)


_PIPES: dict[str, Pipe] = {}
"""The pipes that have been looked at, by their places."""


def pipe_at(path: Path) -> Pipe | None:
    """The pipe at a path; None for a file.

    Raises:
        InputError: it is a terminal.
    """
    if not is_pipe(path):
        return None
    if (place := place_of(path)) not in _PIPES:
        _PIPES[place] = Pipe(path)
    return _PIPES[place]


@contextmanager
def named(path: Path) -> Iterator[str]:
    """The name by which htslib opens a file in this block; a pipe has one once.

    Raises:
        InputError: it is a pipe that has been read before, or a terminal.
    """
    pipe = pipe_at(path)
    if pipe is None:
        yield str(path)
        return
    pipe.take()
    out, into = os.pipe()
    # Whoever opens it looks at the first bytes, and holds Python's lock while it waits for them.
    os.write(into, pipe.read(len(pipe.start)) or b"")
    Thread(target=pipe.feed, args=(into,), daemon=True).start()
    try:
        yield f"/dev/fd/{out}"
    finally:
        os.close(out)
