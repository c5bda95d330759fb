"""Bases and errors by base quality, for evaluating and fitting calibrations."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.errors import InputError
from deepconsensus_py.evaluate.read_errors import BookedErrors, capped_phred, probability
from deepconsensus_py.polishing.qualities import Calibration, round_qualities

QUALITIES = 100
"""Number of qualities counted, from 0, as in DeepConsensus's tables."""

HEADER = "baseq,total_match,total_mismatch"

Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class QualityCounts:
    """Counts by base quality.

    Attributes:
        bases: ``float64[QUALITIES]`` how many.
        errors: ``float64[QUALITIES]`` errors booked on them.
        without_deletions: ``float64[QUALITIES]`` the same without deleted bases.
    """

    bases: Reals
    errors: Reals
    without_deletions: Reals

    def mapped(self, calibration: Calibration) -> "QualityCounts":
        """The counts after a calibration of the qualities."""
        to = mapped_qualities(calibration)
        return QualityCounts(_sum(to, self.bases), _sum(to, self.errors), _sum(to, self.without_deletions))


def mapped_qualities(calibration: Calibration) -> NDArray[np.uint8]:
    """The integer quality ``uint8[QUALITIES]`` that each quality maps to."""
    return round_qualities(calibration.apply(np.arange(QUALITIES, dtype=np.float64)), QUALITIES - 1)


def summed_counts(parts: Iterable[QualityCounts]) -> QualityCounts:
    """The summed counts of at least one part."""
    listed = list(parts)
    return QualityCounts(
        sum((part.bases for part in listed), np.zeros(QUALITIES)),
        sum((part.errors for part in listed), np.zeros(QUALITIES)),
        sum((part.without_deletions for part in listed), np.zeros(QUALITIES)),
    )


def quality_counts(booked: BookedErrors) -> QualityCounts:
    """The counts of one read."""
    at = np.minimum(np.rint(booked.qualities), QUALITIES - 1).astype(np.int64)
    every = np.ones(len(at))
    return QualityCounts(_sum(at, every), _sum(at, booked.errors), _sum(at, booked.without_deletions))


def _sum(at: NDArray[np.integer], amounts: Reals) -> Reals:
    """Amounts summed by quality."""
    return np.bincount(at, amounts, QUALITIES).astype(np.float64)


def read_table(path: Path) -> QualityCounts:
    """The counts in a table of matches and mismatches, without deletions.

    Args:
        path: CSV as ``calibrate`` writes it, ``baseq,total_match,total_mismatch``.

    Raises:
        InputError: it is no such table.
    """
    try:
        header, *lines = path.read_text().splitlines()
        rows = np.array([line.split(",") for line in lines], np.int64)
        if header != HEADER or not len(rows) or (rows < 0).any():
            raise ValueError("counts under another header, or below 0")
        quality, matches, mismatches = rows.T
        counts = np.zeros((2, QUALITIES))
        np.add.at(counts[0], quality, matches + mismatches)
        np.add.at(counts[1], quality, mismatches)
    except (OSError, ValueError, IndexError) as error:
        raise InputError(
            f"{path}: is not a table of {HEADER} ({error}); give one that 'deepconsensus-py calibrate' wrote"
        ) from error
    return QualityCounts(counts[0], counts[1], counts[1])


BIN_WIDTH = 5
"""Phred units."""

FEWEST_BASES = 500
"""A bin with fewer bases, or with neither an expected nor an observed error, is not used in the mean difference."""

CAP = 40
"""Higher qualities count as this in the capped mean difference: some ten thousand bases cannot resolve more."""


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
        """Whether it is used in the mean difference."""
        return self.bases >= FEWEST_BASES and max(self.errors, self.expected_errors) >= 1


@dataclass(frozen=True, slots=True)
class CalibrationBins:
    """Calibration of the base qualities of many reads.

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
        """Bases of the bins used in the mean difference."""
        return sum(b.bases for b in self.bins if b.used)

    def expected_calibration_error(self, cap: float = float("inf")) -> float | None:
        """Mean difference of predicted and empirical quality over bases, Phred; None if no bin is used.

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
    return bin_counts(summed_counts(map(quality_counts, reads)))


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
                    predicted_quality=round(capped_phred(expected / bases), 2),
                    empirical_quality=round(capped_phred(max(observed, 0.5) / bases), 2),
                    expected_errors=expected,
                    errors=observed,
                    errors_without_deletions=float(counts.without_deletions[inside].sum()),
                )
            )
    return CalibrationBins(tuple(bins), int(counts.bases.sum()), float(predicted.sum()), float(counts.errors.sum()))
