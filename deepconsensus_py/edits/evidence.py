"""Evidence of each pass for each small edit of the draft: log-likelihood ratios under the pair hidden Markov model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.edits.aligned_pass import AlignedPass, template_line
from deepconsensus_py.edits.band import HALF, PAD, Aligned, Reading, Template, fill_band, make_band, make_reading
from deepconsensus_py.edits.classes import EDITED
from deepconsensus_py.edits.error_rates import PassModel, insertion_factors
from deepconsensus_py.edits.repeats import Homopolymers, Integers, Repeats, ShortTandemRepeats
from deepconsensus_py.edits.scoring import MARGIN, Spots, homopolymer_likelihoods, tandem_likelihoods
from deepconsensus_py.kernels import kernel

UNIT_CHANGE = np.array([-1, 1], np.int8)
"""Change in repeat units of each tandem repeat edit."""

_LEAST_RATIO = np.float32(1e-9)
"""Bound of likelihood ratios, close to what float32 resolves."""

_NO_FACTORS = (np.ones(256, np.float32), np.ones(256, np.float32))

_UNINFORMATIVE = np.float32(0.01)
"""Probability that a pass is uninformative at a position: 1 to 2 % of its stretches of 100 bases are error bursts."""


UNSUPPORTED = -4.0
"""Evidence (nats) of a pass for edits that are not scored because too few passes support them."""

POOLED_UNSUPPORTED = -30.0
"""Pooled evidence (nats) for these."""

_TOGETHER = 100
"""Passes whose odds, each from 0.01 to 100, are multiplied within the range of float64."""


@dataclass(frozen=True, slots=True, eq=False)
class EditScores:
    """Evidence of every pass for edits of a draft.

    A log-likelihood ratio is ``ln P(pass | edited draft) - ln P(pass | draft)``; it is 0 where the pass does not span
    the homopolymer, where the homopolymer is not scored, and for edits that are impossible: deletions longer than the
    homopolymer, a base equal to the one replaced or to an adjacent one, a mismatch at the last base of a homopolymer of
    1. Error rates remain those of the homopolymer's length in the draft.

    Attributes:
        homopolymers: of the draft.
        tandem_repeats: of the draft.
        scored: ``bool[homopolymers]`` which homopolymers were scored.
        ratios: ``float32[passes, scored homopolymers, 17]`` of ``edits.classes.EDIT_CLASSES[1:]``, in nats, -20.7 to
            20.7.
        tandem_ratios: ``float32[passes, repeats, 2]`` of the edits ``UNIT_CHANGE``, likewise.
        covered: ``bool[passes, homopolymers]`` which homopolymers each pass spans.
        reverse: ``bool[passes]`` which passes read the opposite strand of the draft.
        log_likelihoods: ``float64[passes]`` of each pass given the template; -inf where no path fits.
        pooled: ``float64[scored homopolymers, EDITED]`` evidence pooled over all passes, nats.
        pooled_tandem: ``float64[repeats, 2]`` likewise.
    """

    homopolymers: Homopolymers
    tandem_repeats: ShortTandemRepeats
    scored: NDArray[np.bool_]
    ratios: NDArray[np.float32]
    tandem_ratios: NDArray[np.float32]
    covered: NDArray[np.bool_]
    reverse: NDArray[np.bool_]
    log_likelihoods: NDArray[np.float64]
    pooled: NDArray[np.float64]
    pooled_tandem: NDArray[np.float64]

    def of_passes(self, rows: Sequence[int]) -> "EditScores":
        """The evidence of some passes, by index."""
        if list(rows) == list(range(len(self.reverse))):
            return self
        by_pass = ("ratios", "tandem_ratios", "covered", "reverse", "log_likelihoods")
        some: dict[str, Any] = {name: getattr(self, name)[rows] for name in by_pass}
        return replace(self, **some, pooled=pooled(some["ratios"]), pooled_tandem=pooled(some["tandem_ratios"]))


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """The parts of a draft to score.

    Attributes:
        homopolymers: ``bool[homopolymers]``.
        tandem_repeats: ``bool[repeats]``.
        bases: ``bool[n]`` draft bases that form the template: the homopolymers and tandem repeats with enough flanking
            bases. Other bases, and what passes read there, are ignored.
    """

    homopolymers: NDArray[np.bool_]
    tandem_repeats: NDArray[np.bool_]
    bases: NDArray[np.bool_]


def pooled(ratios: NDArray[np.float32]) -> NDArray[np.float64]:
    """Pool the evidence of all passes, nats.

    Any pass may be uninformative at a position (error burst, misalignment), so each contributes at most ±4.6 nats.

    Args:
        ratios: ``float32[passes, n, edits]`` log-likelihood ratios.

    Returns:
        ``float64[n, edits]``.
    """
    summed = np.zeros(ratios.shape[1:])
    for first in range(0, len(ratios), _TOGETHER):
        together = ratios[first : first + _TOGETHER]
        odds = _product(np.exp(together).reshape(len(together), -1)).reshape(summed.shape)
        summed += np.log(odds, out=odds)
    return summed


@kernel
def _product(odds: NDArray[np.float32]) -> NDArray[np.float64]:
    """Pooled odds ``float64[n]`` of the odds ``float32[passes, n]`` of each pass."""
    product = np.ones(odds.shape[1])
    for row in range(len(odds)):
        # Each pass is a mixture of the model and an uninformative pass, between e and 1 / e.
        for k in range(odds.shape[1]):
            product[k] *= (odds[row, k] + _UNINFORMATIVE) / (np.float32(1) + _UNINFORMATIVE * odds[row, k])
    return product


def score_edits(
    repeats: Repeats,
    passes: Sequence[AlignedPass],
    rates: tuple[PassModel, PassModel],
    *,
    wanted: NDArray[np.bool_] | None = None,
) -> EditScores:
    """Score the edits of a draft by each of its passes.

    Pulse widths are used where present.

    Args:
        repeats: the draft.
        passes: aligned to it.
        rates: of the passes of each strand.
        wanted: ``bool[homopolymers]`` homopolymers to score; default all. Tandem repeats are always scored.
    """
    every = np.ones(len(repeats.homopolymers), np.bool_) if wanted is None else wanted
    scope = Scope(every, np.ones(len(repeats.tandem_repeats), np.bool_), np.ones(len(repeats.bases), np.bool_))
    return score_scope(repeats, scope, passes, rates)


def score_scope(
    repeats: Repeats, scope: Scope, passes: Sequence[AlignedPass], rates: tuple[PassModel, PassModel]
) -> EditScores:
    """Score parts of a draft, reading only the parts of the passes that this needs.

    Args:
        repeats: the draft.
        scope: what to score.
        passes: aligned to the draft.
        rates: of the passes of each strand.
    """
    homopolymers, tandem_repeats = repeats.homopolymers, repeats.tandem_repeats
    ratios = np.ones((len(passes), np.count_nonzero(scope.homopolymers), EDITED), np.float32)
    tandem_ratios = np.ones((len(passes), len(tandem_repeats), 2), np.float32)
    covered_homopolymers = np.zeros((len(passes), len(homopolymers)), np.bool_)
    log_likelihoods = np.full(len(passes), -np.inf)
    # Number of template bases before each draft base, and before its end.
    place = np.append(0, np.cumsum(scope.bases)).astype(np.int32)
    templates = [template_of(repeats, scope.bases, model) for model in rates]
    band = make_band(int(place[-1]) + 1)
    start, stop = place[homopolymers.start], place[homopolymers.stop]
    wanted = Spots(start[scope.homopolymers], stop[scope.homopolymers])
    tandem_rows = np.flatnonzero(scope.tandem_repeats)
    wanted_tandem = Spots(*(place[ends[tandem_rows]] for ends in (tandem_repeats.start, tandem_repeats.stop)))
    for number, p in enumerate(passes):
        read_bases, read = template_line(p, scope.bases)
        first = int(place[p.start])
        covered = slice(first, first + len(read) - 1)
        band.first[: len(read)] = read + (PAD - 1 - HALF)
        aligned = Aligned(reading_of(p, read_bases, rates[p.reverse]), _part(templates[p.reverse], covered), band)
        log_likelihoods[number] = fill_band(aligned)
        if np.isfinite(log_likelihoods[number]):
            covered_homopolymers[number, _between(Spots(start, stop), covered)] = True
            own = _between(wanted, covered)
            homopolymer_likelihoods(aligned, _relative(wanted, own, first), ratios[number, own])
            rows = np.flatnonzero(_inside(wanted_tandem, covered))
            spots, units = _relative(wanted_tandem, rows, first), tandem_repeats.unit[tandem_rows[rows]]
            tandem_ratios[number, tandem_rows[rows]] = tandem_likelihoods(aligned, spots, units)
    for values in (ratios, tandem_ratios):
        np.log(np.clip(values, _LEAST_RATIO, 1 / _LEAST_RATIO, out=values), out=values)
    return EditScores(
        homopolymers=homopolymers,
        tandem_repeats=tandem_repeats,
        scored=scope.homopolymers,
        ratios=ratios,
        tandem_ratios=tandem_ratios,
        covered=covered_homopolymers,
        reverse=np.array([p.reverse for p in passes], np.bool_),
        log_likelihoods=log_likelihoods,
        pooled=pooled(ratios),
        pooled_tandem=pooled(tandem_ratios),
    )


def _inside(spots: Spots, covered: slice) -> NDArray[np.bool_]:
    """Those at least ``MARGIN`` bases inside the part of the template that a pass covers."""
    inside: NDArray[np.bool_] = (spots.start >= covered.start + MARGIN) & (spots.stop <= covered.stop - MARGIN)
    return inside


def _between(spots: Spots, covered: slice) -> slice:
    """The same of homopolymers, which are in order."""
    return slice(
        int(spots.start.searchsorted(covered.start + MARGIN)),
        int(spots.stop.searchsorted(covered.stop - MARGIN, side="right")),
    )


def _relative(spots: Spots, chosen: slice | NDArray[np.intp], first: int) -> Spots:
    """Some of them, with positions relative to a position of the template."""
    return Spots(spots.start[chosen] - np.int32(first), spots.stop[chosen] - np.int32(first))


def template_of(repeats: Repeats, bases: NDArray[np.bool_], model: PassModel) -> Template:
    """Some bases of a draft, with the error rates of a strand's passes.

    Args:
        repeats: the draft.
        bases: ``bool[n]`` which of its bases.
        model: the rates.
    """
    letters, classes = repeats.bases[bases], repeats.length_class[bases]
    rates = (model.deletion[letters, classes], model.cognate[letters, classes])
    return Template(letters.astype(np.int32), *rates, model.deletion[:, 0].copy(), model.cognate[:, 0].copy())


def _part(whole: Template, covered: slice) -> Template:
    return whole._replace(bases=whole.bases[covered], loss=whole.loss[covered], gain=whole.gain[covered])


def reading_of(p: AlignedPass, read_bases: Integers, model: PassModel) -> Reading:
    """Some bases of a pass, with their probabilities.

    Args:
        p: the pass.
        read_bases: ``int32[n]`` positions of the bases.
        model: error rates of the passes of its strand.
    """
    source = p.source
    # Without pulse widths all factors are 1, whatever the code.
    codes = source.bases if source.pulse_widths is None else source.pulse_widths
    factors = _NO_FACTORS if source.pulse_widths is None else insertion_factors()
    return make_reading((source.bases, codes), read_bases, factors, model.foreign, model.emission)
