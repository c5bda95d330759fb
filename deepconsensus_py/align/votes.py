"""Votes of passes on the bases of a template (compiled)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align.guides import Codes, Integers
from deepconsensus_py.align.traces import Trace
from deepconsensus_py.kernels import kernel
from deepconsensus_py.pacbio.molecule import GAP, N

_SLOTS = 4
"""Bases that the vote may insert at one place."""

_INSERTED = 0.5
"""Share of the passes that insert a base. Less than half: alignments hide insertions more often than they make them
up."""


class Pile(NamedTuple):
    """Passes aligned to a template.

    Attributes:
        bases: ``uint8[total]`` base codes of all passes.
        offset: ``int64[passes]`` first base of each.
        first: ``int64[passes]`` first template base of each.
        stop: ``int64[passes]`` one past the last.
        before: ``int32[passes, n + 1]`` as in ``traces.Trace``.
        pairs: ``int32[passes, n]`` likewise.
    """

    bases: Codes
    offset: NDArray[np.int64]
    first: NDArray[np.int64]
    stop: NDArray[np.int64]
    before: Integers
    pairs: Integers


class Votes(NamedTuple):
    """What passes have at each template base.

    Attributes:
        bases: ``int32[n, 6]`` passes by base code, 0 for a deletion.
        inserted: ``int32[n, slots, 6]`` passes by code of the bases inserted before it.
        covering: ``int32[n]`` passes with a base or deletion there.
        spanning: ``int32[n]`` passes that also cover the base before.
    """

    bases: Integers
    inserted: Integers
    covering: Integers
    spanning: Integers


def piled(traces: Sequence[Trace]) -> Pile:
    """Passes along the same template, for compiled functions."""
    sizes = [len(one.bases) for one in traces]
    return Pile(
        np.concatenate([one.bases for one in traces]),
        np.cumsum([0, *sizes[:-1]]),
        np.array([one.guide.first for one in traces], np.int64),
        np.array([one.guide.stop for one in traces], np.int64),
        np.stack([one.guide.before for one in traces]),
        np.stack([one.pairs for one in traces]),
    )


@kernel
def count_votes(template: Codes, pile: Pile) -> Votes:
    """Count what passes have at each base of the template that they are aligned to."""
    n = len(template)
    bases, inserted = np.zeros((n, N + 1), np.int32), np.zeros((n, _SLOTS, N + 1), np.int32)
    # Passes that begin or end at each base; summed below.
    covering, spanning = np.zeros(n + 1, np.int32), np.zeros(n + 1, np.int32)
    for row in range(len(pile.first)):
        first, stop, offset = pile.first[row], pile.stop[row], pile.offset[row]
        covering[first] += 1
        covering[stop] -= 1
        spanning[min(first + 1, stop)] += 1
        spanning[stop] -= 1
        for j in range(first, stop):
            paired = pile.pairs[row, j] >= 0
            # Bases of the pass between the columns before and after the template base; the last one may be its pair.
            begin, end = pile.before[row, j] + offset, pile.before[row, j + 1] + offset
            letter = pile.bases[end - 1] if paired else np.uint8(GAP)
            bases[j, letter] += 1
            for slot in range(min(end - paired - begin, _SLOTS) if j > first else 0):
                inserted[j, slot, pile.bases[begin + slot]] += 1
    for counts in (covering, spanning):
        for j in range(1, n + 1):
            counts[j] += counts[j - 1]
    return Votes(bases, inserted, covering[:n], spanning[:n])


@kernel
def vote(template: Codes, votes: Votes) -> tuple[Codes, Integers]:
    """The sequence by majority, and the position of each base in the template, -1 for an inserted one."""
    n = len(template)
    edited, index, count = np.empty(n * (1 + _SLOTS), np.uint8), np.empty(n * (1 + _SLOTS), np.int32), 0
    for j in range(n):
        for slot in range(_SLOTS):
            letter = _most(votes.inserted[j, slot], 0)
            if votes.inserted[j, slot, letter] <= _INSERTED * votes.spanning[j]:
                break
            edited[count], index[count] = letter, -1
            count += 1
        letter = _most(votes.bases[j], template[j])
        if votes.bases[j, letter] >= votes.bases[j, GAP]:
            edited[count], index[count] = letter, j
            count += 1
    return edited[:count].copy(), index[:count].copy()


@kernel(inline="always")
def _most(votes: Integers, own: int) -> int:
    """The most frequent base; ``own`` if no other one is more frequent."""
    best = own
    for letter in range(1, N + 1):
        if votes[letter] > votes[best]:
            best = letter
    return best


def margin(template: Codes, votes: Votes) -> NDArray[np.float64]:
    """How clear the vote is for each base of a template.

    Returns:
        ``float64[n]`` passes with the base less those without, over the square root of all; the same for the gap before
        it, if that is less.
    """
    own = votes.bases[np.arange(len(template)), template]
    of_base = (2 * own - votes.covering) / np.sqrt(np.maximum(votes.covering, 1))
    inserting = votes.inserted[:, 0].sum(axis=1)
    of_gap = (votes.spanning - 2 * inserting) / np.sqrt(np.maximum(votes.spanning, 1))
    margin: NDArray[np.float64] = np.where(votes.spanning > 0, np.minimum(of_base, of_gap), of_base)
    return margin
