"""Predicted against observed quality of bases, in bins, and their mean difference."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deepconsensus_py.evaluate.calibration_counts import QUALITIES, QualityCounts, count_errors, total
from deepconsensus_py.evaluate.read_errors import BookedErrors, phred, probability

BIN_WIDTH = 5
"""Phred units."""

FEWEST_BASES = 500
"""A bin with fewer bases, or with neither an expected nor an observed error, does not enter the mean difference."""

CAP = 40
"""Qualities above count as this in the capped mean difference: more cannot be seen with some ten thousand bases."""


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Bases whose qualities lie in ``start <= quality < start + BIN_WIDTH``.

    Attributes:
        start: lowest quality.
        bases: how many.
        predicted_quality: Phred of the mean predicted error, two decimals.
        empirical_quality: Phred of the observed errors per base (half an error where none was seen), two decimals.
        expected_errors: sum of the predicted error probabilities.
        errors: observed errors booked on these bases.
        errors_without_deletions: the same without deleted bases.
    """

    start: int
    bases: int
    predicted_quality: float
    empirical_quality: float
    expected_errors: float
    errors: float
    errors_without_deletions: float

    @property
    def name(self) -> str:
        """``first-last`` quality."""
        return f"{self.start}-{self.start + BIN_WIDTH - 1}"

    @property
    def used(self) -> bool:
        """Whether it says enough to enter the mean difference."""
        return self.bases >= FEWEST_BASES and max(self.errors, self.expected_errors) >= 1


@dataclass(frozen=True, slots=True)
class CalibrationBins:
    """How well the base qualities of many reads are calibrated.

    Attributes:
        bins: those with bases, by quality.
        bases: of all bins.
        expected_errors: of all bins.
        errors: of all bins.
    """

    bins: tuple[CalibrationBin, ...]
    bases: int
    expected_errors: float
    errors: float

    @property
    def used_bases(self) -> int:
        """Bases of the bins that enter the mean difference."""
        return sum(b.bases for b in self.bins if b.used)

    def expected_calibration_error(self, cap: float = float("inf")) -> float | None:
        """Mean difference of predicted and empirical quality over bases, Phred; None where no bin says enough.

        Args:
            cap: qualities above count as this.
        """
        if not self.used_bases:
            return None
        differences = (
            b.bases * abs(min(cap, b.predicted_quality) - min(cap, b.empirical_quality)) for b in self.bins if b.used
        )
        return sum(differences) / self.used_bases


def bin_errors(reads: Sequence[BookedErrors]) -> CalibrationBins:
    """Bin the bases of all reads by quality.

    Args:
        reads: with qualities.
    """
    return bin_counts(total(map(count_errors, reads)))


def bin_counts(counts: QualityCounts) -> CalibrationBins:
    """Bin bases by quality."""
    predicted = counts.bases * probability(np.arange(QUALITIES, dtype=np.float64))
    bins = []
    for start in range(0, QUALITIES, BIN_WIDTH):
        inside = slice(start, start + BIN_WIDTH)
        if bases := int(counts.bases[inside].sum()):
            expected, observed = float(predicted[inside].sum()), float(counts.errors[inside].sum())
            bins.append(
                CalibrationBin(
                    start=start,
                    bases=bases,
                    predicted_quality=round(phred(expected / bases), 2),
                    empirical_quality=round(phred(max(observed, 0.5) / bases), 2),
                    expected_errors=expected,
                    errors=observed,
                    errors_without_deletions=float(counts.without_deletions[inside].sum()),
                )
            )
    return CalibrationBins(tuple(bins), int(counts.bases.sum()), float(predicted.sum()), float(counts.errors.sum()))
