"""Fitting quality maps to counts of bases and errors, and what they are worth on molecules that were held out.

Errors at a quality are taken as Poisson distributed around the bases times the error probability of the mapped quality.
A map is given by its values at knots, and the likeliest one is found under two gentle pulls: to the qualities as they
are, and to straightness. So few errors bend it little. Where the values would fall, neighbouring knots are pooled.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.evaluate.calibration_counts import QUALITIES, QualityCounts, total
from deepconsensus_py.polishing.qualities import Calibration, KnotCalibration, LinearCalibration, error_probability

KNOT_STEP = 10
"""Phred between knots."""

SHIFT = 10.0
"""Phred by which a knot may well be off before anything is known (standard deviation)."""

BEND = 2.0
"""Phred by which a knot may well be off the line of its neighbours (standard deviation). Of 1, 2, 5 and 10 the best
compromise on held-out molecules: more follows a molecule's own errors, less cannot follow qualities that level out."""

_LINE = np.array([0.0, 50.0])
_LEAST_SLOPE = 0.001
_NATS = np.log(10) / 10
"""Nats of one Phred unit."""
_STEPS = 200
_LONGEST_STEP = 10.0
"""Phred; a longer one can overshoot beyond all numbers where qualities promise far too much."""
_CLOSE = 1e-6

Reals = NDArray[np.float64]
Fit = Callable[[QualityCounts], Calibration]


def fit_line(counts: QualityCounts) -> LinearCalibration:
    """The likeliest linear map, ``"0,w,b"``."""
    share = np.arange(QUALITIES) / _LINE[1]
    low, high = _fit(counts, np.stack([1 - share, share], axis=1), _LINE).tolist()
    scale = max((high - low) / float(_LINE[1]), _LEAST_SLOPE)
    return LinearCalibration(0.0, round(scale, 4), round(low, 3))


def fit_knots(counts: QualityCounts) -> KnotCalibration:
    """The likeliest rising map with knots every ``KNOT_STEP`` Phred of the qualities that occur."""
    seen = np.flatnonzero(counts.bases)
    first = seen.min(initial=QUALITIES - KNOT_STEP) // KNOT_STEP
    last = max(-(-seen.max(initial=0) // KNOT_STEP), first + 1)
    knots = np.arange(first, last + 1) * float(KNOT_STEP)
    basis = np.stack([np.interp(np.arange(QUALITIES), knots, unit) for unit in np.eye(len(knots))], axis=1)
    values = np.maximum(_fit(counts, basis, knots), 0).round(2)
    return KnotCalibration(tuple(zip(knots.tolist(), values.tolist(), strict=True)))


def held_out(groups: Sequence[QualityCounts], fit: Fit) -> QualityCounts:
    """The counts of all groups, each mapped by a calibration that was fitted to the others.

    Args:
        groups: two or more, a molecule each; bases of one molecule share its errors and must not be parted.
        fit: makes the calibration.
    """
    return total(group.mapped(fit(total(other for other in groups if other is not group))) for group in groups)


def surprise(counts: QualityCounts) -> float:
    """How unlikely the errors are by the qualities: Poisson deviance, nats; the lower the better."""
    expected = counts.bases * error_probability(np.arange(QUALITIES))
    seen = counts.errors > 0
    errors = counts.errors[seen]
    return float(
        (errors * np.log(errors / np.maximum(expected[seen], 1e-300))).sum() - counts.errors.sum() + expected.sum()
    )


def _fit(counts: QualityCounts, basis: Reals, knots: Reals) -> Reals:
    """Values at the knots ``float64[knots]`` by a basis ``float64[QUALITIES, knots]``, pooled where they would fall."""
    bends = np.diff(np.eye(len(knots)), 2, axis=0)
    pull = np.eye(len(knots)) / SHIFT**2 + bends.T @ bends / BEND**2
    rises = np.ones(len(knots) - 1, np.bool_)
    while True:
        pool = np.eye(len(knots))[:, : rises.sum() + 1][np.concatenate(([0], np.cumsum(rises)))]
        values = pool @ _likeliest(counts, basis @ pool, pool.T @ pull @ pool, pool.T @ pull @ knots)
        falls = np.diff(values) < 0
        if not (falls & rises).any():
            return values
        rises &= ~falls


def _likeliest(counts: QualityCounts, basis: Reals, pull: Reals, towards: Reals) -> Reals:
    """Newton's method on a convex loss; ``pull`` and ``towards`` are the quadratic and the linear part of the pulls."""

    def loss(values: Reals) -> float:
        mapped = basis @ values
        likelihood = counts.bases @ error_probability(mapped) + _NATS * counts.errors @ mapped
        return float(likelihood + values @ pull @ values / 2 - towards @ values)

    values = np.linalg.solve(pull, towards).astype(np.float64)
    for _ in range(_STEPS):
        expected = counts.bases * error_probability(basis @ values)
        slope = _NATS * basis.T @ (counts.errors - expected) + pull @ values - towards
        curvature = _NATS**2 * (basis.T * expected) @ basis + pull
        step = np.linalg.solve(curvature, slope)
        step = step * min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), _CLOSE))
        before = loss(values)
        while loss(values - step) > before and np.abs(step).max() > _CLOSE:
            step = step / 2
        values = values - step
        if np.abs(step).max() <= _CLOSE:
            break
    return values
