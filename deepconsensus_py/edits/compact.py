"""What the passes of a molecule say about the runs of its draft, as compact integers: the ground of the run network.

Evidence comes from the pair hidden Markov model (``hmm``); the items of the network are cut from it, in training and in
use alike.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.edits.classes import EDITED, LETTER, REMOVED, SHORTEST
from deepconsensus_py.edits.error_rates import PassModel
from deepconsensus_py.edits.evidence import RunScores
from deepconsensus_py.edits.state import TemplateState
from deepconsensus_py.pacbio.molecule import A, N

RATIO_STEP = 1 / 8
"""Nats of one step of a pass's stored log-likelihood ratios."""

SCORE_STEP = 1 / 16
"""Nats of one step of stored evidence, which is that of several passes."""

RATE_STEP = 1e-4
"""One step of stored error rates."""

IMPOSSIBLE = -1000.0
"""Evidence, in nats, for an edit that is none: a base less than the run has, a base equal to its neighbour."""

UNDOUBTED = -4.0
"""What a pass says, in nats, about edits of a run that are not scored, because too few passes speak for them."""

POOLED_UNDOUBTED = -30.0
"""What all passes together say about them."""


@dataclass(frozen=True, slots=True, eq=False)
class RunEvidence:
    """Evidence about every run of a refined draft.

    Attributes:
        base: ``uint8[runs]`` base code.
        length: ``int32[runs]`` in the refined draft.
        ratios: ``int8[passes, runs, 16]`` each pass's log-likelihood ratios of ``EDIT_CLASSES[1:]``, in steps of
            ``RATIO_STEP``; 0 where it does not cover the run and for edits that are none, ``UNDOUBTED`` where the run
            is not scored.
        covered: ``bool[passes, runs]`` which runs each pass says something about.
        reverse: ``bool[passes]`` which passes read the strand opposite to the draft.
        deviates: ``bool[passes, runs]`` which passes do not read the run as it stands in the draft.
        pooled: ``int16[runs, 16]`` evidence of all passes together, in steps of ``SCORE_STEP``.
        tracts: ``int16[runs, 2]`` pooled evidence for a copy less and more of the repeat tract that the run lies in,
            likewise; 0 where it lies in none.
        rates: ``int16[28]`` error rates of the two strands' passes, in steps of ``RATE_STEP``: deletions and cognate
            insertions of runs of 1 to 5 bases, foreign insertions of A, T, C, G.
    """

    base: NDArray[np.uint8]
    length: NDArray[np.int32]
    ratios: NDArray[np.int8]
    covered: NDArray[np.bool_]
    reverse: NDArray[np.bool_]
    deviates: NDArray[np.bool_]
    pooled: NDArray[np.int16]
    tracts: NDArray[np.int16]
    rates: NDArray[np.int16]


def run_evidence(state: TemplateState) -> RunEvidence:
    """The evidence that is left when a draft is refined."""
    scores, runs = state.scores, state.repeats.runs
    return RunEvidence(
        base=runs.base,
        length=runs.length.astype(np.int32),
        ratios=_ratios(scores),
        covered=scores.covered,
        reverse=scores.reverse,
        deviates=state.candidates.deviates,
        pooled=_steps(possible_evidence(state), SCORE_STEP, np.int16),
        tracts=_steps(_tract_evidence(state), SCORE_STEP, np.int16),
        rates=_steps(np.concatenate([_rates(model) for model in state.rates]), RATE_STEP, np.int16),
    )


def _ratios(scores: RunScores) -> NDArray[np.int8]:
    unscored = scores.covered * np.int8(round(UNDOUBTED / RATIO_STEP))
    ratios = np.repeat(unscored, EDITED, axis=1).reshape(*scores.covered.shape, EDITED)
    ratios[:, scores.scored] = _steps(scores.ratios, RATIO_STEP, np.int8)
    return ratios


def possible_evidence(state: TemplateState) -> NDArray[np.float64]:
    """Evidence ``float64[runs, EDITED]`` (nats) for ``EDIT_CLASSES[1:]``, ``IMPOSSIBLE`` where one is none."""
    runs = state.repeats.runs
    evidence = np.full((len(runs), EDITED), POOLED_UNDOUBTED)
    evidence[state.scores.scored] = state.scores.pooled
    base, before = runs.base[:, None], np.concatenate([[0], runs.base[:-1]])[:, None]
    letter, in_front = LETTER[1:], (LETTER > 0)[1:] & (REMOVED == 0)[1:]
    own = (letter == base) | (in_front & (letter == before))
    evidence[(runs.length[:, None] < SHORTEST[1:]) | own] = IMPOSSIBLE
    return evidence


def _tract_evidence(state: TemplateState) -> NDArray[np.float64]:
    """For every run ``float64[runs, 2]`` the highest evidence of the tracts that it lies in."""
    runs, tracts = state.repeats.runs, state.repeats.tracts
    evidence = np.full((len(runs), 2), -np.inf)
    ends = np.stack([tracts.start, tracts.stop - 1])
    first, last = np.searchsorted(runs.start, ends, side="right") - 1
    inside = last - first + 1
    number = np.repeat(np.arange(len(inside)), inside)
    run = np.arange(len(number)) - np.repeat(np.cumsum(inside) - inside, inside) + first[number]
    np.maximum.at(evidence, run, state.scores.pooled_tracts[number])
    return np.where(np.isfinite(evidence), evidence, 0)


def _rates(model: PassModel) -> NDArray[np.float64]:
    by_length = [rates[A:N].mean(axis=0)[:5] for rates in (model.deletion, model.cognate)]
    return np.concatenate([*by_length, model.foreign[A:N]])


def _steps(values: NDArray[Any], step: float, dtype: Any) -> NDArray[Any]:
    limit = np.iinfo(dtype).max
    scaled = values / step
    return np.rint(np.clip(scaled, -limit, limit, out=scaled), out=scaled).astype(dtype)
