"""What each pass says about each small edit of the draft: log-likelihood ratios from the pair hidden Markov model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.hmm import edits
from deepconsensus_py.hmm.band import HALF, PAD, Reading, Template, make_band, run_band
from deepconsensus_py.hmm.edits import Aligned
from deepconsensus_py.hmm.lanes import make_lanes, make_next
from deepconsensus_py.hmm.parameters import PassModel
from deepconsensus_py.hmm.pulse_widths import insertion_factors
from deepconsensus_py.hmm.tally import Line, class_of_bases, line_of
from deepconsensus_py.pacbio.molecule import A, N, Pass
from deepconsensus_py.runs.homopolymers import Runs, find_runs
from deepconsensus_py.runs.tracts import UNITS, Integers, Tracts, find_tracts

CHANGE = np.array([-4, -3, -2, -1, 1, 2, 3, 4] + [0] * 12, np.int8)
"""Bases by which each edit makes a run longer."""

PUT_IN = np.array([0] * 8 + list(range(A, N)) + [0] * 8, np.uint8)
"""Base code that each edit puts in front of a run, 0 for none."""

FIRST = np.array([0] * 12 + list(range(A, N)) + [0] * 4, np.uint8)
"""Base code that each edit puts in the place of the first base of a run, 0 for none."""

LAST = np.array([0] * 16 + list(range(A, N)), np.uint8)
"""Base code that each edit puts in the place of the last base of a run of two and more, 0 for none."""

UNIT_CHANGE = np.array([-1, 1], np.int8)
"""Copies by which each edit makes a tract longer."""

_LEAST_RATIO = np.float32(1e-9)
"""Single precision reaches little further."""

_SAYS_NOTHING = np.float32(0.01)
"""Share of places where a pass says nothing: 1 to 2 % of its stretches of 100 bases are bursts of errors."""


@dataclass(frozen=True, slots=True, eq=False)
class RunScores:
    """Evidence of every pass about every edit.

    A log-likelihood ratio is ``ln P(pass | edited draft) - ln P(pass | draft)``; it is 0 where the pass does not cover
    the run, and for edits that are none: more bases less than the run has, a base equal to the run's or, put in, to the
    one before it, another last base of a run of one. Error rates of a run stay those of its length in the draft.

    Attributes:
        runs: homopolymer runs of the draft.
        tracts: repeat tracts of the draft.
        run_ratios: ``float32[passes, runs, 20]`` of the edits ``CHANGE``, ``PUT_IN``, ``FIRST`` and ``LAST``, in nats,
            -20.7 to 20.7.
        tract_ratios: ``float32[passes, tracts, 2]`` of the edits ``UNIT_CHANGE``, likewise.
        covered: ``bool[passes, runs]`` which runs each pass says something about.
        reverse: ``bool[passes]`` which passes read the strand opposite to the draft.
        log_likelihoods: ``float64[passes]`` of each pass given the draft it covers; -inf where it fits no path.
    """

    runs: Runs
    tracts: Tracts
    run_ratios: NDArray[np.float32]
    tract_ratios: NDArray[np.float32]
    covered: NDArray[np.bool_]
    reverse: NDArray[np.bool_]
    log_likelihoods: NDArray[np.float64]


def pooled(ratios: NDArray[np.float32]) -> NDArray[np.float64]:
    """The evidence of all passes together, nats.

    One of them may say nothing at a place (lost in a burst of errors, wrongly aligned), so none counts for more than
    4.6 nats.

    Args:
        ratios: ``float32[passes, n, edits]`` log-likelihood ratios.

    Returns:
        ``float64[n, edits]``.
    """
    odds = np.exp(ratios)
    bounded = np.log((odds + _SAYS_NOTHING) / (1 + _SAYS_NOTHING * odds))
    summed: NDArray[np.float64] = bounded.sum(axis=0, dtype=np.float64)
    return summed


def score_runs(
    draft: NDArray[np.uint8],
    passes: Sequence[Pass],
    models: tuple[PassModel, PassModel],
    *,
    wanted: NDArray[np.bool_] | None = None,
) -> RunScores:
    """Score the edits of a draft by each of its passes.

    Pulse widths count where a pass has them.

    Args:
        draft: ``uint8[n]`` base codes.
        passes: aligned to it.
        models: of the passes of each strand.
        wanted: ``bool[runs]`` which runs to score; all by default. Tracts are scored in any case.
    """
    runs, tracts = find_runs(draft), find_tracts(draft)
    scores = RunScores(
        runs=runs,
        tracts=tracts,
        run_ratios=np.ones((len(passes), len(runs), edits.EDITS), np.float32),
        tract_ratios=np.ones((len(passes), len(tracts), 2), np.float32),
        covered=np.zeros((len(passes), len(runs)), np.bool_),
        reverse=np.array([p.reverse for p in passes], np.bool_),
        log_likelihoods=np.full(len(passes), -np.inf),
    )
    templates = [_template(draft, model) for model in models]
    band, lanes = make_band(len(draft) + 1), make_lanes()
    after = make_next(lanes)
    for number, p in enumerate(passes):
        line = line_of(p)
        covered = slice(line.start, line.start + len(line.read) - 1)
        reading, template = _reading(p, line, models[p.reverse]), _part(templates[p.reverse], covered)
        aligned = Aligned(reading, template, band, lanes, after)
        band.first[: len(line.read)] = line.read + (PAD - 1 - HALF)
        scores.log_likelihoods[number] = run_band(aligned.read, aligned.template, band)
        if np.isfinite(scores.log_likelihoods[number]):
            _score_pass(scores, number, aligned, covered, wanted)
    for ratios in (scores.run_ratios, scores.tract_ratios):
        np.log(np.clip(ratios, _LEAST_RATIO, 1 / _LEAST_RATIO, out=ratios), out=ratios)
    return scores


def _score_pass(
    scores: RunScores, number: int, aligned: Aligned, covered: slice, wanted: NDArray[np.bool_] | None
) -> None:
    """Fill a pass's rows with likelihood ratios."""
    runs, tracts = scores.runs, scores.tracts
    inside = _inside(runs.start, runs.stop, covered)
    scores.covered[number] = inside if wanted is None else inside & wanted
    spots, out = _spots(runs, scores.covered[number], covered), scores.run_ratios[number]
    edits.score_runs(aligned, spots, out)
    long = spots.stop - spots.start > 1
    last = edits.Spots(spots.stop[long] - np.int32(1), spots.stop[long], spots.rows[long])
    for bases, removed, columns in ((spots, 0, edits.IN_FRONT), (spots, 1, edits.FIRST), (last, 1, edits.LAST)):
        edits.score_letters(aligned, bases, removed, out[:, columns])
    inside = _inside(tracts.start, tracts.stop, covered)
    for unit in UNITS:
        spots = _spots(tracts, inside & (tracts.unit == unit), covered)
        edits.score_units(aligned, spots, unit, scores.tract_ratios[number])


def _inside(start: Integers, stop: Integers, covered: slice) -> NDArray[np.bool_]:
    """Far enough from the ends of the stretch that a pass covers."""
    inside: NDArray[np.bool_] = (start >= covered.start + edits.MARGIN) & (stop <= covered.stop - edits.MARGIN)
    return inside


def _spots(spans: Runs | Tracts, which: NDArray[np.bool_], covered: slice) -> edits.Spots:
    rows = np.flatnonzero(which)
    start = np.int32(covered.start)
    return edits.Spots(spans.start[rows] - start, spans.stop[rows] - start, rows)


def _template(draft: NDArray[np.uint8], model: PassModel) -> Template:
    classes = class_of_bases(draft)
    rates = (model.deletion[draft, classes], model.cognate[draft, classes])
    return Template(draft.astype(np.int32), *rates, model.deletion[:, 0].copy(), model.cognate[:, 0].copy())


def _part(whole: Template, covered: slice) -> Template:
    return whole._replace(bases=whole.bases[covered], loss=whole.loss[covered], gain=whole.gain[covered])


def _reading(p: Pass, line: Line, model: PassModel) -> Reading:
    bases = np.zeros(len(line.bases) + 2 * PAD, np.int32)
    inner = slice(PAD, PAD + len(line.bases))
    bases[inner] = p.bases[line.bases]
    cognate = np.zeros(len(bases), np.float32)
    foreign = model.foreign[bases]
    cognate[inner] = 1
    if p.pulse_widths is not None:
        by_cognate, by_foreign = insertion_factors()
        codes = p.pulse_widths[line.bases]
        cognate[inner] = by_cognate[codes]
        foreign[inner] *= by_foreign[codes]
    return Reading(bases, cognate, foreign, np.ascontiguousarray(model.emission[:, bases]))
