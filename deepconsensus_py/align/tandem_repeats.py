"""Tandem repeats of a sequence (compiled).

Alignments place a missing or extra unit anywhere in a repeat, so passes can only be compared over its whole length.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.kernels import kernel

SHORTEST = 16
"""Bases. In shorter repeats, gaps are placed close to their true position anyway."""

LONGEST_UNIT = 200
"""Bases; the units of most satellites (171 in human centromeres) are shorter."""

_WORD = 8
"""Bases; half the shortest repeat, so that two copies of its unit always share a word."""

_FAR = 1 << 40
"""Position of words that have not occurred yet: further away than any unit."""


@dataclass(frozen=True, slots=True, eq=False)
class TandemRepeats:
    """Maximal stretches of at least two copies of a unit of two bases or more, without homopolymers.

    Attributes:
        start: ``int64[repeats]`` position of the first base.
        stop: ``int64[repeats]`` one past the last base; the last copy may be incomplete.
        unit: ``int64[repeats]`` bases of the smallest unit.
    """

    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    unit: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.start)


def find_tandem_repeats(bases: NDArray[np.uint8]) -> TandemRepeats:
    """The tandem repeats of at least ``SHORTEST`` bases, in the order of their last copies.

    A repeat that overlaps by half with one of a smaller unit is skipped: it is the same repeat, with interruptions.

    Args:
        bases: ``uint8[n]`` base codes.
    """
    found = _find(bases)
    found = found[:, np.argsort(found[2], kind="stable")]
    start, stop, unit = found[:, _own(found) & (found[2] > 1)]
    return TandemRepeats(start, stop, unit)


def has_tandem_repeat(bases: NDArray[np.uint8], shortest: int) -> bool:
    """Whether a tandem repeat has at least ``shortest`` bases.

    Repeats that overlap, or are less than a unit apart, count as one: a copy between them may have an error.

    Args:
        bases: ``uint8[n]`` base codes.
        shortest: bases.
    """
    found = find_tandem_repeats(bases)
    start = stop = 0
    for first, end, unit in sorted(zip(found.start.tolist(), found.stop.tolist(), found.unit.tolist(), strict=True)):
        if first >= stop + unit:
            start = first
        stop = max(stop, end)
        if stop - start >= shortest:
            return True
    return False


@kernel
def _find(bases: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Rows start, stop and unit of all repeats, including homopolymers and multiples of units.

    A word that occurs again within the longest unit is a seed, which is extended to both sides. One pass over the
    sequence, with a table of the last position of every word.
    """
    latest = np.full(1 << 2 * _WORD, -_FAR, np.int64)
    behind = np.zeros(LONGEST_UNIT + 1, np.int64)
    found = np.empty((3, 64), np.int64)
    count, word = 0, 0
    for end in range(1, len(bases) + 1):
        word = (word << 2 | bases[end - 1] & 3) & ((1 << 2 * _WORD) - 1)
        unit = end - latest[word]
        latest[word] = end
        # Within a repeat every word is a seed: those of one found already are skipped.
        if end < _WORD or unit > LONGEST_UNIT or end <= behind[unit]:
            continue
        start = stop = end
        while start - 1 >= unit and bases[start - 1] == bases[start - 1 - unit]:
            start -= 1
        while stop < len(bases) and bases[stop] == bases[stop - unit]:
            stop += 1
        behind[unit] = stop
        start -= unit
        if stop - start >= max(SHORTEST, 2 * unit):
            if count == found.shape[1]:
                found = np.concatenate((found, np.empty_like(found)), axis=1)
            found[0, count], found[1, count], found[2, count] = start, stop, unit
            count += 1
    return found[:, :count]


@kernel
def _own(found: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which repeats, sorted by unit, do not overlap by half with an earlier one."""
    own = np.ones(found.shape[1], np.bool_)
    for k in range(found.shape[1]):
        for before in range(k):
            shared = min(found[1, k], found[1, before]) - max(found[0, k], found[0, before])
            if own[before] and 2 * shared >= found[1, k] - found[0, k]:
                own[k] = False
                break
    return own
