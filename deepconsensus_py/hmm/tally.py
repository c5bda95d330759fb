"""Alignments as the hidden Markov model needs them: counted errors, and the line that the band follows."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.pacbio.molecule import N, Pass
from deepconsensus_py.runs.homopolymers import find_runs

RUN_CLASSES = 5
"""Run lengths with rates of their own: 1, 2, 3, 4, and 5 or more."""

LONGEST_INSERTION = 6
"""Bases; of longer insertions the first and the last three are kept: what else they are, they are not single errors."""

LONGEST_STEP = 9
"""Bases by which a smoothed line may move at one draft base; only at the ends of bad passes would it move more."""

_SMOOTHED = 9
"""Template bases over which the line is averaged, so that an insertion or deletion lies within the band."""

_CODES = N + 1


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Counts of what passes do at draft bases, by base code and run length class.

    Attributes:
        pairs: ``float64[6, 6]`` draft base (row) read as (column).
        covered: ``float64[6, classes]`` draft bases that passes cover.
        deleted: ``float64[6, classes]`` those not read.
        cognate: ``float64[6, classes]`` inserted bases equal to the neighbour in the draft, by that neighbour.
        foreign: ``float64[6]`` inserted bases that equal none, by their own code.
    """

    pairs: NDArray[np.float64]
    covered: NDArray[np.float64]
    deleted: NDArray[np.float64]
    cognate: NDArray[np.float64]
    foreign: NDArray[np.float64]

    @classmethod
    def empty(cls) -> "Tally":
        """Nothing counted yet."""
        covered, deleted, cognate = np.zeros((3, _CODES, RUN_CLASSES))
        return cls(np.zeros((_CODES, _CODES)), covered, deleted, cognate, np.zeros(_CODES))


def class_of_bases(bases: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The class ``uint8[n]``, 0 to ``RUN_CLASSES - 1``, of the run that each base is in."""
    length = find_runs(bases).length
    return np.repeat(np.minimum(length, RUN_CLASSES) - 1, length).astype(np.uint8)


def tally_pass(p: Pass, draft: NDArray[np.uint8], classes: NDArray[np.uint8], tally: Tally) -> None:
    """Add the errors of a pass.

    Args:
        p: aligned to the draft.
        draft: ``uint8[n]`` base codes.
        classes: ``uint8[n]`` run length class of each base.
        tally: is added to.
    """
    assert p.alignment is not None
    a = p.alignment
    counts = (tally.pairs, tally.covered, tally.deleted, tally.cognate, tally.foreign)
    _tally((a.operations, a.lengths, a.start), p.bases, (draft, classes), counts)


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
    steps = np.diff(line.read)
    own = kept[line.start : line.start + len(steps)]
    read = np.append(0, np.cumsum(steps[own])).astype(np.int32)
    return Line(line.start, line.bases[np.repeat(own, steps)], _smooth(read))


def _smooth(read: NDArray[np.int32]) -> NDArray[np.int32]:
    """A running mean that starts and ends where the line does."""
    half = _SMOOTHED // 2
    sums = np.cumsum(np.pad(read, (half + 1, half), mode="edge"), dtype=np.int64)
    sums -= sums[0]
    smooth = ((sums[_SMOOTHED:] - sums[:-_SMOOTHED] + half) // _SMOOTHED).astype(np.int32)
    smooth[0], smooth[-1] = read[0], read[-1]
    return smooth if np.diff(smooth).max(initial=0) <= LONGEST_STEP else read


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


@njit(cache=True, nogil=True)
def _tally(
    alignment: tuple[NDArray[np.uint8], NDArray[np.int32], int],
    bases: NDArray[np.uint8],
    template: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    counts: tuple[NDArray[np.float64], ...],
) -> None:
    operations, lengths, column = alignment
    draft, classes = template
    pairs, covered, deleted, cognate, foreign = counts
    position = 0
    for k in range(len(operations)):
        code, length = operations[k], lengths[k]
        if code == cigar.INSERTION:
            inserted = bases[position : position + length]
            _tally_insertion(inserted, max(column - 1, 0), min(column, len(draft) - 1), template, (cognate, foreign))
        elif cigar.ON_DRAFT[code]:
            for j in range(length):
                base, run_class = draft[column + j], classes[column + j]
                covered[base, run_class] += 1
                if cigar.ON_PASS[code]:
                    pairs[base, bases[position + j]] += 1
                else:
                    deleted[base, run_class] += 1
            column += length
        if cigar.ON_PASS[code]:
            position += length


@njit(cache=True, nogil=True)
def _tally_insertion(
    inserted: NDArray[np.uint8],
    before: int,
    after: int,
    template: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    counts: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    draft, classes = template
    cognate, foreign = counts
    half = LONGEST_INSERTION // 2
    for i in range(len(inserted)):
        letter = inserted[i]
        if half <= i < len(inserted) - half:
            continue
        if letter == draft[after]:
            cognate[letter, classes[after]] += 1
        elif letter == draft[before]:
            cognate[letter, classes[before]] += 1
        else:
            foreign[letter] += 1
