"""Pulse widths and inter-pulse durations of read bases, drawn by how each base came about."""

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.simulate.profile import PassProfile


def draw_kinetics(
    classes: NDArray[np.uint8], profile: PassProfile, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Kinetics of one pass.

    Args:
        classes: ``uint8[n]`` ``BaseClass`` of each read base.
        profile: percentiles by class.
        rng: source of randomness.

    Returns:
        Pulse widths and inter-pulse durations, both ``uint8[n]`` codec V1 codes.
    """
    return (
        _draw(classes, profile.pulse_width, rng),
        _draw(classes, profile.inter_pulse_duration, rng),
    )


def _draw(classes: NDArray[np.uint8], percentiles: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Invert the piecewise linear distribution functions that the percentiles span."""
    place = rng.random(len(classes)) * (percentiles.shape[1] - 1)
    below = place.astype(np.int64)
    low = percentiles[classes, below].astype(np.float64)
    high = percentiles[classes, below + 1]
    drawn: NDArray[np.uint8] = np.rint(low + (place - below) * (high - low)).astype(np.uint8)
    return drawn
