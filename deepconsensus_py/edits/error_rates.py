"""Error rates of aligned passes, per strand (counts are compiled)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.edits.aligned_pass import DELETION, SUBSTITUTION, AlignedPass
from deepconsensus_py.edits.repeats import LENGTH_CLASSES, Repeats
from deepconsensus_py.kernels import kernel
from deepconsensus_py.pacbio.molecule import GAP, N

_CODES = N + 1


@dataclass(frozen=True, slots=True, eq=False)
class ErrorCounts:
    """Errors of passes by base code and homopolymer length class.

    Attributes:
        pairs: ``float64[6, 6]`` draft base (row) read as (column).
        covered: ``float64[6, classes]`` draft bases covered by passes.
        deleted: ``float64[6, classes]`` deletions.
        cognate: ``float64[6, classes]`` insertions equal to an adjacent draft base, by that base.
        foreign: ``float64[6]`` other insertions, by their own code.
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
    deleted, cognate = np.zeros((2, _CODES, LENGTH_CLASSES))
    draft, classes = repeats.bases, repeats.length_class
    depth = np.zeros(len(draft) + 1)
    for p in passes:
        found = p.differences
        _count((found.kind, found.place, found.letter), (draft, classes), (misread, deleted, cognate, foreign))
        depth[p.start] += 1
        depth[p.stop] -= 1
    kind = draft.astype(np.int64) * LENGTH_CLASSES + classes
    counts = np.bincount(kind, np.cumsum(depth[:-1]), minlength=deleted.size)
    covered = counts.astype(np.float64).reshape(deleted.shape)
    # Matches are what is left of the coverage, so that bases aligned as ``=`` need no loop.
    read_well = covered.sum(axis=1) - deleted.sum(axis=1) - misread.sum(axis=1)
    return ErrorCounts(misread + np.diag(read_well), covered, deleted, cognate, foreign)


@kernel
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
            # An insertion equal to both adjacent bases counts for the one after it, as gaps are left-normalised.
            before, after = max(place - 1, 0), min(place, len(draft) - 1)
            if letter == draft[after]:
                cognate[letter, classes[after]] += 1
            elif letter == draft[before]:
                cognate[letter, classes[before]] += 1
            else:
                foreign[letter] += 1


_BASES = slice(1, N)

_PSEUDO_MATCHES, _PSEUDO_PAIRS = 20.0, 0.5
_PSEUDO_EVENTS, _PSEUDO_COVERED = 5.0, 200.0
"""Pseudocounts: prior event rates of 2.5 %."""

_PSEUDO_BY_BASE, _PSEUDO_BY_CLASS, _PSEUDO_CELL = 200.0, 100.0, 100.0
"""Template bases that the next coarser rate counts as: a class with fewer is shrunk strongly towards it."""

_LEAST_RATE, _GREATEST_RATE = 1e-3, 0.4
_FOREIGN_LETTERS = 2.0
"""Bases that, on average, differ from both adjacent ones."""


@dataclass(frozen=True, slots=True, eq=False)
class PassModel:
    """Error rates of the passes of one strand, in draft orientation.

    Attributes:
        emission: ``float32[6, 6]`` probability of the read base (column) given the draft base (row), if it is not
            deleted.
        deletion: ``float32[6, classes]`` deletion probability of a draft base by base code and homopolymer length
            (``LENGTH_CLASSES``).
        cognate: ``float32[6, classes]`` probability of an insertion of the same base next to it.
        foreign: ``float32[6]`` probability by base code of an insertion that differs from both adjacent bases.
    """

    emission: NDArray[np.float32]
    deletion: NDArray[np.float32]
    cognate: NDArray[np.float32]
    foreign: NDArray[np.float32]


def estimate(repeats: Repeats, passes: Sequence[AlignedPass]) -> tuple[PassModel, PassModel]:
    """Estimate error rates from aligned passes.

    Args:
        repeats: the draft.
        passes: aligned to it.

    Returns:
        The rates of the passes of the draft's strand and of the other. Rates by base and homopolymer length are shrunk
        towards those by base and by length where counts are low, and these towards the mean.
    """
    strands = ([p for p in passes if not p.reverse], [p for p in passes if p.reverse])
    ours, theirs = (_model(count_errors(strand, repeats)) for strand in strands)
    return ours, theirs


def _model(counts: ErrorCounts) -> PassModel:
    covered = counts.covered[_BASES]
    composition = counts.foreign[_BASES] + _FOREIGN_LETTERS
    rate = (counts.foreign.sum() + _PSEUDO_EVENTS) / (covered.sum() + _PSEUDO_COVERED)
    foreign = np.zeros(_CODES, np.float32)
    foreign[_BASES] = _FOREIGN_LETTERS * rate * composition / composition.sum()
    foreign[N] = foreign[_BASES].mean()
    return PassModel(
        emission=_emission(counts.pairs),
        deletion=_with_unknown(_shrunk(counts.deleted[_BASES], covered)),
        cognate=_with_unknown(_shrunk(counts.cognate[_BASES], covered)),
        foreign=np.minimum(foreign, np.float32(_GREATEST_RATE)),
    )


def _emission(pairs: NDArray[np.float64]) -> NDArray[np.float32]:
    """Rows of probabilities; N, on either side, matches all bases equally."""
    counts = pairs[_BASES, _BASES] + _PSEUDO_PAIRS + _PSEUDO_MATCHES * np.eye(N - 1)
    emission = np.full((_CODES, _CODES), 1 / (N - 1), np.float32)
    emission[_BASES, _BASES] = counts / counts.sum(axis=1, keepdims=True)
    emission[:, GAP] = 0
    return emission


def _shrunk(events: NDArray[np.float64], covered: NDArray[np.float64]) -> NDArray[np.float64]:
    mean = (events.sum() + _PSEUDO_EVENTS) / (covered.sum() + _PSEUDO_COVERED)
    by_base, by_class = (
        (events.sum(axis=axis) + weight * mean) / (covered.sum(axis=axis) + weight)
        for axis, weight in ((1, _PSEUDO_BY_BASE), (0, _PSEUDO_BY_CLASS))
    )
    # Base and length are taken as independent factors of the rate until a cell has counts of its own.
    prior = np.outer(by_base, by_class) / mean
    rates: NDArray[np.float64] = (events + _PSEUDO_CELL * prior) / (covered + _PSEUDO_CELL)
    return rates.clip(_LEAST_RATE, _GREATEST_RATE)


def _with_unknown(rates: NDArray[np.float64]) -> NDArray[np.float32]:
    """Rates by base code; N has the mean of the others."""
    table = np.zeros((_CODES, LENGTH_CLASSES), np.float32)
    table[_BASES] = rates
    table[N] = rates.mean(axis=0)
    return table


_FROM = (*range(0, 42, 2), 50, 60, 70, 80, 90, 100)
"""Lowest codec V1 code of each bin of the counts below."""

# Counted on eight Sequel molecules (docs/developers/hmm.md): bases read, and cognate and foreign insertions.
_READ = (
    *(253, 46390, 103361, 109395, 100516, 87184, 73958, 62062, 52553, 44184, 37138, 30946, 26747, 22434, 19225),
    *(16509, 14040, 12339, 10458, 9130, 31207, 16528, 12425, 6781, 2798, 1212, 1336),
)
_COGNATE = (
    *(44, 3275, 3640, 2930, 2405, 1867, 1494, 1224, 938, 765, 600, 522, 423, 423, 319, 267, 222, 198, 175, 134, 479),
    *(251, 196, 117, 51, 16, 27),
)
_FOREIGN = (
    *(222, 14472, 8053, 4058, 2918, 2234, 1811, 1470, 1111, 928, 764, 632, 571, 443, 407, 313, 283, 280, 227, 212),
    *(723, 427, 382, 283, 157, 99, 226),
)

_PSEUDO_COUNT = 0.5


@cache
def insertion_factors() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Likelihood ratios of pulse widths: inserted against read bases.

    Returns:
        ``float32[256]`` by codec V1 code, for cognate and for foreign insertions.
    """
    row = np.searchsorted(_FROM, np.arange(256), side="right") - 1
    read, cognate, foreign = (
        (counts / counts.sum())[row] for counts in (np.array(c) + _PSEUDO_COUNT for c in (_READ, _COGNATE, _FOREIGN))
    )
    return (cognate / read).astype(np.float32), (foreign / read).astype(np.float32)
