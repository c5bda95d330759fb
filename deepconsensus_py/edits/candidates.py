"""Homopolymers with candidate edits, found from the alignments of the passes alone; only these are scored.

At any position one or two of ten passes have an error, but their errors differ. An edit that raises the likelihood of
the passes is visible in the alignments of many of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align.rows import largest
from deepconsensus_py.edits.aligned_pass import DELETION, INSERTION, AlignedPass
from deepconsensus_py.edits.repeats import Repeats
from deepconsensus_py.kernels import kernel
from deepconsensus_py.pacbio.molecule import N

SHARE = 0.25
"""Share of the spanning passes that must support the same change of a homopolymer (what that misses: hmm.md)."""

_SHORTER = 0
"""Change that shortens a homopolymer; other changes are the base code that they insert."""

_LATEST, _ONE_MORE = 0xFFFF, 0x10000
"""Halves of a count: the lower one holds the last pass counted, the upper one the number of passes."""

_Counts = tuple[NDArray[np.uint32], NDArray[np.bool_]]
"""Counts by homopolymer and change; homopolymers at which this pass differs from the draft."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Homopolymers with candidate edits.

    Attributes:
        homopolymers: ``bool[homopolymers]`` whether enough passes support the same change.
        deviates: ``bool[passes, homopolymers]`` which passes differ from the draft at the homopolymer.
        support: ``uint16[homopolymers]`` most passes that support the same change.
    """

    homopolymers: NDArray[np.bool_]
    deviates: NDArray[np.bool_]
    support: NDArray[np.uint16]


def find_candidates(repeats: Repeats, passes: Sequence[AlignedPass], share: float = SHARE) -> Candidates:
    """Count the passes that support a change of each homopolymer.

    A deletion or mismatch supports a shorter homopolymer. The base of a mismatch or insertion supports that base in the
    adjacent homopolymers.

    Args:
        repeats: the draft.
        passes: aligned to it.
        share: of the spanning passes that must support the same change; 0 selects all homopolymers.
    """
    count, homopolymer_of = len(repeats.homopolymers), repeats.homopolymer_of
    support = np.zeros((count, N + 1), np.uint32)
    deviates = np.zeros((len(passes), count), np.bool_)
    covering = np.zeros(count + 1, np.int64)
    for number, p in enumerate(passes):
        found = p.differences
        _count((found.kind, found.place, found.letter), homopolymer_of, number + 1, (support, deviates[number]))
        covering[homopolymer_of[p.start]] += 1
        covering[homopolymer_of[p.stop - 1] + 1] -= 1
    needed = np.maximum(1, np.ceil(share * np.cumsum(covering[:-1])))
    most = (largest(support) >> 16).astype(np.uint16)
    homopolymers = most >= needed if share else np.ones(count, np.bool_)
    return Candidates(homopolymers, deviates, most)


@kernel
def _count(
    differences: tuple[NDArray[np.uint8], NDArray[np.int32], NDArray[np.uint8]],
    homopolymer_of: NDArray[np.int32],
    number: int,
    counts: _Counts,
) -> None:
    """Count the changes that one pass supports, each once."""
    kinds, places, letters = differences
    support, deviates = counts
    for k in range(len(kinds)):
        place = places[k]
        if kinds[k] != INSERTION:
            _add(support, deviates, homopolymer_of[place], _SHORTER, number)
        if kinds[k] != DELETION:
            # One draft base on either side of a mismatch, two on either side of an insertion.
            first = place - 2 if kinds[k] == INSERTION else place - 1
            for near in range(max(first, 0), min(place + 2, len(homopolymer_of))):
                _add(support, deviates, homopolymer_of[near], letters[k], number)


@kernel(inline="always")
def _add(support: NDArray[np.uint32], deviates: NDArray[np.bool_], homopolymer: int, kind: int, number: int) -> None:
    deviates[homopolymer] = True
    if support[homopolymer, kind] & _LATEST != number:
        support[homopolymer, kind] = (support[homopolymer, kind] & ~_LATEST) + _ONE_MORE + number
