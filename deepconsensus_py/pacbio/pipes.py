"""Input that can be read only once: standard input and pipes, accepted where reading once is enough.

Their first bytes are read to detect the format, and kept for the reader.
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
"""Bytes read from the start of an input to detect its format."""

_PIECE = 1 << 20
_TAIL = 28
"""Bytes kept from the end of a pipe: the size of the end-of-file block of BAM."""


def require_rereadable(path: Path) -> None:
    """Refuse input that can be read only once, where it is read more than once.

    Raises:
        InputError: it is a pipe, a terminal, or ``-``.
    """
    if is_pipe(path):
        raise _once(path)


def is_pipe(path: Path) -> bool:
    """Whether an input can be read only once: a pipe, a terminal, or ``-`` for standard input."""
    if str(path) == STANDARD_INPUT:
        return True
    mode = 0
    with suppress(OSError):
        mode = path.stat().st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or (stat.S_ISCHR(mode) and str(path) != os.devnull)


def called(path: Path) -> str:
    """The name of an input in messages."""
    return "standard input" if str(path) == STANDARD_INPUT else str(path)


def _once(path: Path) -> InputError:
    subject = called(path) if str(path) == STANDARD_INPUT else f"{path}: is a pipe, which"
    return InputError(f"{subject} can be read only once; write it to a file and give that file")


def place_of(path: Path) -> str:
    """The real path of an input, by which two names of one input are recognized."""
    return os.path.realpath("/dev/stdin" if str(path) == STANDARD_INPUT else path)


class Pipe(io.RawIOBase):
    """Input that can be read only once, after its format was detected.

    Attributes:
        start: the first bytes.
        tail: the last bytes read so far.
        header: of its records, once it has been read.
        reader: the reader that has read the header and will read the records, until it is taken.
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
        """Claim the pipe for its only reader.

        Raises:
            InputError: it was claimed before.
        """
        if self._taken:
            raise _once(self._path)
        self._taken = True
        return self

    def readable(self) -> bool:
        """Always True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read available bytes, the kept ones first."""
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
        """Copy the rest to a file and close both; stop early if the other end is closed."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPIPE})
        with suppress(OSError), self, open(into, "wb") as target:
            shutil.copyfileobj(self, target, _PIECE)


_PIPES: dict[str, Pipe] = {}
"""Open pipes, by real path."""


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
    """A name by which htslib can open a file within the block; only once for a pipe.

    Raises:
        InputError: it is a pipe that has been read before, or a terminal.
    """
    pipe = pipe_at(path)
    if pipe is None:
        yield str(path)
        return
    pipe.take()
    out, into = os.pipe()
    # htslib reads the first bytes when it opens the file, holding Python's lock while it waits for them.
    os.write(into, pipe.read(len(pipe.start)) or b"")
    Thread(target=pipe.feed, args=(into,), daemon=True).start()
    try:
        yield f"/dev/fd/{out}"
    finally:
        os.close(out)
