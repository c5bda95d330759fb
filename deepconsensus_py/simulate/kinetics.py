"""Pulse widths and inter-pulse durations of read bases, drawn by how each base came about."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.pacbio.molecule import N
from deepconsensus_py.simulate.passes import PassRead, StrandTemplate, rank
from deepconsensus_py.simulate.profile import BaseClass, Kinetics

_Floats = NDArray[np.float64]


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
