"""Input of the edit network: the evidence for each homopolymer as compact integers, and tokens made of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align.rows import largest
from deepconsensus_py.edits.classes import EDITED, LETTER, LONGER, OTHERS, REMOVED, RESIZED, SEGMENT, SHORTER, SHORTEST
from deepconsensus_py.edits.error_rates import PassModel
from deepconsensus_py.edits.evidence import POOLED_UNSUPPORTED, UNSUPPORTED, EditScores, pooled
from deepconsensus_py.edits.kinetics import KINETIC_FIELDS, Kinetics
from deepconsensus_py.edits.refine import LEAST_IN_REPEATS, TemplateState
from deepconsensus_py.edits.repeats import in_long_repeats
from deepconsensus_py.kernels import kernel
from deepconsensus_py.pacbio.molecule import A, N

RATIO_STEP = 1 / 8
"""Resolution of stored log-likelihood ratios of a pass, nats."""

SCORE_STEP = 1 / 16
"""Resolution of stored pooled evidence, nats."""

RATE_STEP = 1e-4
"""Resolution of stored error rates."""

_MOST_STORED = np.iinfo(np.int8).max

IMPOSSIBLE = -1000.0
"""Evidence (nats) for an impossible edit: more deletions than bases, a base equal to an adjacent one."""


@dataclass(frozen=True, slots=True, eq=False)
class EditEvidence:
    """Evidence for edits of every homopolymer of a refined draft.

    Attributes:
        base: ``uint8[homopolymers]`` base code.
        length: ``int32[homopolymers]`` in the refined draft.
        ratios: ``int8[passes, homopolymers, 17]`` log-likelihood ratios of each pass of ``EDIT_CLASSES[1:]``, in steps
            of ``RATIO_STEP``; 0 where it does not span the homopolymer and for impossible edits, ``UNSUPPORTED`` where
            the homopolymer is not scored.
        covered: ``bool[passes, homopolymers]`` which homopolymers each pass spans.
        reverse: ``bool[passes]`` which passes read the opposite strand of the draft.
        deviates: ``bool[passes, homopolymers]`` which passes differ from the draft at the homopolymer.
        pooled: ``int16[homopolymers, 17]`` evidence pooled over all passes, in steps of ``SCORE_STEP``.
        tandem_repeats: ``int16[homopolymers, 2]`` pooled evidence for a copy less and more of the tandem repeat that
            the homopolymer lies in, likewise; 0 where it lies in none.
        rates: ``int16[28]`` error rates of the two strands' passes, in steps of ``RATE_STEP``: deletions and cognate
            insertions in homopolymers of 1 to 5 bases, foreign insertions of A, T, C, G.
        kinetics: of the passes.
    """

    base: NDArray[np.uint8]
    length: NDArray[np.int32]
    ratios: NDArray[np.int8]
    covered: NDArray[np.bool_]
    reverse: NDArray[np.bool_]
    deviates: NDArray[np.bool_]
    pooled: NDArray[np.int16]
    tandem_repeats: NDArray[np.int16]
    rates: NDArray[np.int16]
    kinetics: Kinetics


def edit_evidence(state: TemplateState) -> EditEvidence:
    """The remaining evidence of a refined draft."""
    scores, homopolymers = state.scores, state.repeats.homopolymers
    return EditEvidence(
        base=homopolymers.base,
        length=homopolymers.length.astype(np.int32),
        ratios=_ratios(scores),
        covered=scores.covered,
        reverse=scores.reverse,
        deviates=state.candidates.deviates,
        pooled=_steps(possible_evidence(state), SCORE_STEP, np.int16),
        tandem_repeats=_steps(_tandem_evidence(state), SCORE_STEP, np.int16),
        rates=_steps(np.concatenate([_rates(model) for model in state.rates]), RATE_STEP, np.int16),
        kinetics=Kinetics(homopolymers, state.passes),
    )


def _ratios(scores: EditScores) -> NDArray[np.int8]:
    ratios = np.empty((*scores.covered.shape, EDITED), np.int8)
    _store_ratios(scores.ratios, scores.scored, scores.covered, ratios)
    return ratios


_UNSUPPORTED_STEPS = round(UNSUPPORTED / RATIO_STEP)


@kernel
def _store_ratios(
    ratios: NDArray[np.float32], scored: NDArray[np.bool_], covered: NDArray[np.bool_], out: NDArray[np.int8]
) -> None:
    """Fill in ``EditEvidence.ratios``, ``int8[passes, homopolymers, EDITED]``."""
    step, limit = np.float32(RATIO_STEP), np.float32(_MOST_STORED)
    for number in range(len(covered)):
        row = 0
        for h in range(len(scored)):
            if not scored[h]:
                out[number, h] = _UNSUPPORTED_STEPS if covered[number, h] else 0
                continue
            for k in range(EDITED):
                out[number, h, k] = np.int8(np.rint(min(max(ratios[number, row, k] / step, -limit), limit)))
            row += 1


def possible_evidence(state: TemplateState) -> NDArray[np.float64]:
    """Pooled evidence ``float64[homopolymers, EDITED]`` (nats), ``IMPOSSIBLE`` for impossible edits."""
    homopolymers = state.repeats.homopolymers
    evidence = np.full((len(homopolymers), EDITED), POOLED_UNSUPPORTED)
    evidence[state.scores.scored] = state.scores.pooled
    evidence[in_long_repeats(state.repeats), : SEGMENT - 1] -= LEAST_IN_REPEATS
    proposed = np.zeros(len(homopolymers), np.bool_)
    proposed[state.segments.first] = True
    _exclude(evidence, homopolymers.base, homopolymers.length, proposed)
    return evidence


@kernel
def _exclude(
    evidence: NDArray[np.float64], bases: NDArray[np.uint8], length: NDArray[np.int32], proposed: NDArray[np.bool_]
) -> None:
    """Set the evidence for impossible edits."""
    before = 0
    for h in range(len(bases)):
        for k in range(SEGMENT - 1):
            letter = LETTER[k + 1]
            own = letter == bases[h] or (REMOVED[k + 1] == 0 and letter == before)
            if length[h] < SHORTEST[k + 1] or (letter > 0 and own):
                evidence[h, k] = IMPOSSIBLE
        if not proposed[h]:
            evidence[h, SEGMENT - 1] = IMPOSSIBLE
        before = bases[h]


def _tandem_evidence(state: TemplateState) -> NDArray[np.float64]:
    """Highest evidence ``float64[homopolymers, 2]`` of the tandem repeats that each homopolymer lies in."""
    homopolymers, tandem_repeats = state.repeats.homopolymers, state.repeats.tandem_repeats
    evidence = np.full((len(homopolymers), 2), -np.inf)
    ends = np.stack([tandem_repeats.start, tandem_repeats.stop - 1])
    first, last = np.searchsorted(homopolymers.start, ends, side="right") - 1
    inside = last - first + 1
    number = np.repeat(np.arange(len(inside)), inside)
    homopolymer = np.arange(len(number)) - np.repeat(np.cumsum(inside) - inside, inside) + first[number]
    np.maximum.at(evidence, homopolymer, state.scores.pooled_tandem[number])
    return np.where(np.isfinite(evidence), evidence, 0)


def _rates(model: PassModel) -> NDArray[np.float64]:
    by_length = [rates[A:N].mean(axis=0)[:5] for rates in (model.deletion, model.cognate)]
    return np.concatenate([*by_length, model.foreign[A:N]])


def _steps(values: NDArray[Any], step: float, dtype: Any) -> NDArray[Any]:
    limit = np.iinfo(dtype).max
    scaled = values / step
    return np.rint(np.clip(scaled, -limit, limit, out=scaled), out=scaled).astype(dtype)


CANDIDATE = -6.0
"""Threshold of pooled evidence, nats; homopolymers whose best edit has less keep the draft. The network edited 2 in
100,000 of those between -10 and this, and expected 1 to 6 % of the errors there (performance.md)."""

MOST_PASSES = 32
"""Pass tokens per item; evidence is pooled over all passes regardless."""

CONTEXT = 3
"""Homopolymers on either side that a homopolymer token describes."""

NEIGHBOURS = np.array([-2, -1, 1, 2])
"""Adjacent homopolymers that a pass token describes besides its own."""

COVERED = EDITED + 3 * len(NEIGHBOURS) + 1
REVERSE = COVERED + 1
KINETICS = slice(REVERSE + 1, REVERSE + 1 + KINETIC_FIELDS)
"""Fields of the kinetics of a pass token (``edits.kinetics.KINETIC_FIELDS``); all 0 without kinetics."""

PASS_FIELDS = int(KINETICS.stop)
"""Own ratios; for each adjacent homopolymer those of one base less, one more, and the best of the others; nearby
homopolymers at which the pass differs from the draft; whether it spans the homopolymer; whether it is reverse; its
kinetics there."""

_NEAR = 8
_AROUND = 2 * CONTEXT + 1
_MOST = np.iinfo(np.int16).max

HOMOPOLYMER_PARTS = {
    "evidence": EDITED,
    "by_strand": 2 * EDITED,
    "around": (int(RESIZED.stop) + 1) * _AROUND,
    "tandem_repeats": 2,
    "letters": _AROUND,
    "lengths": _AROUND,
    "depth": 2,
    "rates": 28,
}
"""Fields of a homopolymer token, in order, with their sizes: pooled evidence of its edits, and that of each strand; for
it and the adjacent homopolymers, pooled evidence of length changes and of the best mismatch or foreign insertion;
evidence for its tandem repeat; base codes (0 past the ends) and lengths of these homopolymers; coverage of each strand;
error rates."""

HOMOPOLYMER_FIELDS = sum(HOMOPOLYMER_PARTS.values())


def undecided_homopolymers(evidence: EditEvidence) -> NDArray[np.int64]:
    """Indices ``int64[n]`` of homopolymers with coverage and an edit above ``CANDIDATE``."""
    likely = largest(evidence.pooled) > CANDIDATE / SCORE_STEP
    undecided: NDArray[np.int64] = np.flatnonzero(likely & evidence.covered.any(axis=0))
    return undecided


def homopolymer_tokens(evidence: EditEvidence, chosen: NDArray[np.int64]) -> dict[str, NDArray[np.signedinteger]]:
    """The tokens of some homopolymers.

    Args:
        evidence: of a molecule.
        chosen: ``int64[n]`` indices of homopolymers.

    Returns:
        ``passes`` ``int8[n, passes, PASS_FIELDS]``, log-likelihood ratios in steps of ``RATIO_STEP``; all zeros where a
        pass does not span the homopolymer. ``run`` ``int16[n, HOMOPOLYMER_FIELDS]`` in the order of
        ``HOMOPOLYMER_PARTS``, evidence in steps of ``SCORE_STEP``.
    """
    return {"passes": _pass_tokens(evidence, chosen), "run": _homopolymer_token(evidence, chosen)}


def _pass_tokens(evidence: EditEvidence, chosen: NDArray[np.int64]) -> NDArray[np.int8]:
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
    tokens[:, :, KINETICS] = evidence.kinetics.fields(chosen, MOST_PASSES)
    tokens *= covered[:, chosen].T[:, :, None]
    return tokens


def _disagreement(deviates: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Number ``int8[passes, homopolymers]`` of nearby homopolymers at which each pass differs from the draft."""
    summed = np.cumsum(np.pad(deviates, ((0, 0), (_NEAR + 1, _NEAR))), axis=1, dtype=np.int32)
    width = 2 * _NEAR + 1
    return (summed[:, width:] - summed[:, :-width]).astype(np.int8)


def _homopolymer_token(evidence: EditEvidence, chosen: NDArray[np.int64]) -> NDArray[np.int16]:
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
        evidence.tandem_repeats[chosen],
        *(_shifted(evidence.base[None], chosen, step)[0] for step in steps),
        *(_shifted(evidence.length[None], chosen, step)[0] for step in steps),
        *depth,
        rates,
    ]
    return np.column_stack(parts).clip(-_MOST, _MOST).astype(np.int16)


def _pooled(ratios: NDArray[np.int8]) -> NDArray[np.float64]:
    """Pooled evidence ``float64[n, 17]`` of stored ratios ``int8[passes, n, 17]``, in steps of ``SCORE_STEP``."""
    return np.rint(pooled(ratios * np.float32(RATIO_STEP)) / SCORE_STEP)


def _shifted(values: NDArray[np.generic], chosen: NDArray[np.int64], step: np.integer) -> NDArray[np.generic]:
    """Columns ``[rows, n, ...]`` at an offset from the chosen homopolymers; 0 past the ends."""
    at = chosen + step
    inside = (at >= 0) & (at < values.shape[1])
    taken = values[:, np.where(inside, at, 0)]
    taken[:, ~inside] = 0
    return taken
