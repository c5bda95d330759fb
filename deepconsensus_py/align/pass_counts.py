"""Differences of passes from the sequence that they are aligned to, counted by position (compiled).

Cumulative sums of inserted and deleted bases give the length difference of any pass in any window with two look-ups.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.kernels import kernel
from deepconsensus_py.pacbio.molecule import N, Pass

WIDTH = 5
"""Draft bases of a window: outside of repeats, alignments place a gap within two bases of its true position."""

SHORT_GAP = 5
"""Gaps of this many bases or more are not sequencing errors, and are ignored in a pass's rates."""

_LEAST_VARIANCE = 0.02
_ON_PASS, _ON_DRAFT = cigar.ON_PASS.astype(np.int64), cigar.ON_DRAFT.astype(np.int64)
_INSERTION, _SOFT_CLIP = cigar.INSERTION, cigar.SOFT_CLIP

_Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class PassCounts:
    """Differences of all passes, by draft position, or by the gap before a position.

    Attributes:
        draft: base codes.
        covering: ``int64[n + 1]`` passes that cover each position; 0 at the end.
        other: ``int64[n, 6]`` passes with a mismatch, by base code.
        inserted: ``int64[n + 1, 6]`` passes that insert a base unlike both neighbours, by base code.
        gained: ``int32[passes, n + 2]`` cumulative inserted bases before each gap.
        lost: ``int32[passes, n + 1]`` cumulative deleted bases before each position.
        start, stop: ``int64[passes]`` interval of the draft that each pass covers.
        drift: ``float64[passes]`` mean length difference by sequencing errors, per draft base.
        variance: ``float64[passes]`` its variance, per draft base.
    """

    draft: NDArray[np.uint8]
    covering: _Integers
    other: _Integers
    inserted: _Integers
    gained: NDArray[np.int32]
    lost: NDArray[np.int32]
    start: _Integers
    stop: _Integers
    drift: NDArray[np.float64]
    variance: NDArray[np.float64]

    @property
    def covered(self) -> int:
        """Total draft bases covered, summed over passes."""
        return max(1, int((self.stop - self.start).sum()))


def count_differences(draft: NDArray[np.uint8], passes: Sequence[Pass]) -> PassCounts:
    """Count the differences of passes from a draft.

    Args:
        draft: ``uint8[n]`` base codes.
        passes: aligned to it.
    """
    n, count = len(draft), len(passes)
    other, inserted = np.zeros((n, N + 1), np.int64), np.zeros((n + 1, N + 1), np.int64)
    gained, lost = np.zeros((count, n + 2), np.int32), np.zeros((count, n + 1), np.int32)
    start, stop, sums = np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros((count, 2), np.float64)
    for row, p in enumerate(passes):
        assert p.alignment is not None
        a = p.alignment
        start[row] = a.start
        stop[row] = _walk(
            (a.operations, a.lengths, a.start), p.bases, draft, (other, inserted), (gained[row], lost[row], sums[row])
        )
    covering = np.zeros(n + 1, np.int64)
    np.add.at(covering, start, 1)
    np.add.at(covering, stop, -1)
    drift, squares = sums.T / np.maximum(stop - start, 1)
    return PassCounts(
        draft,
        np.cumsum(covering),
        other,
        inserted,
        gained,
        lost,
        start,
        stop,
        drift,
        np.maximum(squares, _LEAST_VARIANCE),
    )


@kernel
def _walk(
    alignment: tuple[NDArray[np.uint8], NDArray[np.int32], int],
    bases: NDArray[np.uint8],
    draft: NDArray[np.uint8],
    letters: tuple[_Integers, _Integers],
    own: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]],
) -> int:
    """Count the differences of one pass; returns the draft position after its last base."""
    operations, lengths, column = alignment
    (other, inserted), (gained, lost, sums) = letters, own
    position = 0
    for k in range(len(operations)):
        length = lengths[k]
        on_pass, on_draft = _ON_PASS[operations[k]], _ON_DRAFT[operations[k]]
        if on_pass and on_draft:
            for i in range(length):
                if bases[position + i] != draft[column + i]:
                    other[column + i, bases[position + i]] += 1
        elif operations[k] == _INSERTION:
            # Shifted by one: in the cumulative sum, an insertion before ``column`` counts from ``column + 1`` on.
            gained[column + 1] += length
            _count_letters(bases[position : position + length], draft, column, inserted)
        elif on_draft:
            lost[column + 1 : column + length + 1] += 1
        if on_pass != on_draft and operations[k] != _SOFT_CLIP and length < SHORT_GAP:
            sums[0] += length * (on_pass - on_draft)
            sums[1] += length * length
        position += length * on_pass
        column += length * on_draft
    for summed in (gained, lost):
        for k in range(1, len(summed)):
            summed[k] += summed[k - 1]
    return column


@kernel
def _count_letters(new: NDArray[np.uint8], draft: NDArray[np.uint8], gap: int, inserted: _Integers) -> None:
    """Count the bases of an insertion that differ from both neighbours, each once.

    Copies of a neighbour are homopolymer errors, which are frequent and which the models can correct.
    """
    for i in range(len(new)):
        before = draft[gap - 1] if gap > 0 else 0
        behind = draft[gap] if gap < len(draft) else 0
        if new[i] != before and new[i] != behind and not (new[:i] == new[i]).any():
            inserted[gap, new[i]] += 1


def lengths_between(counts: PassCounts, start: int, stop: int) -> tuple[NDArray[np.int32], NDArray[Any], NDArray[Any]]:
    """For the passes that span an interval: length difference in bases, drift and its variance."""
    spanning = (counts.start < start) & (counts.stop > stop)
    # Includes the gaps at both ends: an aligner may have placed an indel of the repeat there.
    gained = counts.gained[spanning, stop + 1] - counts.gained[spanning, start]
    difference = gained - (counts.lost[spanning, stop] - counts.lost[spanning, start])
    return difference, counts.drift[spanning], counts.variance[spanning]


@kernel
def find_insertions(gained: NDArray[np.int32], least: int) -> tuple[_Integers, _Integers]:
    """The insertions of ``least`` bases or more: pass and gap of each, in the order of the gaps.

    Args:
        gained: as in ``PassCounts``.
        least: bases.
    """
    rows, gaps = np.nonzero(gained[:, 1:] - gained[:, :-1] >= least)
    order = np.argsort(gaps, kind="mergesort")
    return rows[order], gaps[order]


@kernel
def bases_before(operations: NDArray[np.uint8], lengths: NDArray[np.int32], start: int, column: int) -> int:
    """Number of bases of a pass before those that are aligned to a draft position or inserted in front of it."""
    position, at = 0, start
    for k in range(len(operations)):
        on_pass, on_draft = _ON_PASS[operations[k]], _ON_DRAFT[operations[k]]
        if on_draft and at + lengths[k] >= column:
            return int(position + (column - at) * on_pass)
        position += lengths[k] * on_pass
        at += lengths[k] * on_draft
    return position


@kernel
def longer_and_shorter(
    gained: NDArray[np.int32], lost: NDArray[np.int32], start: _Integers, stop: _Integers
) -> tuple[_Integers, _Integers]:
    """For each window, by its first position: passes that are two bases longer or shorter, and passes that span it."""
    windows = max(gained.shape[1] - 2 - WIDTH, 0)
    showing, covering = np.zeros((2, windows), np.int64), np.zeros(windows, np.int64)
    for row in range(len(start)):
        for at in range(start[row] + 1, min(stop[row] - WIDTH, windows)):
            end = at + WIDTH
            difference = gained[row, end + 1] - gained[row, at] - lost[row, end] + lost[row, at]
            covering[at] += 1
            showing[0, at] += difference >= 2
            showing[1, at] += difference <= -2
    return showing, covering
