"""Items of the run network: an undecided run of the draft and the passes that say something about it, as integers.

An item is a set of tokens, one for the run and one for each pass. What a token holds: docs/developers/networks.md.
"""

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.edits.classes import EDITED, LONGER, OTHERS, RESIZED, SHORTER
from deepconsensus_py.edits.compact import RATIO_STEP, SCORE_STEP, RunEvidence
from deepconsensus_py.edits.evidence import pooled

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
