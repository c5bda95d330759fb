"""How often the passes of one strand of one molecule err, and how: counted from their alignments.

Molecules differ more than sequence contexts do, and so do the two strands of one; nothing here is trained.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.hmm.tally import RUN_CLASSES, Tally, class_of_bases, tally_passes
from deepconsensus_py.pacbio.molecule import GAP, N, Pass

_CODES = N + 1
_BASES = slice(1, N)

_PSEUDO_MATCHES, _PSEUDO_PAIRS = 20.0, 0.5
_PSEUDO_EVENTS, _PSEUDO_COVERED = 5.0, 200.0
"""What is taken as seen before the first pass: rates of 2.5 %."""

_PSEUDO_BY_BASE, _PSEUDO_BY_CLASS, _PSEUDO_CELL = 200.0, 100.0, 100.0
"""Template bases for which the next coarser rate counts."""

_LEAST_RATE, _GREATEST_RATE = 1e-3, 0.4
_FOREIGN_LETTERS = 2.0
"""Letters, on average, that differ from both neighbours of a place."""


@dataclass(frozen=True, slots=True, eq=False)
class PassModel:
    """Error rates of the passes of one strand, in the direction of the draft.

    Attributes:
        emission: ``float32[6, 6]`` probability that a draft base (row, base code) is read as a base (column), if read.
        deletion: ``float32[6, classes]`` probability that a draft base is not read, by base code and run length
            (``RUN_CLASSES``: 1, 2, 3, 4, 5 and more).
        cognate: ``float32[6, classes]`` probability that one more of the same is read beside it.
        foreign: ``float32[6]`` probability by base code that a base unlike its neighbours is inserted in a place.
    """

    emission: NDArray[np.float32]
    deletion: NDArray[np.float32]
    cognate: NDArray[np.float32]
    foreign: NDArray[np.float32]


def estimate(draft: NDArray[np.uint8], passes: Sequence[Pass]) -> tuple[PassModel, PassModel]:
    """Count the errors of aligned passes.

    Args:
        draft: ``uint8[n]`` base codes.
        passes: aligned to it, gaps left-normalised.

    Returns:
        The models of the passes that read the draft's strand, and of those that read the other. Rates by base and run
        length lean on those by base and by run length where little was seen, and these on the mean.
    """
    classes = class_of_bases(draft)
    strands = ([p for p in passes if not p.reverse], [p for p in passes if p.reverse])
    ours, theirs = (_model(tally_passes(strand, draft, classes)) for strand in strands)
    return ours, theirs


def _model(tally: Tally) -> PassModel:
    covered = tally.covered[_BASES]
    composition = tally.foreign[_BASES] + _FOREIGN_LETTERS
    rate = (tally.foreign.sum() + _PSEUDO_EVENTS) / (covered.sum() + _PSEUDO_COVERED)
    foreign = np.zeros(_CODES, np.float32)
    foreign[_BASES] = _FOREIGN_LETTERS * rate * composition / composition.sum()
    foreign[N] = foreign[_BASES].mean()
    return PassModel(
        emission=_emission(tally.pairs),
        deletion=_with_unknown(_shrunk(tally.deleted[_BASES], covered)),
        cognate=_with_unknown(_shrunk(tally.cognate[_BASES], covered)),
        foreign=np.minimum(foreign, np.float32(_GREATEST_RATE)),
    )


def _emission(pairs: NDArray[np.float64]) -> NDArray[np.float32]:
    """Rows of probabilities; N, on either side, says nothing."""
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
    prior = np.outer(by_base, by_class) / mean
    rates: NDArray[np.float64] = (events + _PSEUDO_CELL * prior) / (covered + _PSEUDO_CELL)
    return rates.clip(_LEAST_RATE, _GREATEST_RATE)


def _with_unknown(rates: NDArray[np.float64]) -> NDArray[np.float32]:
    """Rates by base code; N has the mean of the others."""
    table = np.zeros((_CODES, RUN_CLASSES), np.float32)
    table[_BASES] = rates
    table[N] = rates.mean(axis=0)
    return table
