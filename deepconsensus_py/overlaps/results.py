"""Corrected reads on disk: stored block by block, written in the order of their numbers."""

import pickle
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.bam_tags import Tags
from deepconsensus_py.polishing.outputs import AppendOnlyFile, Stored
from deepconsensus_py.polishing.read import PolishedRead
from deepconsensus_py.polishing.summary import summary
from deepconsensus_py.reports.zmw import ZmwResult

NAME = "reads.store"
"""Of the file, in the work folder."""

_HEAD = struct.Struct("<qq")
"""Number of a read and bytes of what follows."""

_LEVEL = 1
"""Of compression: zlib's fastest."""


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """A read to be written.

    Attributes:
        summary: what the reports say of it.
        bases: ``uint8[n]`` base codes.
        qualities: ``uint8[n]`` Phred.
        tags: of its record.
    """

    summary: ZmwResult
    bases: NDArray[np.uint8]
    qualities: NDArray[np.uint8]
    tags: Tags

    @classmethod
    def of(cls, read: PolishedRead) -> Self:
        """What is kept of a read."""
        return cls(summary(read), read.bases, read.qualities, _tags(read) if read.passed else ())


def _tags(read: PolishedRead) -> Tags:
    """The tags of a read; one that is as it was keeps its ``rq``, whatever that was computed from."""
    draft, accuracy = read.draft, read.draft.tag("rq")
    given = draft.bases.tobytes(), b"" if draft.qualities is None else draft.qualities.tobytes()
    if accuracy is None or (read.bases.tobytes(), read.qualities.tobytes()) != given:
        return read.tags
    return tuple((tag, accuracy if tag == "rq" else value, code) for tag, value, code in read.tags)


def packed(number: int, read: PolishedRead) -> bytes:
    """An entry of the store.

    Args:
        number: of the read.
        read: as it was corrected.
    """
    data = zlib.compress(pickle.dumps(Result.of(read), 5), _LEVEL)
    return _HEAD.pack(number, len(data)) + data


class ResultStore:
    """Entries in a file that is only appended to.

    Args:
        folder: of the file.
        name: of the output, for messages.
        stored: what an earlier run has stored.

    Raises:
        InputError: the file is damaged.
        OutputError: it cannot be written.
    """

    def __init__(self, folder: Path, name: str, stored: Stored) -> None:
        self._file = AppendOnlyFile(folder / NAME, name, stored)
        self._numbers, self._starts = list[int](), list[int]()
        self._reader = (folder / NAME).open("rb")
        try:
            self._find(0)
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def __len__(self) -> int:
        """Number of entries."""
        return len(self._numbers)

    def append(self, entries: Iterable[bytes]) -> dict[str, Stored]:
        """Add entries (``packed``), safely on disk.

        Returns:
            Size and checksum of the file, by its name.

        Raises:
            OutputError: the file cannot be written.
        """
        start = self._file.stored.size
        self._file.append(b"".join(entries))
        self._file.sync()
        self._find(start)
        return {NAME: self._file.stored}

    def in_order(self) -> Iterator[Result]:
        """All reads, in the order of their numbers."""
        for entry in np.argsort(np.array(self._numbers, np.int64)).tolist():
            self._reader.seek(self._starts[entry])
            _, size = _HEAD.unpack(self._reader.read(_HEAD.size))
            result: Result = pickle.loads(zlib.decompress(self._reader.read(size)))  # noqa: S301 - of our own process
            yield result

    def _find(self, start: int) -> None:
        while start < self._file.stored.size:
            self._reader.seek(start)
            head = self._reader.read(_HEAD.size)
            if len(head) < _HEAD.size:
                raise InputError(f"{self._file.path}: is truncated; delete {self._file.path.parent} to start over")
            number, size = _HEAD.unpack(head)
            self._numbers.append(number)
            self._starts.append(start)
            start += _HEAD.size + size

    def _close(self) -> None:
        self._reader.close()
        self._file.close()
