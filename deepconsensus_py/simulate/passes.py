"""One pass of the polymerase over a strand: bases and kinetics."""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.pacbio.molecule import GAP, N
from deepconsensus_py.simulate.profile import LONGEST_HOMOPOLYMER, BaseClass, Kinetics, PassProfile
from deepconsensus_py.simulate.templates import TemplateHomopolymers, template_homopolymers

_REACH = 6.0
"""Range of the table of the normal distribution, standard deviations."""

HIGHEST_PROBABILITY = 0.45
# Powers of the insertion factor: noisy molecules have far more foreign insertions, but only slightly longer
# homopolymers.
LENGTHENING, FOREIGN = 0.5, 1.4

_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class StrandTemplate:
    """A strand of a molecule, in read orientation.

    Attributes:
        template: ``uint8[n]`` base codes.
        homopolymers: its homopolymers.
        before: ``uint8[n]`` base before each base; a gap at the start.
        behind: ``uint8[n]`` base after each base; a gap at the end.
        deviates: ``float64[homopolymers]`` normal deviate of the observed length of each homopolymer.
    """

    template: NDArray[np.uint8]
    homopolymers: TemplateHomopolymers
    before: NDArray[np.uint8]
    behind: NDArray[np.uint8]
    deviates: _Floats


@dataclass(frozen=True, slots=True, eq=False)
class PassRead:
    """The bases of a pass.

    Attributes:
        bases: ``uint8[n]`` base codes in the order of sequencing.
        classes: ``uint8[n]`` ``BaseClass`` of each base.
        origin: ``int64[n]`` template base of each base, or the one it is inserted before; ascending.
    """

    bases: NDArray[np.uint8]
    classes: NDArray[np.uint8]
    origin: _Ints

    def cut(self, start: int, stop: int) -> "PassRead":
        """The part from template base ``start`` to ``stop``."""
        part = slice(*np.searchsorted(self.origin, (start, stop)))
        return PassRead(self.bases[part], self.classes[part], self.origin[part])


@dataclass(frozen=True, slots=True, eq=False)
class _Insertions:
    """Insertion events: template base after each, lengths, classes and bases."""

    before: _Ints
    lengths: _Ints
    classes: NDArray[np.uint8]
    bases: NDArray[np.uint8]


def prepare_strand(template: NDArray[np.uint8], rng: np.random.Generator) -> StrandTemplate:
    """Prepare a strand for reading.

    Args:
        template: ``uint8[n]`` base codes in read orientation.
        rng: source of randomness.
    """
    homopolymers = template_homopolymers(template)
    padded = np.pad(template, 1, constant_values=GAP)
    return StrandTemplate(
        template, homopolymers, padded[:-2], padded[2:], rng.standard_normal(len(homopolymers.starts))
    )


def read_strand(strand: StrandTemplate, profile: PassProfile, factors: _Floats, rng: np.random.Generator) -> PassRead:
    """Read a strand once, from end to end.

    Args:
        strand: what to read.
        profile: error rates.
        factors: ``float64[3]`` on mismatches, insertions and deletions.
        rng: source of randomness.
    """
    template = strand.template
    change = _homopolymer_changes(strand, profile, factors, rng)
    kept = (
        np.arange(len(template)) - strand.homopolymers.starts[strand.homopolymers.index]
        >= -change[strand.homopolymers.index]
    )
    called = _call(strand, profile.mismatch * factors[0], rng)
    classes = np.where(called == template, np.uint8(BaseClass.MATCH), np.uint8(BaseClass.MISMATCH))
    after_deletion = np.zeros(len(template), bool)
    after_deletion[1:] = ~kept[:-1]
    classes[after_deletion & (classes == BaseClass.MATCH)] = BaseClass.MATCH_AFTER_DELETION
    burst = _burst_factors(len(template), profile, rng) * factors[1] ** FOREIGN
    events = (
        _long_insertions(strand, profile, burst, rng),
        _foreign_insertions(strand, profile, burst, rng),
        _extra_bases(strand, change),
    )
    origin = np.concatenate([np.repeat(e.before, e.lengths) for e in events] + [np.flatnonzero(kept)])
    order = np.argsort(origin, kind="stable")
    bases = np.concatenate([e.bases for e in events] + [called[kept]])
    all_classes = np.concatenate([np.repeat(e.classes, e.lengths) for e in events] + [classes[kept]])
    return PassRead(bases[order], all_classes[order], origin[order])


def _homopolymer_changes(
    strand: StrandTemplate, profile: PassProfile, factors: _Floats, rng: np.random.Generator
) -> _Ints:
    """Change in the observed length of each homopolymer."""
    first = strand.homopolymers.starts
    base, length = strand.template[first], np.minimum(strand.homopolymers.lengths, LONGEST_HOMOPOLYMER)
    context = (strand.before[first], base, strand.behind[first])
    shorter = _capped(profile.shorten[base, length] * profile.shorten_context[context] * factors[2])
    longer = _capped(profile.lengthen[base, length] * profile.lengthen_context[context] * factors[1] ** LENGTHENING)
    shared = profile.homopolymer_correlation[length]
    own = rng.standard_normal(len(first))
    place = rank(np.sqrt(shared) * strand.deviates + np.sqrt(1 - shared) * own)
    change = np.zeros(len(first), np.int64)
    less, more = np.flatnonzero(place < shorter), np.flatnonzero(place > 1 - longer)
    # The farther out in the tail, the larger the change.
    tail = 1 - place[less] / shorter[less]
    change[less] = -1 - _pick(profile.shorten_amount[length[less]], tail)
    tail = 1 - (1 - place[more]) / longer[more]
    change[more] = 1 + _pick(profile.lengthen_amount[length[more]], tail)
    return np.maximum(change, -strand.homopolymers.lengths)


def _capped(probability: _Floats) -> _Floats:
    return np.minimum(probability, HIGHEST_PROBABILITY)


def _pick(shares: _Floats, place: _Floats) -> _Ints:
    """The outcome, 0, 1, …, at a quantile of each row of shares."""
    cumulative = np.cumsum(shares, axis=-1)[..., :-1]
    picked: _Ints = (place[:, None] >= cumulative).sum(axis=1)
    return picked


def _call(strand: StrandTemplate, mismatch: _Floats, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The called bases, with mismatches."""
    template = strand.template
    rate = mismatch.sum(axis=-1)[strand.before, template, strand.behind]
    changed = np.flatnonzero(rng.random(len(template)) < rate)
    called = template.copy()
    wrong = mismatch[strand.before[changed], template[changed], strand.behind[changed]]
    called[changed] = _pick(wrong / wrong.sum(axis=1, keepdims=True), rng.random(len(changed)))
    # The instrument always calls a base.
    unknown = called == N
    called[unknown] = rng.integers(1, N, int(unknown.sum()))
    return called


def _burst_factors(length: int, profile: PassProfile, rng: np.random.Generator) -> _Floats:
    """The factor on insertions at each template base, one outside bursts."""
    starts = rng.integers(0, length, rng.poisson(length * profile.burst.rate))
    stops = np.minimum(starts + 1 + rng.exponential(profile.burst.length, len(starts)).astype(np.int64), length)
    edges = np.bincount(starts, minlength=length + 1) - np.bincount(stops, minlength=length + 1)
    return np.where(np.cumsum(edges)[:length] > 0, profile.burst.factor, 1.0)


def _long_insertions(
    strand: StrandTemplate, profile: PassProfile, factor: _Floats, rng: np.random.Generator
) -> _Insertions:
    before = np.flatnonzero(rng.random(len(factor)) < profile.long_insertion * factor)
    share = np.broadcast_to(profile.long_insertion_length, (len(before), len(profile.long_insertion_length)))
    lengths = _pick(share, rng.random(len(before)))
    longest = lengths == len(profile.long_insertion_length) - 1
    lengths[longest] += rng.exponential(len(profile.long_insertion_length) / 2, int(longest.sum())).astype(np.int64)
    behind = np.repeat(before, lengths)
    neighbours = np.stack((strand.before[behind], strand.template[behind]))
    bases = neighbours[rng.integers(0, 2, len(behind)), np.arange(len(behind))]
    alike = rng.random(len(before)) < profile.long_insertion_cognate
    foreign = ~np.repeat(alike, lengths) | (bases == GAP) | (bases == N)
    weights = np.broadcast_to(profile.inserted_base, (int(foreign.sum()), len(profile.inserted_base)))
    bases[foreign] = _pick(weights, rng.random(len(weights)))
    return _Insertions(before, lengths, np.full(len(before), BaseClass.INSERTION_MULTI, np.uint8), bases)


def _foreign_insertions(
    strand: StrandTemplate, profile: PassProfile, factor: _Floats, rng: np.random.Generator
) -> _Insertions:
    rates = profile.foreign_insertion
    total = rates.sum(axis=-1)[strand.before, strand.template]
    before = np.flatnonzero(rng.random(len(factor)) < total * factor)
    shares = rates[strand.before[before], strand.template[before]]
    bases = _pick(shares / shares.sum(axis=1, keepdims=True), rng.random(len(before))).astype(np.uint8)
    classes = np.full(len(before), BaseClass.INSERTION_NONCOGNATE, np.uint8)
    return _Insertions(before, np.ones(len(before), np.int64), classes, bases)


def _extra_bases(strand: StrandTemplate, change: _Ints) -> _Insertions:
    longer = np.flatnonzero(change > 0)
    before, lengths = strand.homopolymers.starts[longer], change[longer]
    single = np.uint8(BaseClass.INSERTION_COGNATE)
    classes = np.where(lengths == 1, single, np.uint8(BaseClass.INSERTION_MULTI))
    return _Insertions(before, lengths, classes, np.repeat(strand.template[before], lengths))


def rank(deviates: NDArray[np.float64]) -> NDArray[np.float64]:
    """The standard normal distribution function, to 1e-6."""
    places, values = _table()
    return np.interp(deviates, places, values)


@cache
def _table() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    places = np.linspace(-_REACH, _REACH, 4801)
    return places, np.array([0.5 * math.erfc(-place / math.sqrt(2)) for place in places])


@dataclass(frozen=True, slots=True, eq=False)
class Pulses:
    """What the pulse widths, or inter-pulse durations, of a molecule's passes share.

    Attributes:
        level: the molecule's part of the normal deviates.
        known: ``float64[n]`` level, context and place of the bases of both strands.
    """

    level: float
    known: tuple[_Floats, ...]


def prepare_pulses(
    strands: tuple[StrandTemplate, StrandTemplate], profile: Kinetics, rng: np.random.Generator
) -> Pulses:
    """Pulses of a molecule.

    Args:
        strands: the molecule's.
        profile: distributions.
        rng: source of randomness.
    """
    level = float(np.sqrt(profile.molecule) * rng.standard_normal())
    places = [np.sqrt(profile.place) * rng.standard_normal(len(strand.template)) for strand in strands]
    contexts = [profile.context[strand.before, strand.template, strand.behind] for strand in strands]
    return Pulses(level, tuple(level + context + place for context, place in zip(contexts, places, strict=True)))


def draw_kinetics(
    reading: PassRead, pulses: Pulses, reverse: bool, profile: Kinetics, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Pulse widths or inter-pulse durations of one pass.

    Args:
        reading: the pass.
        pulses: of its molecule.
        reverse: the pass reads the second strand.
        profile: distributions.
        rng: source of randomness.

    Returns:
        ``uint8[bases]`` codec V1 codes.
    """
    on_template = (reading.classes == BaseClass.MATCH) | (reading.classes == BaseClass.MATCH_AFTER_DELETION)
    known = pulses.known[int(reverse)][reading.origin]
    deviates = np.where(on_template, known, pulses.level + profile.base[reading.bases])
    left = 1 - profile.context[1:N, 1:N, 1:N].var() - profile.molecule - profile.place - profile.drift
    deviates += np.sqrt(left) * rng.standard_normal(len(deviates))
    deviates += np.sqrt(profile.drift) * _drift(len(deviates), profile.drift_length, rng)
    return _values(reading.classes, rank(deviates), profile.quantiles)


def _drift(length: int, stretch: float, rng: np.random.Generator) -> _Floats:
    """Deviates that stay the same for a while: their autocorrelation is exponential."""
    step = np.cumsum(rng.random(length) < 1 / stretch)
    deviates: _Floats = rng.standard_normal(int(step[-1]) + 1 if length else 0)[step]
    return deviates


def _values(classes: NDArray[np.uint8], place: _Floats, quantiles: _Floats) -> NDArray[np.uint8]:
    """Invert the piecewise linear distribution functions that the percentiles span."""
    place = place * (quantiles.shape[1] - 1)
    below = np.minimum(place.astype(np.int64), quantiles.shape[1] - 2)
    low = quantiles[classes, below]
    values: NDArray[np.uint8] = np.rint(low + (place - below) * (quantiles[classes, below + 1] - low)).astype(np.uint8)
    return values
