"""The line along which a pass lies on its draft, which the band of the hidden Markov model follows (compiled)."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.edits.error_counts import LONGEST_INSERTION
from deepconsensus_py.pacbio.molecule import Pass

LONGEST_STEP = 9
"""Bases by which a smoothed line may move at one draft base; only at the ends of bad passes would it move more."""

_SMOOTHED = 9
"""Template bases over which the line is averaged, so that an insertion or deletion lies within the band."""

_Integers = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """Which bases of a pass the model reads, and how many of them before each draft base.

    Attributes:
        start: draft position of the first covered base.
        bases: ``int32[n]`` positions in the pass: its aligned part, long insertions shortened.
        read: ``int32[covered + 1]`` how many of these come before each covered draft base; 0 at first and ``n`` at
            last.
    """

    start: int
    bases: NDArray[np.int32]
    read: NDArray[np.int32]


def line_of(p: Pass) -> Line:
    """The line along which a pass lies on its draft."""
    assert p.alignment is not None
    a = p.alignment
    on_draft = int(a.lengths @ cigar.ON_DRAFT[a.operations])
    bases, read = np.empty(len(p.bases), np.int32), np.empty(on_draft + 1, np.int32)
    count = _trace(a.operations, a.lengths, bases, read)
    return Line(a.start, bases[:count], read)


def within(line: Line, kept: NDArray[np.bool_]) -> Line:
    """The line along which a pass lies on some bases of its draft, laid end to end; smoothed for a band to follow.

    Args:
        line: as ``line_of`` gives it.
        kept: ``bool[n]`` of the draft.
    """
    return Line(line.start, *_within(line.start, line.bases, line.read, kept))


@njit(cache=True, nogil=True)
def _within(start: int, bases: _Integers, read: _Integers, kept: NDArray[np.bool_]) -> tuple[_Integers, _Integers]:
    own, before = np.empty(len(bases), np.int32), np.empty(len(read), np.int32)
    count = column = 0
    for j in range(len(read) - 1):
        if kept[start + j]:
            before[column] = count
            column += 1
            for i in range(read[j], read[j + 1]):
                own[count] = bases[i]
                count += 1
    before[column] = count
    return own[:count], _smooth(before[: column + 1])


@njit(cache=True, nogil=True)
def _smooth(read: _Integers) -> _Integers:
    """A running mean that starts and ends where the line does."""
    half, last = _SMOOTHED // 2, len(read) - 1
    smooth = np.empty_like(read)
    total = half
    for j in range(-half, half + 1):
        total += read[min(max(j, 0), last)]
    for j in range(last + 1):
        smooth[j] = total // _SMOOTHED
        total += read[min(j + half + 1, last)] - read[max(j - half, 0)]
    smooth[0], smooth[-1] = read[0], read[-1]
    for j in range(last):
        if smooth[j + 1] - smooth[j] > LONGEST_STEP:
            return read
    return smooth


@njit(cache=True, nogil=True)
def _trace(
    operations: NDArray[np.uint8], lengths: NDArray[np.int32], bases: NDArray[np.int32], read: NDArray[np.int32]
) -> int:
    half = LONGEST_INSERTION // 2
    position = count = column = 0
    for k in range(len(operations)):
        code, length = operations[k], lengths[k]
        if not cigar.ON_PASS[code]:
            length *= cigar.ON_DRAFT[code]
            read[column : column + length] = count
            column += length
        elif code == cigar.INSERTION:
            for i in range(length):
                if i < half or i >= length - half:
                    bases[count] = position + i
                    count += 1
            position += length
        elif code == cigar.SOFT_CLIP:
            position += length
        else:
            for _ in range(length):
                read[column] = count
                bases[count] = position
                column, count, position = column + 1, count + 1, position + 1
    read[column] = count
    return count
