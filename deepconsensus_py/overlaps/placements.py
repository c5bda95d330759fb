"""Overlaps of reads that are aligned to one reference: their places there tell them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.overlaps.located import UNPLACED, PlacedRead
from deepconsensus_py.overlaps.overlap import SHORTEST, Overlap

Ints = NDArray[np.int64]


class Placements:
    """Where reads are aligned to a reference, in its order.

    Args:
        rows: ``located.ROW[n]``, sorted by reference and start; those that are not aligned are the last.
        most: overlaps of a read, the longest first.
    """

    def __init__(self, rows: NDArray[np.void], most: int) -> None:
        self._most = most
        placed = int((rows["reference"] != UNPLACED).sum())
        self._references, self._starts, self._stops = (rows[name][:placed] for name in ("reference", "start", "stop"))
        self._longest = int((self._stops - self._starts).max(initial=0))

    def neighbours(self, number: int) -> Ints:
        """The reads that share ``SHORTEST`` bases of the reference with a read or more, those that share most first."""
        if number >= len(self._starts):
            return np.empty(0, np.int64)
        start, stop = int(self._starts[number]), int(self._stops[number])
        own = (
            np.searchsorted(self._references, self._references[number], "left"),
            np.searchsorted(self._references, self._references[number], "right"),
        )
        edges = np.searchsorted(self._starts[slice(*own)], (start - self._longest, stop - SHORTEST + 1)) + own[0]
        first, last = edges.tolist()
        shared = np.minimum(self._stops[first:last], stop) - np.maximum(self._starts[first:last], start)
        shared[number - first : number - first + 1] = 0
        others = np.flatnonzero(shared >= SHORTEST)
        best: Ints = others[np.argsort(-shared[others], kind="stable")][: self._most].astype(np.int64) + first
        return best


class Columns:
    """The stretches of a read that are aligned to a reference without gaps.

    Attributes:
        starts: positions in the reference.
        stops: one past the last ones.
        reverse: whether the read is of the opposite strand.

    Args:
        read: an aligned one.
    """

    def __init__(self, read: PlacedRead) -> None:
        alignment = read.alignment
        assert alignment is not None
        on_read, on_reference = cigar.ON_PASS[alignment.operations], cigar.ON_DRAFT[alignment.operations]
        lengths = alignment.lengths.astype(np.int64)
        paired = on_read & on_reference
        self.starts = (alignment.start + np.cumsum(lengths * on_reference) - lengths)[paired]
        self.stops = self.starts + lengths[paired]
        self._in_read = (np.cumsum(lengths * on_read) - lengths)[paired]
        self._length, self.reverse = len(read.draft.bases), read.reverse

    def shared(self, other: "Columns") -> tuple[int, int]:
        """First and last position, exclusive, of the reference at which both have a base."""
        start, stop = max(self.starts[0], other.starts[0]), min(self.stops[-1], other.stops[-1])
        while (later := max(self._next(start), other._next(start))) > start:
            start = later
        while (earlier := min(self._last(stop), other._last(stop))) < stop:
            stop = earlier
        return int(start), int(stop)

    def _next(self, position: int) -> int:
        at = np.searchsorted(self.stops, position, "right")
        return max(position, self.starts[at]) if at < len(self.starts) else position

    def _last(self, position: int) -> int:
        at = np.searchsorted(self.starts, position, "left") - 1
        return min(position, self.stops[at]) if at >= 0 else position

    def between(self, start: int, stop: int) -> tuple[int, int]:
        """The stretch of the read, as it was sequenced, of two positions that it has bases at."""
        first = np.searchsorted(self.starts, start, "right") - 1
        last = np.searchsorted(self.starts, stop, "left") - 1
        begin = int(self._in_read[first] + start - self.starts[first])
        end = int(self._in_read[last] + stop - self.starts[last])
        return (self._length - end, self._length - begin) if self.reverse else (begin, end)


def placed_overlaps(reads: Sequence[Columns | None], number: int, others: Ints) -> list[Overlap]:
    """The overlaps of a read with others, from base pairs to base pairs that both have with the reference.

    Args:
        reads: all of them; None for one that is not aligned, or damaged.
        number: of the read.
        others: that it shares a part of the reference with.
    """
    found = list[Overlap]()
    for other in others.tolist():
        own, its = reads[number], reads[other]
        if own is None or its is None:
            continue
        start, stop = own.shared(its)
        if stop - start >= SHORTEST:
            reverse = own.reverse != its.reverse
            (first, last), (its_first, its_last) = own.between(start, stop), its.between(start, stop)
            found.append(Overlap(first, last, other, its_first, its_last, reverse, stop - start))
    return found
