"""What each pass says about each small edit of the draft: log-likelihood ratios from the pair hidden Markov model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.edits import scoring as edits
from deepconsensus_py.edits.band import HALF, PAD, Aligned, Reading, Template, make_band, make_reading, run_band
from deepconsensus_py.edits.error_counts import class_of_bases
from deepconsensus_py.edits.error_rates import PassModel, insertion_factors
from deepconsensus_py.edits.line import Line, line_of, within
from deepconsensus_py.edits.repeats import Integers, Runs, Tracts, find_runs, find_tracts
from deepconsensus_py.pacbio.molecule import Pass

UNIT_CHANGE = np.array([-1, 1], np.int8)
"""Copies by which each edit makes a tract longer."""

_LEAST_RATIO = np.float32(1e-9)
"""Single precision reaches little further."""

_NO_FACTORS = (np.ones(256, np.float32), np.ones(256, np.float32))

_SAYS_NOTHING = np.float32(0.01)
"""Share of places where a pass says nothing: 1 to 2 % of its stretches of 100 bases are bursts of errors."""


_TOGETHER = 100
"""Passes whose odds, each of 0.01 to 100, are multiplied: double precision holds the product."""


@dataclass(frozen=True, slots=True, eq=False)
class RunScores:
    """Evidence of every pass about edits of a draft.

    A log-likelihood ratio is ``ln P(pass | edited draft) - ln P(pass | draft)``; it is 0 where the pass does not cover
    the run, where the run is not scored, and for edits that are none: more bases less than the run has, a base equal to
    the run's or, put in, to the one before it, another last base of a run of one. Error rates of a run stay those of
    its length in the draft.

    Attributes:
        runs: homopolymer runs of the draft.
        tracts: repeat tracts of the draft.
        scored: ``bool[runs]`` which runs were scored.
        ratios: ``float32[passes, scored runs, 16]`` of ``edits.classes.EDITS[1:]``, in nats, -20.7 to 20.7.
        tract_ratios: ``float32[passes, tracts, 2]`` of the edits ``UNIT_CHANGE``, likewise.
        covered: ``bool[passes, runs]`` which runs each pass says something about.
        reverse: ``bool[passes]`` which passes read the strand opposite to the draft.
        log_likelihoods: ``float64[passes]`` of each pass given the template; -inf where it fits no path.
    """

    runs: Runs
    tracts: Tracts
    scored: NDArray[np.bool_]
    ratios: NDArray[np.float32]
    tract_ratios: NDArray[np.float32]
    covered: NDArray[np.bool_]
    reverse: NDArray[np.bool_]
    log_likelihoods: NDArray[np.float64]

    @property
    def run_ratios(self) -> NDArray[np.float32]:
        """``float32[passes, runs, 16]``: ``ratios``, and 0 for runs that are not scored."""
        ratios = np.zeros((len(self.ratios), len(self.runs), edits.EDITS), np.float32)
        ratios[:, self.scored] = self.ratios
        return ratios

    def of_passes(self, rows: Sequence[int]) -> "RunScores":
        """The evidence of some of the passes, given by their numbers."""
        by_pass = ("ratios", "tract_ratios", "covered", "reverse", "log_likelihoods")
        return replace(self, **{name: getattr(self, name)[rows] for name in by_pass})


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """What to score of a draft.

    Attributes:
        runs: ``bool[runs]``.
        tracts: ``bool[tracts]``.
        bases: ``bool[n]`` the bases of the draft that are the template: those of the runs and tracts, and enough around
            them. Bases that are left out, and what passes read there, are as if they were not.
    """

    runs: NDArray[np.bool_]
    tracts: NDArray[np.bool_]
    bases: NDArray[np.bool_]


def pooled(ratios: NDArray[np.float32]) -> NDArray[np.float64]:
    """The evidence of all passes together, nats.

    One of them may say nothing at a place (lost in a burst of errors, wrongly aligned), so none counts for more than
    4.6 nats.

    Args:
        ratios: ``float32[passes, n, edits]`` log-likelihood ratios.

    Returns:
        ``float64[n, edits]``.
    """
    summed = np.zeros(ratios.shape[1:])
    for first in range(0, len(ratios), _TOGETHER):
        odds = np.exp(ratios[first : first + _TOGETHER])
        bounds = 1 + _SAYS_NOTHING * odds
        odds += _SAYS_NOTHING
        odds /= bounds
        summed += np.log(np.multiply.reduce(odds, axis=0, dtype=np.float64))
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
    every = np.ones(len(runs), np.bool_) if wanted is None else wanted
    scope = Scope(every, np.ones(len(tracts), np.bool_), np.ones(len(draft), np.bool_))
    return score_scope(draft, (runs, tracts), scope, passes, models)


def score_scope(
    draft: NDArray[np.uint8],
    spans: tuple[Runs, Tracts],
    scope: Scope,
    passes: Sequence[Pass],
    models: tuple[PassModel, PassModel],
) -> RunScores:
    """Score some runs and tracts of a draft, reading no more of the passes than that needs.

    Args:
        draft: ``uint8[n]`` base codes.
        spans: its runs and tracts.
        scope: what to score.
        passes: aligned to the draft.
        models: of the passes of each strand.
    """
    runs, tracts = spans
    scores = RunScores(
        runs=runs,
        tracts=tracts,
        scored=scope.runs,
        ratios=np.ones((len(passes), np.count_nonzero(scope.runs), edits.EDITS), np.float32),
        tract_ratios=np.ones((len(passes), len(tracts), 2), np.float32),
        covered=np.zeros((len(passes), len(runs)), np.bool_),
        reverse=np.array([p.reverse for p in passes], np.bool_),
        log_likelihoods=np.full(len(passes), -np.inf),
    )
    # Of each base of the draft, and of its end, how many bases of the template lie before it.
    place = np.append(0, np.cumsum(scope.bases)).astype(np.int32)
    templates = [_template(draft, scope.bases, model) for model in models]
    band = make_band(int(place[-1]) + 1)
    start, stop = place[runs.start], place[runs.stop]
    wanted_runs = _Wanted(np.arange(scores.ratios.shape[1]), start[scope.runs], stop[scope.runs])
    wanted_tracts = _Wanted(
        np.flatnonzero(scope.tracts), *(place[s[scope.tracts]] for s in (tracts.start, tracts.stop))
    )
    for number, p in enumerate(passes):
        line = within(line_of(p), scope.bases)
        first = int(place[line.start])
        covered = slice(first, first + len(line.read) - 1)
        band.first[: len(line.read)] = line.read + (PAD - 1 - HALF)
        aligned = Aligned(_reading(p, line, models[p.reverse]), _part(templates[p.reverse], covered), band)
        scores.log_likelihoods[number] = run_band(aligned)
        if np.isfinite(scores.log_likelihoods[number]):
            scores.covered[number] = _inside(start, stop, covered)
            rows, spots = wanted_runs.of(covered)
            scores.ratios[number, rows] = edits.score_runs(aligned, spots)
            rows, spots = wanted_tracts.of(covered)
            scores.tract_ratios[number, rows] = edits.score_units(aligned, spots, tracts.unit[rows])
    for ratios in (scores.ratios, scores.tract_ratios):
        np.log(np.clip(ratios, _LEAST_RATIO, 1 / _LEAST_RATIO, out=ratios), out=ratios)
    return scores


@dataclass(frozen=True, slots=True, eq=False)
class _Wanted:
    """Runs or tracts to score: the rows of their results, where they begin and end in the template of all passes."""

    rows: NDArray[np.intp]
    start: Integers
    stop: Integers

    def of(self, covered: slice) -> tuple[NDArray[np.intp], edits.Spots]:
        """Those that a pass says something about, and where they are in the stretch that it covers."""
        inside = _inside(self.start, self.stop, covered)
        begin = np.int32(covered.start)
        return self.rows[inside], edits.Spots(self.start[inside] - begin, self.stop[inside] - begin)


def _inside(start: Integers, stop: Integers, covered: slice) -> NDArray[np.bool_]:
    """Far enough from the ends of the stretch of the template that a pass covers."""
    inside: NDArray[np.bool_] = (start >= covered.start + edits.MARGIN) & (stop <= covered.stop - edits.MARGIN)
    return inside


def _template(draft: NDArray[np.uint8], bases: NDArray[np.bool_], model: PassModel) -> Template:
    letters, classes = draft[bases], class_of_bases(draft)[bases]
    rates = (model.deletion[letters, classes], model.cognate[letters, classes])
    return Template(letters.astype(np.int32), *rates, model.deletion[:, 0].copy(), model.cognate[:, 0].copy())


def _part(whole: Template, covered: slice) -> Template:
    return whole._replace(bases=whole.bases[covered], loss=whole.loss[covered], gain=whole.gain[covered])


def _reading(p: Pass, line: Line, model: PassModel) -> Reading:
    # Without pulse widths any codes will do: the factor is 1 for all.
    codes = p.bases if p.pulse_widths is None else p.pulse_widths
    factors = _NO_FACTORS if p.pulse_widths is None else insertion_factors()
    return make_reading((p.bases, codes), line.bases, factors, model.foreign, model.emission)
