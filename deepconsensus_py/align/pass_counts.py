"""What passes read otherwise than the sequence that they are aligned to, counted by position (compiled)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.kernels import kernel
from deepconsensus_py.pacbio.molecule import N, Pass

WIDTH = 5
"""Draft bases of a window: outside of repeats, alignments put a gap within two bases of its place."""

SHORT_GAP = 5
"""Bases from which on a gap is no pass's usual error, and does not count in a pass's rates."""

_LEAST_VARIANCE = 0.02
_ON_PASS, _ON_DRAFT = cigar.ON_PASS.astype(np.int64), cigar.ON_DRAFT.astype(np.int64)
_INSERTION, _SOFT_CLIP = cigar.INSERTION, cigar.SOFT_CLIP

_Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class PassCounts:
    """What passes read: by position of the draft, and by gap before a position.

    Attributes:
        draft: base codes.
        covering: ``int64[n + 1]`` passes that cover each position, and none at the end.
        other: ``int64[n, 6]`` passes that read a base otherwise, by base code.
        inserted: ``int64[n + 1, 6]`` passes that insert a letter unlike both neighbours, by base code.
        gained: ``int32[passes, n + 2]`` bases inserted before each gap, summed from the left.
        lost: ``int32[passes, n + 1]`` bases deleted before each position, likewise.
        start, stop: ``int64[passes]`` stretch of the draft that each covers.
        drift: ``float64[passes]`` bases by which usual errors make a pass longer, for each base of the draft.
        variance: ``float64[passes]`` of that, likewise.
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
        """Draft bases that all passes cover together."""
        return max(1, int((self.stop - self.start).sum()))


def count_differences(draft: NDArray[np.uint8], passes: Sequence[Pass]) -> PassCounts:
    """Count what passes read otherwise than a draft.

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
        np.cumsum(gained, axis=1, dtype=np.int32),
        np.cumsum(lost, axis=1, dtype=np.int32),
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
    """Count what one pass reads; gives the position behind its last base. Sums are still to be made of ``own``."""
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
            # Summed up, the bases of a gap count from the position behind it on.
            gained[column + 1] += length
            _count_letters(bases[position : position + length], draft, column, inserted)
        elif on_draft:
            lost[column + 1 : column + length + 1] += 1
        if on_pass != on_draft and operations[k] != _SOFT_CLIP and length < SHORT_GAP:
            sums[0] += length * (on_pass - on_draft)
            sums[1] += length * length
        position += length * on_pass
        column += length * on_draft
    return column


@kernel
def _count_letters(new: NDArray[np.uint8], draft: NDArray[np.uint8], gap: int, inserted: _Integers) -> None:
    """Count the letters of an insertion that neither neighbour has, each once."""
    for i in range(len(new)):
        before = draft[gap - 1] if gap > 0 else 0
        behind = draft[gap] if gap < len(draft) else 0
        if new[i] != before and new[i] != behind and not (new[:i] == new[i]).any():
            inserted[gap, new[i]] += 1


def lengths_between(counts: PassCounts, start: int, stop: int) -> tuple[NDArray[np.int32], NDArray[Any], NDArray[Any]]:
    """Of the passes that span a stretch: bases by which they are longer there, their drift and its variance."""
    spanning = (counts.start < start) & (counts.stop > stop)
    # Gaps at both ends count.
    gained = counts.gained[spanning, stop + 1] - counts.gained[spanning, start]
    difference = gained - (counts.lost[spanning, stop] - counts.lost[spanning, start])
    return difference, counts.drift[spanning], counts.variance[spanning]


@kernel
def bases_before(operations: NDArray[np.uint8], lengths: NDArray[np.int32], start: int, column: int) -> int:
    """Bases of a pass before those that are aligned to a position of the draft, or inserted in front of it."""
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
    """Of windows by their first position: passes that are longer and that are shorter there, and all that span them."""
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
