"""Errors of aligned passes, counted (compiled)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.edits.repeats import find_runs
from deepconsensus_py.pacbio.molecule import N, Pass

RUN_CLASSES = 5
"""Run lengths with rates of their own: 1, 2, 3, 4, and 5 or more."""

LONGEST_INSERTION = 6
"""Bases; of longer insertions the first and the last three are kept: what else they are, they are not single errors."""
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


def class_of_bases(bases: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The class ``uint8[n]``, 0 to ``RUN_CLASSES - 1``, of the run that each base is in."""
    length = find_runs(bases).length
    return np.repeat(np.minimum(length, RUN_CLASSES) - 1, length).astype(np.uint8)


def tally_passes(passes: Sequence[Pass], draft: NDArray[np.uint8], classes: NDArray[np.uint8]) -> Tally:
    """Count the errors of passes.

    Args:
        passes: aligned to the draft.
        draft: ``uint8[n]`` base codes.
        classes: ``uint8[n]`` run length class of each base.
    """
    misread, foreign = np.zeros((_CODES, _CODES)), np.zeros(_CODES)
    deleted, cognate = np.zeros((2, _CODES, RUN_CLASSES))
    depth = np.zeros(len(draft) + 1)
    for p in passes:
        assert p.alignment is not None
        a = p.alignment
        end = _tally(
            (a.operations, a.lengths, a.start), p.bases, (draft, classes), (misread, deleted, cognate, foreign)
        )
        depth[a.start] += 1
        depth[end] -= 1
    kind = draft.astype(np.int64) * RUN_CLASSES + classes
    counts = np.bincount(kind, np.cumsum(depth[:-1]), minlength=deleted.size)
    covered = counts.astype(np.float64).reshape(deleted.shape)
    read_well = covered.sum(axis=1) - deleted.sum(axis=1) - misread.sum(axis=1)
    return Tally(misread + np.diag(read_well), covered, deleted, cognate, foreign)


@njit(cache=True, nogil=True)
def _tally(
    alignment: tuple[NDArray[np.uint8], NDArray[np.int32], int],
    bases: NDArray[np.uint8],
    template: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    counts: tuple[NDArray[np.float64], ...],
) -> int:
    """Count what differs; gives the draft position behind the last base."""
    operations, lengths, column = alignment
    draft, classes = template
    misread, deleted, cognate, foreign = counts
    position = 0
    for k in range(len(operations)):
        code, length = operations[k], lengths[k]
        if code == cigar.INSERTION:
            inserted = bases[position : position + length]
            _tally_insertion(inserted, max(column - 1, 0), min(column, len(draft) - 1), template, (cognate, foreign))
        elif cigar.ON_DRAFT[code]:
            for j in range(length if code != cigar.EQUAL else 0):
                base = draft[column + j]
                if not cigar.ON_PASS[code]:
                    deleted[base, classes[column + j]] += 1
                elif bases[position + j] != base:
                    misread[base, bases[position + j]] += 1
            column += length
        if cigar.ON_PASS[code]:
            position += length
    return column


@njit(cache=True, nogil=True, inline="always")
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
