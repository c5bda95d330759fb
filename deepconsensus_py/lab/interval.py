"""95 % intervals of what was measured with several seeds.

An interval over seeds says how far another training would come out; where the same items are scored with every seed,
an interval over seeds and items says in addition how far other items would.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

QUANTILES = {
    **dict(enumerate((12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228), start=1)),
    15: 2.131,
    20: 2.086,
    30: 2.042,
    60: 2.000,
    120: 1.980,
}
"""Degrees of freedom to the 0.975 quantile of Student's t distribution."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A mean over seeds, and how sure it is.

    Attributes:
        mean: over seeds, and items if there are any.
        error: standard error of the mean; None with a single seed.
        freedom: degrees of freedom of the error; 0 with a single seed.
        seeds: how many.
    """

    mean: float
    error: float | None
    freedom: int
    seeds: int

    @property
    def interval(self) -> tuple[float, float] | None:
        """Ends of the 95 % interval; None with a single seed."""
        if self.error is None:
            return None
        half = _quantile(self.freedom) * self.error
        return self.mean - half, self.mean + half


def over_seeds(values: Sequence[float]) -> Measured:
    """A mean of one value per seed; for a paired comparison, of one difference per seed.

    Raises:
        ValueError: there is no value.
    """
    return over_items(np.asarray(values, dtype=np.float64)[:, None])


def over_items(scores: NDArray[np.float64]) -> Measured:
    """A mean of scores of the same items with each seed; for a paired comparison, of differences.

    Seeds and items are both drawn from many. The variance of the mean is that between seeds plus that between items;
    what the two share is counted in both, so that the interval is rather too wide (Welch's degrees of freedom).

    Args:
        scores: ``float64[seeds, items]``; a single item is taken as it is.

    Raises:
        ValueError: there is no score.
    """
    seeds, items = scores.shape
    if not scores.size:
        raise ValueError("no values to take a mean of")
    mean = float(scores.mean())
    if seeds == 1:
        return Measured(mean, None, 0, 1)
    parts = [float(scores.mean(1).var(ddof=1)) / seeds]
    parts += [float(scores.mean(0).var(ddof=1)) / items] if items > 1 else []
    total = sum(parts)
    spent = sum(part**2 / (count - 1) for part, count in zip(parts, (seeds, items), strict=False))
    freedom = math.floor(total**2 / spent + 1e-9) if spent else seeds - 1
    return Measured(mean, math.sqrt(total), freedom, seeds)


def _quantile(freedom: int) -> float:
    """Of the nearest tabulated number of degrees of freedom that is not higher."""
    return QUANTILES[max(known for known in QUANTILES if known <= freedom)]
