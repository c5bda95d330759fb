"""The vote: each column is called as the class with the most votes. A baseline without training.

A pass has one vote per column. The vote of a base is weighted by its pulse width (short pulses are often non-cognate
insertions), both strands have equal weight if both are present, and the draft has a vote that grows with its quality.
Works without kinetics and without draft qualities.
"""

from collections.abc import Mapping, Set
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.corrector import Arrays
from deepconsensus_py.methods import VOTE
from deepconsensus_py.options import INSERTION_TRIM, OF_COLUMNS
from deepconsensus_py.pacbio.molecule import GAP
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.pileup.method import ColumnMethod
from deepconsensus_py.pileup.pileup import FORWARD, REVERSE

CLASSES = 5

BATCH = 16
"""Windows that fit a CPU's cache."""

PULSE_WIDTH_VOTES = (1.0, 0.0, 0.02, 0.29, 0.60, 0.77, 0.86, 0.91, 0.95)
"""Vote of a base by its pulse width (codec V1 code; 1 for longer pulses and for absent kinetics, code 0).

The log-odds that a base agrees with the draft, relative to those of long pulses (2.9): of 0.78 million bases of six
Sequel molecules 48 % disagree at code 2, 30, 15, 10, 8, 7 and 6 % at 3 to 8, and 5 % from 10 on.
"""

DRAFT_VOTES = 0.25
DRAFT_VOTES_PER_PHRED = 0.03
"""Votes of the draft: at quality 0 (which breaks ties), and per Phred of the base, or of the worse adjacent base in a
gap. On six Sequel molecules 0.02 to 0.05 leave 156 to 162 of the draft's 184 errors; no prior leaves 168."""

UNREAD_BASES = 5
"""A pass that lacks more consecutive draft bases than this at an end of a window has no vote there: such a long
deletion is far rarer than the end of a partial pass."""

NATS_PER_VOTE = 1.1
"""Log-odds per vote. Passes are not independent, so that a vote is worth less than the 2.9 nats above; with 1.1,
predicted and observed errors agree up to quality 25 (six Sequel molecules)."""

CALIBRATION = "25,0.22,19.5"
"""Above quality 25 errors shared by passes, mostly in homopolymers, flatten the slope: 171 errors predicted, 159
observed, expected calibration error 0.7 Phred (the same molecules)."""

HIGHEST_PROBABILITY = np.float32(1 - 2**-23)
"""A vote is never certain; beyond Q69 float32 rounds to 1 anyway."""


class Vote(ColumnMethod):
    """The column vote: a ``corrector.Method`` that needs no network.

    Args:
        insertion_trim: longest insertion kept, bp; None for the default of the encoding.
    """

    options: Set[str] = OF_COLUMNS

    def __init__(self, *, insertion_trim: int | None = None) -> None:
        super().__init__(VOTE, FeatureSpec(required=()), calibration=CALIBRATION, insertion_trim=insertion_trim)
        self.batch, self.streams = BATCH, 1

    @classmethod
    def of(cls, header: Mapping[str, Any], given: Mapping[str, Any]) -> "Vote":  # noqa: ARG003 - has no file
        """Build from the options given."""
        return cls(insertion_trim=given.get(INSERTION_TRIM))

    def forward(self, inputs: Arrays) -> NDArray[np.float32]:
        """Probabilities ``float32[items, width, 5]``: the softmax of the votes."""
        votes = _pass_votes(inputs)
        draft = inputs["draft"]
        votes += np.eye(CLASSES)[draft] * _draft_votes(draft, inputs["draft_quality"])[:, :, None]
        # Relative to the winner, so that exp cannot overflow.
        odds = np.exp(NATS_PER_VOTE * (votes - votes.max(-1, keepdims=True)))
        probabilities = (odds / odds.sum(-1, keepdims=True)).astype(np.float32)
        return np.asarray(np.minimum(probabilities, HIGHEST_PROBABILITY))


def _pass_votes(inputs: Arrays) -> NDArray[np.float64]:
    """Votes of all passes ``[items, width, 5]``."""
    bases, draft = inputs["bases"], inputs["draft"]
    table = np.ones(256)
    table[: len(PULSE_WIDTH_VOTES)] = PULSE_WIDTH_VOTES
    reaches = _reach(bases, draft)
    weights = table[inputs["pulse_widths"]] * reaches * _strand_weights(inputs["strands"], reaches)
    items, _, width = bases.shape
    cell = np.arange(items)[:, None, None] * width + np.arange(width)
    counts = np.bincount((cell * CLASSES + bases).ravel(), weights.ravel(), items * width * CLASSES)
    return np.asarray(counts, np.float64).reshape(items, width, CLASSES)


def _reach(bases: NDArray[np.uint8], draft: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where passes vote ``bool[items, passes, width]``: not in long gaps at the ends of a window."""
    width = draft.shape[-1]
    drafted = np.pad(np.cumsum(draft != GAP, axis=1), ((0, 0), (1, 0)))
    is_base = bases != GAP
    first = is_base.argmax(-1)
    last = width - is_base[:, :, ::-1].argmax(-1)
    item = np.arange(len(bases))[:, None]
    lacks_start = drafted[item, first] > UNREAD_BASES
    lacks_end = drafted[:, -1:] - drafted[item, last] > UNREAD_BASES
    column = np.arange(width)
    before = lacks_start[:, :, None] & (column < first[:, :, None])
    behind = lacks_end[:, :, None] & (column >= last[:, :, None])
    reaches: NDArray[np.bool_] = is_base.any(-1, keepdims=True) & ~before & ~behind
    return reaches


def _strand_weights(strands: NDArray[np.uint8], reaches: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Weight of each pass that gives both strands the same share of the column's votes."""
    of_strand = [(strands == strand)[:, :, None] for strand in (FORWARD, REVERSE)]
    forward, reverse = ((reaches & own).sum(1, keepdims=True) for own in of_strand)
    total, both = forward + reverse, (forward > 0) & (reverse > 0)
    balanced = np.where(of_strand[0], total / (2 * np.maximum(forward, 1)), total / (2 * np.maximum(reverse, 1)))
    return np.where(both, balanced, 1.0)


def _draft_votes(draft: NDArray[np.uint8], quality: NDArray[np.int8]) -> NDArray[np.float64]:
    """Votes of the draft ``[items, width]``; a gap has the quality of its worse adjacent base."""
    width = draft.shape[-1]
    column, is_base = np.arange(width), draft != GAP
    before = np.maximum.accumulate(np.where(is_base, column, -1), axis=1)
    behind = np.minimum.accumulate(np.where(is_base, column, width)[:, ::-1], axis=1)[:, ::-1]
    # Beyond the first and last base of a window there is only one adjacent base.
    beside = [np.where(before < 0, behind, before), np.where(behind == width, before, behind)]
    worst = np.minimum(*(np.take_along_axis(quality, np.clip(at, 0, width - 1), axis=1) for at in beside))
    return DRAFT_VOTES + DRAFT_VOTES_PER_PHRED * np.maximum(worst, 0)
