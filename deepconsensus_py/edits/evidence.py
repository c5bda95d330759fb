"""What each pass says about each small edit of the draft: log-likelihood ratios from the pair hidden Markov model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.edits.aligned_pass import AlignedPass, template_line
from deepconsensus_py.edits.band import HALF, PAD, Aligned, Reading, Template, make_band, make_reading, run_band
from deepconsensus_py.edits.classes import EDITED
from deepconsensus_py.edits.error_rates import PassModel, insertion_factors
from deepconsensus_py.edits.repeats import Integers, Repeats, Runs, Tracts
from deepconsensus_py.edits.scoring import MARGIN, Spots, run_likelihoods, tract_likelihoods

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
        ratios: ``float32[passes, scored runs, 16]`` of ``edits.classes.EDIT_CLASSES[1:]``, in nats, -20.7 to 20.7.
        tract_ratios: ``float32[passes, tracts, 2]`` of the edits ``UNIT_CHANGE``, likewise.
        covered: ``bool[passes, runs]`` which runs each pass says something about.
        reverse: ``bool[passes]`` which passes read the strand opposite to the draft.
        log_likelihoods: ``float64[passes]`` of each pass given the template; -inf where it fits no path.
        pooled: ``float64[scored runs, EDITED]`` evidence of all passes together, nats.
        pooled_tracts: ``float64[tracts, 2]`` likewise.
    """

    runs: Runs
    tracts: Tracts
    scored: NDArray[np.bool_]
    ratios: NDArray[np.float32]
    tract_ratios: NDArray[np.float32]
    covered: NDArray[np.bool_]
    reverse: NDArray[np.bool_]
    log_likelihoods: NDArray[np.float64]
    pooled: NDArray[np.float64]
    pooled_tracts: NDArray[np.float64]

    def of_passes(self, rows: Sequence[int]) -> "RunScores":
        """The evidence of some of the passes, given by their numbers."""
        if list(rows) == list(range(len(self.reverse))):
            return self
        by_pass = ("ratios", "tract_ratios", "covered", "reverse", "log_likelihoods")
        some: dict[str, Any] = {name: getattr(self, name)[rows] for name in by_pass}
        return replace(self, **some, pooled=pooled(some["ratios"]), pooled_tracts=pooled(some["tract_ratios"]))


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
    repeats: Repeats,
    passes: Sequence[AlignedPass],
    rates: tuple[PassModel, PassModel],
    *,
    wanted: NDArray[np.bool_] | None = None,
) -> RunScores:
    """Score the edits of a draft by each of its passes.

    Pulse widths count where a pass has them.

    Args:
        repeats: the draft.
        passes: aligned to it.
        rates: of the passes of each strand.
        wanted: ``bool[runs]`` which runs to score; all by default. Tracts are scored in any case.
    """
    every = np.ones(len(repeats.runs), np.bool_) if wanted is None else wanted
    scope = Scope(every, np.ones(len(repeats.tracts), np.bool_), np.ones(len(repeats.bases), np.bool_))
    return score_scope(repeats, scope, passes, rates)


def score_scope(
    repeats: Repeats, scope: Scope, passes: Sequence[AlignedPass], rates: tuple[PassModel, PassModel]
) -> RunScores:
    """Score some runs and tracts of a draft, reading no more of the passes than that needs.

    Args:
        repeats: the draft.
        scope: what to score.
        passes: aligned to the draft.
        rates: of the passes of each strand.
    """
    runs, tracts = repeats.runs, repeats.tracts
    ratios = np.ones((len(passes), np.count_nonzero(scope.runs), EDITED), np.float32)
    tract_ratios = np.ones((len(passes), len(tracts), 2), np.float32)
    covered_runs = np.zeros((len(passes), len(runs)), np.bool_)
    log_likelihoods = np.full(len(passes), -np.inf)
    # Of each base of the draft, and of its end, how many bases of the template lie before it.
    place = np.append(0, np.cumsum(scope.bases)).astype(np.int32)
    templates = [_template(repeats, scope.bases, model) for model in rates]
    band = make_band(int(place[-1]) + 1)
    start, stop = place[runs.start], place[runs.stop]
    wanted_runs = _Wanted(np.arange(ratios.shape[1]), start[scope.runs], stop[scope.runs])
    wanted_tracts = _Wanted(
        np.flatnonzero(scope.tracts), *(place[s[scope.tracts]] for s in (tracts.start, tracts.stop))
    )
    for number, p in enumerate(passes):
        read_bases, read = template_line(p, scope.bases)
        first = int(place[p.start])
        covered = slice(first, first + len(read) - 1)
        band.first[: len(read)] = read + (PAD - 1 - HALF)
        aligned = Aligned(_reading(p, read_bases, rates[p.reverse]), _part(templates[p.reverse], covered), band)
        log_likelihoods[number] = run_band(aligned)
        if np.isfinite(log_likelihoods[number]):
            covered_runs[number] = _inside(start, stop, covered)
            rows, spots = wanted_runs.of(covered)
            ratios[number, rows] = run_likelihoods(aligned, spots)
            rows, spots = wanted_tracts.of(covered)
            tract_ratios[number, rows] = tract_likelihoods(aligned, spots, tracts.unit[rows])
    for values in (ratios, tract_ratios):
        np.log(np.clip(values, _LEAST_RATIO, 1 / _LEAST_RATIO, out=values), out=values)
    return RunScores(
        runs=runs,
        tracts=tracts,
        scored=scope.runs,
        ratios=ratios,
        tract_ratios=tract_ratios,
        covered=covered_runs,
        reverse=np.array([p.reverse for p in passes], np.bool_),
        log_likelihoods=log_likelihoods,
        pooled=pooled(ratios),
        pooled_tracts=pooled(tract_ratios),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Wanted:
    """Runs or tracts to score: the rows of their results, where they begin and end in the template of all passes."""

    rows: NDArray[np.intp]
    start: Integers
    stop: Integers

    def of(self, covered: slice) -> tuple[NDArray[np.intp], Spots]:
        """Those that a pass says something about, and where they are in the stretch that it covers."""
        inside = _inside(self.start, self.stop, covered)
        begin = np.int32(covered.start)
        return self.rows[inside], Spots(self.start[inside] - begin, self.stop[inside] - begin)


def _inside(start: Integers, stop: Integers, covered: slice) -> NDArray[np.bool_]:
    """Far enough from the ends of the stretch of the template that a pass covers."""
    inside: NDArray[np.bool_] = (start >= covered.start + MARGIN) & (stop <= covered.stop - MARGIN)
    return inside


def _template(repeats: Repeats, bases: NDArray[np.bool_], model: PassModel) -> Template:
    letters, classes = repeats.bases[bases], repeats.length_class[bases]
    rates = (model.deletion[letters, classes], model.cognate[letters, classes])
    return Template(letters.astype(np.int32), *rates, model.deletion[:, 0].copy(), model.cognate[:, 0].copy())


def _part(whole: Template, covered: slice) -> Template:
    return whole._replace(bases=whole.bases[covered], loss=whole.loss[covered], gain=whole.gain[covered])


def _reading(p: AlignedPass, read_bases: Integers, model: PassModel) -> Reading:
    source = p.source
    # Without pulse widths any codes will do: the factor is 1 for all.
    codes = source.bases if source.pulse_widths is None else source.pulse_widths
    factors = _NO_FACTORS if source.pulse_widths is None else insertion_factors()
    return make_reading((source.bases, codes), read_bases, factors, model.foreign, model.emission)
