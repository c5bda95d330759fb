"""Overlaps of many reads on disk: found in any order, read back by the number of a read."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.files import writing
from deepconsensus_py.overlaps.overlap import Overlap

ROW = np.dtype(
    [
        ("start", "i4"),
        ("stop", "i4"),
        ("other", "i4"),
        ("other_start", "i4"),
        ("other_stop", "i4"),
        ("reverse", "?"),
        ("equal", "i4"),
    ]
)
"""The fields of an ``Overlap``, in their order."""

_OF_READ = np.dtype([("read", "i4"), *((name, ROW[name]) for name in ROW.names or ())])
"""A row with the number of its read."""

_BUCKET = 1 << 12
"""Reads whose overlaps are sorted at a time."""

_WAITING = 1 << 17
"""Rows in memory before they are written."""

_SAME = 500
"""Bases by which the ends of one overlap differ when it was found from both sides."""

_LIKENESS = (
    ("read", 0),
    ("other", 0),
    ("reverse", 0),
    *((name, _SAME) for name in ("start", "stop", "other_start", "other_stop")),
)
"""Most difference of each field between rows that say the same."""

Rows = NDArray[np.void]


def as_overlaps(rows: Rows) -> list[Overlap]:
    """The overlaps of a table's rows."""
    return [Overlap(*row) for row in rows.tolist()]


class OverlapTable:
    """The overlaps of reads, the best first.

    Attributes:
        found: overlaps that were found.
        dropped: of a read's overlaps, those beyond the most that were asked for.

    Args:
        path: of the rows, in the order of the reads.
        counts: ``int64[n]`` rows of each read.
    """

    def __init__(self, path: Path, counts: NDArray[np.int64], found: int, dropped: int) -> None:
        self._path, self._starts = path, np.concatenate([[0], np.cumsum(counts)])
        self.found, self.dropped = found, dropped
        self._file = path.open("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def of(self, number: int) -> Rows:
        """The overlaps of a read."""
        start, stop = self._starts[number : number + 2].tolist()
        return np.frombuffer(os.pread(self._file.fileno(), (stop - start) * ROW.itemsize, start * ROW.itemsize), ROW)

    def neighbours(self, number: int) -> NDArray[np.int64]:
        """The reads that overlap with a read, the best first."""
        return self.of(number)["other"].astype(np.int64)


class TableWriter:
    """Collects overlaps, of pairs of reads in any order.

    Args:
        folder: for the files.
        reads: number of reads.
    """

    def __init__(self, folder: Path, reads: int) -> None:
        self._folder, self._reads = folder, reads
        self._waiting: list[tuple[int, ...]] = []
        self._buckets = -(-reads // _BUCKET)
        for bucket in range(self._buckets):
            self._part(bucket).unlink(missing_ok=True)

    def add(self, number: int, overlap: Overlap) -> None:
        """Add an overlap of a read, and so one of the other read.

        Raises:
            OutputError: the rows cannot be written.
        """
        other = overlap.of_other(number)
        self._waiting += [(number, *_fields(overlap)), (overlap.other, *_fields(other))]
        if len(self._waiting) >= _WAITING:
            self._write()

    def finish(self, most: int) -> OverlapTable:
        """The table of all that was added.

        Args:
            most: overlaps of a read that are kept, those with the most equal bases.

        Raises:
            OutputError: the rows cannot be written.
        """
        self._write()
        counts, found, dropped = np.zeros(self._reads, np.int64), 0, 0
        path = self._folder / "piece-overlaps"
        with writing(path), path.open("wb") as file:
            for bucket in range(self._buckets):
                part = self._part(bucket)
                if not part.exists():
                    continue
                rows = _distinct(np.fromfile(part, _OF_READ))
                kept = _best(rows, most)
                found, dropped = found + len(rows), dropped + len(rows) - len(kept)
                counts += np.bincount(kept["read"], minlength=self._reads)
                kept[list(ROW.names or ())].astype(ROW).tofile(file)
                part.unlink()
        return OverlapTable(path, counts, found // 2, dropped)

    def _part(self, bucket: int) -> Path:
        return self._folder / f"piece-overlaps-{bucket}"

    def _write(self) -> None:
        rows = np.array(self._waiting, _OF_READ)
        self._waiting = []
        buckets = rows["read"] // _BUCKET
        with writing(self._folder):
            for bucket in np.unique(buckets).tolist():
                with self._part(bucket).open("ab") as file:
                    rows[buckets == bucket].tofile(file)


def table_of(overlaps: Iterable[tuple[int, Overlap]], folder: Path, reads: int, most: int) -> OverlapTable:
    """A table of overlaps, each with the number of its read; see ``TableWriter``."""
    writer = TableWriter(folder, reads)
    for number, overlap in overlaps:
        writer.add(number, overlap)
    return writer.finish(most)


def _fields(overlap: Overlap) -> tuple[int, ...]:
    return (
        overlap.start,
        overlap.stop,
        overlap.other,
        overlap.other_start,
        overlap.other_stop,
        overlap.reverse,
        overlap.equal,
    )


def _distinct(rows: Rows) -> Rows:
    """The rows without those that another one says again: minimap2 may have been run on both orders of a pair."""
    rows = rows[np.lexsort((-rows["equal"], rows["start"], rows["reverse"], rows["other"], rows["read"]))]
    same = np.ones(len(rows), np.bool_)
    same[:1] = False
    for name, most in _LIKENESS:
        same &= np.abs(np.diff(rows[name].astype(np.int64), prepend=-1)) <= most
    return rows[~same]


def _best(rows: Rows, most: int) -> Rows:
    rows = rows[np.lexsort((rows["start"], rows["other"], -rows["equal"], rows["read"]))]
    first = np.flatnonzero(np.diff(rows["read"], prepend=-1))
    rank = np.arange(len(rows)) - np.repeat(first, np.diff(np.append(first, len(rows))))
    return rows[rank < most]
