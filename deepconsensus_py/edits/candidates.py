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
from deepconsensus_py.edits.error_counts import LONGEST_INSERTION
from deepconsensus_py.edits.repeats import Runs
from deepconsensus_py.pacbio.molecule import N, Pass

SHARE = 0.25
"""Of the passes that cover a run: as many must speak for the same change of it (what that misses: hmm.md)."""

_SHORTER = 0
"""Kind of change in the place of the base code that other kinds put in."""

_LATEST, _ONE_MORE = 0xFFFF, 0x10000
"""Of a count: the latest pass that speaks, in its lower half; one pass more, in its upper half."""

_Counts = tuple[NDArray[np.uint32], NDArray[np.bool_]]
"""Counts of each run and kind of change; whether this pass deviates from each run."""


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
    spoken = np.zeros((count, N + 1), np.uint32)
    deviates = np.zeros((len(passes), count), np.bool_)
    covering = np.zeros(count + 1, np.int64)
    for number, p in enumerate(passes):
        assert p.alignment is not None
        a = p.alignment
        end = _count(
            (a.operations, a.lengths, a.start), p.bases, (draft, run_of), number + 1, (spoken, deviates[number])
        )
        covering[run_of[a.start]] += 1
        covering[run_of[end - 1] + 1] -= 1
    needed = np.maximum(1, np.ceil(share * np.cumsum(covering[:-1])))
    doubted = (spoken >> 16 >= needed[:, None]).any(axis=1) if share else np.ones(count, np.bool_)
    return Doubts(doubted, deviates)


@njit(cache=True, nogil=True)
def _count(
    alignment: tuple[NDArray[np.uint8], NDArray[np.int32], int],
    bases: NDArray[np.uint8],
    template: tuple[NDArray[np.uint8], NDArray[np.int32]],
    number: int,
    counts: _Counts,
) -> int:
    """Count what one pass speaks for, each change once; gives the draft position behind its last base."""
    operations, lengths, column = alignment
    (draft, run_of), (spoken, deviates) = template, counts
    half, end, position = LONGEST_INSERTION // 2, len(run_of), 0
    for k in range(len(operations)):
        code, length = operations[k], lengths[k]
        on_pass, on_draft = cigar.ON_PASS[code], cigar.ON_DRAFT[code]
        for i in range(0 if code == cigar.EQUAL else length):
            j = column + i * on_draft
            if on_pass and on_draft and bases[position + i] == draft[j]:
                continue
            if on_draft:
                _speak(spoken, deviates, run_of[j], _SHORTER, number)
            if on_pass and on_draft:
                first, last = j - 1, j + 1
            elif code == cigar.INSERTION and (i < half or i >= length - half):
                first, last = j - 2, j + 1
            else:
                continue
            for near in range(max(first, 0), min(last + 1, end)):
                _speak(spoken, deviates, run_of[near], bases[position + i], number)
        column += length * on_draft
        position += length * on_pass
    return column


@njit(cache=True, nogil=True, inline="always")
def _speak(spoken: NDArray[np.uint32], deviates: NDArray[np.bool_], run: int, kind: int, number: int) -> None:
    deviates[run] = True
    if spoken[run, kind] & _LATEST != number:
        spoken[run, kind] = (spoken[run, kind] & ~_LATEST) + _ONE_MORE + number
