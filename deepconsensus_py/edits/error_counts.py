"""Errors of aligned passes, counted (compiled)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from deepconsensus_py.edits.aligned_pass import DELETION, SUBSTITUTION, AlignedPass
from deepconsensus_py.edits.repeats import RUN_CLASSES, Repeats
from deepconsensus_py.pacbio.molecule import N

_CODES = N + 1


@dataclass(frozen=True, slots=True, eq=False)
class ErrorCounts:
    """What passes do at draft bases, by base code and class of run length.

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


def count_errors(passes: Sequence[AlignedPass], repeats: Repeats) -> ErrorCounts:
    """Count the errors of passes.

    Args:
        passes: aligned to the draft.
        repeats: the draft.
    """
    misread, foreign = np.zeros((_CODES, _CODES)), np.zeros(_CODES)
    deleted, cognate = np.zeros((2, _CODES, RUN_CLASSES))
    draft, classes = repeats.bases, repeats.length_class
    depth = np.zeros(len(draft) + 1)
    for p in passes:
        found = p.differences
        _count((found.kind, found.place, found.letter), (draft, classes), (misread, deleted, cognate, foreign))
        depth[p.start] += 1
        depth[p.stop] -= 1
    kind = draft.astype(np.int64) * RUN_CLASSES + classes
    counts = np.bincount(kind, np.cumsum(depth[:-1]), minlength=deleted.size)
    covered = counts.astype(np.float64).reshape(deleted.shape)
    read_well = covered.sum(axis=1) - deleted.sum(axis=1) - misread.sum(axis=1)
    return ErrorCounts(misread + np.diag(read_well), covered, deleted, cognate, foreign)


@njit(cache=True, nogil=True)
def _count(
    differences: tuple[NDArray[np.uint8], NDArray[np.int32], NDArray[np.uint8]],
    template: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    counts: tuple[NDArray[np.float64], ...],
) -> None:
    kinds, places, letters = differences
    draft, classes = template
    misread, deleted, cognate, foreign = counts
    for k in range(len(kinds)):
        place, letter = places[k], letters[k]
        if kinds[k] == SUBSTITUTION:
            misread[draft[place], letter] += 1
        elif kinds[k] == DELETION:
            deleted[draft[place], classes[place]] += 1
        else:
            # A base like both neighbours counts for the one behind it: gaps are left-normalised.
            before, after = max(place - 1, 0), min(place, len(draft) - 1)
            if letter == draft[after]:
                cognate[letter, classes[after]] += 1
            elif letter == draft[before]:
                cognate[letter, classes[before]] += 1
            else:
                foreign[letter] += 1
