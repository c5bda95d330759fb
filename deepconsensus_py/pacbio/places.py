"""Offsets of the records of a BAM file, from the PacBio BAM index beside it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.pbi import REMEDY, ColumnPart, PbiFile, pbi_path
from deepconsensus_py.pacbio.record_file import RecordFile

log = logging.getLogger(__name__)

HOLE_BITS = 31


def index_of(bam: Path) -> PbiFile | None:
    """The index beside a BAM file, or None if there is none; logs a warning if it is older than the file.

    Raises:
        InputError: it cannot be read.
    """
    path = pbi_path(bam)
    if not path.is_file():
        return None
    if path.stat().st_mtime < bam.stat().st_mtime:
        log.warning("%s: is older than %s; if the BAM file has changed, %s", path, bam.name, REMEDY)
    return PbiFile(path)


def misfit(pbi: PbiFile, bam: Path, why: str) -> InputError:
    """The error for an index that does not belong to its BAM file."""
    return InputError(f"{pbi.path}: does not belong to {bam} ({why}); {REMEDY}")


def require_end(pbi: PbiFile, file: RecordFile, last: int) -> None:
    """Check that an index ends where its BAM file ends.

    Args:
        pbi: the index.
        file: the BAM file; it is read to its end.
        last: virtual offset of the last record; ignored if there are no records.

    Raises:
        InputError: the file is shorter or longer than the index.
    """
    if pbi.n_records:
        if not 0 <= last >> 16 < file.path.stat().st_size:
            raise misfit(pbi, file.path, "an offset is beyond the end of the file")
        file.seek(last)
    records = iter(file)
    try:
        found = [next(records, None) is not None for _ in range(2)]
    except InputError as error:
        raise misfit(pbi, file.path, "no record at the given offset") from error
    if found != [pbi.n_records > 0, False]:
        raise misfit(pbi, file.path, f"record {pbi.n_records} is not the last one of the file")


@dataclass(frozen=True, slots=True, eq=False)
class RecordSpans:
    """Spans of consecutive records with the same read group, ZMW and reference, in file order.

    Attributes:
        groups: ``int32[spans]`` read groups, as numbers.
        holes: ``int32[spans]`` ZMW hole numbers.
        references: ``int32[spans]`` reference numbers; 0 if the file is not aligned.
        offsets: ``int64[spans]`` virtual offsets of the first records.
        sizes: ``int64[spans]`` numbers of records, unmapped ones in between included.
        last: virtual offset of the last record of the file; 0 if there is none.
    """

    groups: NDArray[np.int32]
    holes: NDArray[np.int32]
    references: NDArray[np.int32]
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]
    last: int


def read_spans(pbi: PbiFile, *, aligned: bool) -> RecordSpans:
    """The spans of a file, in memory proportional to the spans, not the records.

    Args:
        pbi: the index.
        aligned: whether only mapped records count.

    Raises:
        InputError: the index is damaged.
    """
    changes = {name: _Changes() for name in ("rgId", "holeNumber", "tId")}
    for block in pbi.blocks(changes):
        changes[block.column].add(block)
    starts = np.unique(np.concatenate([change.rows() for change in changes.values()]))
    groups, holes, references = (change.at(starts) for change in changes.values())
    ends = np.append(starts, pbi.n_records)[1:]
    if aligned:
        # Unmapped records do not split a span.
        kept = references >= 0 if "mapped" in pbi.tables else np.zeros(len(starts), bool)
        starts, ends, groups, holes, references = (part[kept] for part in (starts, ends, groups, holes, references))
    same = (np.diff(groups) == 0) & (np.diff(holes) == 0) & (np.diff(references) == 0)
    first = np.append(True, ~same)[: len(starts)]
    ends = ends[np.append(first[1:], True)[: len(ends)]]
    offsets, last = _offsets(pbi, starts[first])
    return RecordSpans(groups[first], holes[first], references[first], offsets, ends - starts[first], last)


class _Changes:
    """A column as the rows at which its value changes."""

    def __init__(self) -> None:
        self._rows: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
        self._values: list[NDArray[np.int32]] = [np.empty(0, np.int32)]
        self._latest: int | None = None

    def add(self, block: ColumnPart) -> None:
        """Add consecutive values."""
        changed = np.append(self._latest is None or block.values[0] != self._latest, np.diff(block.values) != 0)
        rows = np.flatnonzero(changed)
        self._rows.append(rows + block.start)
        self._values.append(block.values[rows])
        self._latest = int(block.values[-1])

    def rows(self) -> NDArray[np.int64]:
        """The rows at which the value changes."""
        return np.concatenate(self._rows)

    def at(self, rows: NDArray[np.int64]) -> NDArray[np.int32]:
        """The values at rows; 0 if the file lacks the column."""
        values = np.concatenate(self._values)
        if not len(values):
            return np.zeros(len(rows), np.int32)
        found: NDArray[np.int32] = values[np.searchsorted(self.rows(), rows, side="right") - 1]
        return found


def _offsets(pbi: PbiFile, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Virtual offsets at ascending rows, and that of the last record."""
    offsets = np.empty(len(rows), np.int64)
    last = 0
    for block in pbi.blocks({"fileOffset"}):
        begin, end = np.searchsorted(rows, (block.start, block.start + len(block.values)))
        offsets[begin:end] = block.values[rows[begin:end] - block.start]
        last = int(block.values[-1])
    return offsets, last


def zmw_keys(
    groups: NDArray[np.int32], holes: NDArray[np.int32], movie_at: Callable[[int], int]
) -> NDArray[np.int64] | None:
    """Movie and hole number of spans or records as one integer.

    Args:
        groups: ``int32[n]`` read groups, as numbers.
        holes: ``int32[n]`` hole numbers.
        movie_at: the movie's number of the i-th.

    Returns:
        ``int64[n]``; None if a read group has several movies, which it should not.
    """
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    last = len(groups) - 1 - np.unique(groups[::-1], return_index=True)[1]
    movies, others = (np.array([movie_at(int(i)) for i in which], np.int64) for which in (first, last))
    if (movies != others).any():
        return None
    keys: NDArray[np.int64] = movies[group] << HOLE_BITS | holes
    return keys
