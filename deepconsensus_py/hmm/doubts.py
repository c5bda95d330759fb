"""Where passes speak against their draft, by their alignments alone: only there are edits worth scoring.

Of ten passes one or two err at any place, but they err in different ways. An edit that the pass likelihoods ask for
shows in the alignments of a good share of the passes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.hmm.tally import LONGEST_INSERTION
from deepconsensus_py.pacbio.molecule import N, Pass
from deepconsensus_py.runs.homopolymers import Runs

SHARE = 0.25
"""Of the passes that cover a run: as many must speak for the same change of it (``docs/hmm.md``: what that misses)."""

_SHORTER = 0
"""Kind of change in the place of the base code that other kinds put in."""

_Counts = tuple[NDArray[np.uint16], NDArray[np.uint16], NDArray[np.bool_]]
"""Of each run and kind of change the passes that speak for it, and the latest of them; whether this pass deviates."""


@dataclass(frozen=True, slots=True, eq=False)
class Doubts:
    """What the alignments say about each run of a draft.

    Attributes:
        runs: ``bool[runs]`` whether enough passes speak for the same change.
        deviates: ``bool[passes, runs]`` which passes do not read the run as it stands in the draft.
    """

    runs: NDArray[np.bool_]
    deviates: NDArray[np.bool_]


def find_doubts(draft: NDArray[np.uint8], runs: Runs, passes: Sequence[Pass], share: float = SHARE) -> Doubts:
    """Count the changes of each run that its passes speak for.

    A pass that lacks a base of a run, or reads another in its place, speaks for a shorter one. A base that it reads in
    the place of another or inserts speaks for that letter in the runs next to it.

    Args:
        draft: ``uint8[n]`` base codes.
        runs: of the draft.
        passes: aligned to it, gaps left-normalised.
        share: of the passes that cover a run; 0 doubts all runs.
    """
    count = len(runs)
    run_of = np.repeat(np.arange(count, dtype=np.int32), runs.length)
    support, latest = np.zeros((2, count, N + 1), np.uint16)
    deviates = np.zeros((len(passes), count), np.bool_)
    covering = np.zeros(count + 1, np.int64)
    for number, p in enumerate(passes):
        assert p.alignment is not None
        a = p.alignment
        counts = (support, latest, deviates[number])
        end = _count((a.operations, a.lengths, a.start), p.bases, (draft, run_of), np.uint16(number + 1), counts)
        covering[run_of[a.start]] += 1
        covering[run_of[end - 1] + 1] -= 1
    needed = np.maximum(1, np.ceil(share * np.cumsum(covering[:-1])))
    doubted = (support >= needed[:, None]).any(axis=1) if share else np.ones(count, np.bool_)
    return Doubts(doubted, deviates)


@njit(cache=True, nogil=True)
def _count(
    alignment: tuple[NDArray[np.uint8], NDArray[np.int32], int],
    bases: NDArray[np.uint8],
    template: tuple[NDArray[np.uint8], NDArray[np.int32]],
    number: np.uint16,
    counts: _Counts,
) -> int:
    """Count what one pass speaks for, each change once; gives the draft position behind its last base."""
    operations, lengths, column = alignment
    draft, run_of = template
    half = LONGEST_INSERTION // 2
    position = 0
    for k in range(len(operations)):
        code, length = operations[k], lengths[k]
        if code == cigar.INSERTION:
            for i in range(length):
                if i < half or i >= length - half:
                    _speak_near((column - 2, column + 2), bases[position + i], run_of, number, counts)
        elif cigar.ON_DRAFT[code]:
            for j in range(column, column + length * (code != cigar.EQUAL)):
                letter = bases[position + j - column] if cigar.ON_PASS[code] else _SHORTER
                if letter != draft[j]:
                    _speak(run_of[j], _SHORTER, number, counts)
                    if letter:
                        _speak_near((j - 1, j + 2), letter, run_of, number, counts)
            column += length
        if cigar.ON_PASS[code]:
            position += length
    return column


@njit(cache=True, nogil=True)
def _speak_near(
    stretch: tuple[int, int],
    letter: int,
    run_of: NDArray[np.int32],
    number: np.uint16,
    counts: _Counts,
) -> None:
    for j in range(max(stretch[0], 0), min(stretch[1], len(run_of))):
        _speak(run_of[j], letter, number, counts)


@njit(cache=True, nogil=True)
def _speak(run: int, kind: int, number: np.uint16, counts: _Counts) -> None:
    support, latest, deviates = counts
    deviates[run] = True
    if latest[run, kind] != number:
        latest[run, kind] = number
        support[run, kind] += 1
