"""What the edit network reads: the evidence about each homopolymer as compact integers, and tokens made of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.edits.classes import EDITED, LETTER, LONGER, OTHERS, REMOVED, RESIZED, SHORTER, SHORTEST
from deepconsensus_py.edits.error_rates import PassModel
from deepconsensus_py.edits.evidence import RunScores, pooled
from deepconsensus_py.edits.refine import TemplateState
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


CANDIDATE = -10.0
"""Nats of pooled evidence; runs whose likeliest edit has less are left alone. Of the wrong runs of CCS reads 1 in 60
lies below, of all runs 9 in 10."""

MOST_PASSES = 32
"""Tokens of passes of an item; evidence is pooled over all passes in any case."""

CONTEXT = 3
"""Runs to either side that the token of a run knows."""

NEIGHBOURS = np.array([-2, -1, 1, 2])
"""Runs about which the token of a pass says something, besides its own."""

PASS_FIELDS = EDITED + 3 * len(NEIGHBOURS) + 3
"""Own ratios; of each neighbour those of a base less, a base more, and the likeliest of the others; how many runs
nearby the pass disagrees with; whether it covers the run; whether it is reverse."""

COVERED, REVERSE = PASS_FIELDS - 2, PASS_FIELDS - 1

_NEAR = 8
_AROUND = 2 * CONTEXT + 1
_MOST = np.iinfo(np.int16).max

RUN_PARTS = {
    "evidence": EDITED,
    "by_strand": 2 * EDITED,
    "around": (int(RESIZED.stop) + 1) * _AROUND,
    "tracts": 2,
    "letters": _AROUND,
    "lengths": _AROUND,
    "depth": 2,
    "rates": 28,
}
"""What the token of a run holds, in order, with the number of values: pooled evidence of its edits, and that of each
strand; of the runs around it the pooled evidence of their changes of length and of the likeliest other letter;
evidence about its repeat tract; base codes (0 past the ends) and lengths of the runs around it; passes of each strand;
error rates."""

RUN_FIELDS = sum(RUN_PARTS.values())


def undecided_runs(evidence: RunEvidence) -> NDArray[np.int64]:
    """Numbers ``int64[n]`` of the runs that passes cover and for which some edit is a candidate."""
    likeliest = evidence.pooled.max(axis=1, initial=-_MOST)
    undecided: NDArray[np.int64] = np.flatnonzero((likeliest > CANDIDATE / SCORE_STEP) & evidence.covered.any(axis=0))
    return undecided


def run_tokens(evidence: RunEvidence, chosen: NDArray[np.int64]) -> dict[str, NDArray[np.signedinteger]]:
    """The tokens of some runs.

    Args:
        evidence: about all runs of a molecule.
        chosen: ``int64[n]`` numbers of runs.

    Returns:
        ``passes`` ``int8[n, passes, PASS_FIELDS]``, log-likelihood ratios in steps of ``RATIO_STEP``; all zeros where
        a pass does not cover the run. ``run`` ``int16[n, RUN_FIELDS]`` in the order of ``RUN_PARTS``, evidence in steps
        of ``SCORE_STEP``.
    """
    return {"passes": _pass_tokens(evidence, chosen), "run": _run_token(evidence, chosen)}


def _pass_tokens(evidence: RunEvidence, chosen: NDArray[np.int64]) -> NDArray[np.int8]:
    kept = slice(0, MOST_PASSES)
    ratios, covered = evidence.ratios[kept], evidence.covered[kept]
    tokens = np.zeros((len(chosen), len(ratios), PASS_FIELDS), np.int8)
    tokens[:, :, :EDITED] = ratios[:, chosen].swapaxes(0, 1)
    for number, step in enumerate(NEIGHBOURS):
        near = _shifted(ratios, chosen, step)
        at = EDITED + 3 * number
        tokens[:, :, at] = near[:, :, SHORTER.start].T
        tokens[:, :, at + 1] = near[:, :, LONGER.start].T
        tokens[:, :, at + 2] = near[:, :, OTHERS].max(axis=2).T
    tokens[:, :, COVERED - 1] = _disagreement(evidence.deviates[kept])[:, chosen].T
    tokens[:, :, COVERED] = 1
    tokens[:, :, REVERSE] = evidence.reverse[kept]
    tokens *= covered[:, chosen].T[:, :, None]
    return tokens


def _disagreement(deviates: NDArray[np.bool_]) -> NDArray[np.int8]:
    """How many of the runs nearby each pass does not read as they stand in the draft, ``int8[passes, runs]``."""
    summed = np.cumsum(np.pad(deviates, ((0, 0), (_NEAR + 1, _NEAR))), axis=1, dtype=np.int32)
    width = 2 * _NEAR + 1
    return (summed[:, width:] - summed[:, :-width]).astype(np.int8)


def _run_token(evidence: RunEvidence, chosen: NDArray[np.int64]) -> NDArray[np.int16]:
    steps = np.arange(-CONTEXT, CONTEXT + 1)
    around = [_shifted(evidence.pooled[None], chosen, step)[0] for step in steps]
    near = [np.column_stack([e[:, RESIZED], e[:, OTHERS].max(axis=1)]) for e in around]
    by_strand, depth = [], []
    for reverse in (False, True):
        rows = np.flatnonzero(evidence.reverse == reverse)
        by_strand.append(_pooled(evidence.ratios[rows][:, chosen]))
        depth.append(evidence.covered[rows][:, chosen].sum(axis=0))
    rates = np.broadcast_to(evidence.rates, (len(chosen), len(evidence.rates)))
    parts = [
        evidence.pooled[chosen],
        *by_strand,
        *near,
        evidence.tracts[chosen],
        *(_shifted(evidence.base[None], chosen, step)[0] for step in steps),
        *(_shifted(evidence.length[None], chosen, step)[0] for step in steps),
        *depth,
        rates,
    ]
    return np.column_stack(parts).clip(-_MOST, _MOST).astype(np.int16)


def _pooled(ratios: NDArray[np.int8]) -> NDArray[np.float64]:
    """Pooled evidence ``float64[n, 16]`` of stored ratios ``int8[passes, n, 16]``, in steps of ``SCORE_STEP``."""
    return np.rint(pooled(ratios * np.float32(RATIO_STEP)) / SCORE_STEP)


def _shifted(values: NDArray[np.generic], chosen: NDArray[np.int64], step: np.integer) -> NDArray[np.generic]:
    """Of ``[rows, runs, ...]`` the ``[rows, n, ...]`` of the runs a step off the chosen ones; 0 past the ends."""
    at = chosen + step
    inside = (at >= 0) & (at < values.shape[1])
    taken = values[:, np.where(inside, at, 0)]
    taken[:, ~inside] = 0
    return taken
