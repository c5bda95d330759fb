"""Which runs of a draft have candidate edits, by the alignments of its passes alone: only these are worth scoring.

Of ten passes one or two err at any place, but they err in different ways. An edit that the pass likelihoods ask for
shows in the alignments of a good share of the passes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from deepconsensus_py.edits.aligned_pass import DELETION, INSERTION, AlignedPass
from deepconsensus_py.edits.repeats import Repeats
from deepconsensus_py.pacbio.molecule import N

SHARE = 0.25
"""Of the passes that cover a run: as many must support the same change of it (what that misses: hmm.md)."""

_SHORTER = 0
"""Kind of change in the place of the base code that other kinds put in."""

_LATEST, _ONE_MORE = 0xFFFF, 0x10000
"""Of a count: the latest pass that was counted, in its lower half; one pass more, in its upper half."""

_Counts = tuple[NDArray[np.uint32], NDArray[np.bool_]]
"""Counts of each run and kind of change; whether this pass deviates from each run."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Which runs of a draft have candidate edits.

    Attributes:
        runs: ``bool[runs]`` whether enough passes support the same change.
        deviates: ``bool[passes, runs]`` which passes do not read the run as it stands in the draft.
    """

    runs: NDArray[np.bool_]
    deviates: NDArray[np.bool_]


def find_candidates(repeats: Repeats, passes: Sequence[AlignedPass], share: float = SHARE) -> Candidates:
    """Count the passes that support a change of each run.

    A pass that lacks a base of a run, or reads another in its place, supports a shorter one. A base that it reads in
    the place of another or inserts supports that letter in the runs next to it.

    Args:
        repeats: the draft.
        passes: aligned to it.
        share: of the passes that cover a run, which must support the same change; 0 takes all runs.
    """
    count, run_of = len(repeats.runs), repeats.run_of
    support = np.zeros((count, N + 1), np.uint32)
    deviates = np.zeros((len(passes), count), np.bool_)
    covering = np.zeros(count + 1, np.int64)
    for number, p in enumerate(passes):
        found = p.differences
        _count((found.kind, found.place, found.letter), run_of, number + 1, (support, deviates[number]))
        covering[run_of[p.start]] += 1
        covering[run_of[p.stop - 1] + 1] -= 1
    needed = np.maximum(1, np.ceil(share * np.cumsum(covering[:-1])))
    runs = (support >> 16 >= needed[:, None]).any(axis=1) if share else np.ones(count, np.bool_)
    return Candidates(runs, deviates)


@njit(cache=True, nogil=True)
def _count(
    differences: tuple[NDArray[np.uint8], NDArray[np.int32], NDArray[np.uint8]],
    run_of: NDArray[np.int32],
    number: int,
    counts: _Counts,
) -> None:
    """Count what one pass supports, each change once."""
    kinds, places, letters = differences
    support, deviates = counts
    for k in range(len(kinds)):
        place = places[k]
        if kinds[k] != INSERTION:
            _add(support, deviates, run_of[place], _SHORTER, number)
        if kinds[k] != DELETION:
            # A substitution may be the letter of the base before or behind; an insertion has two bases before it.
            first = place - 2 if kinds[k] == INSERTION else place - 1
            for near in range(max(first, 0), min(place + 2, len(run_of))):
                _add(support, deviates, run_of[near], letters[k], number)


@njit(cache=True, nogil=True, inline="always")
def _add(support: NDArray[np.uint32], deviates: NDArray[np.bool_], run: int, kind: int, number: int) -> None:
    deviates[run] = True
    if support[run, kind] & _LATEST != number:
        support[run, kind] = (support[run, kind] & ~_LATEST) + _ONE_MORE + number
