"""Bases and errors at each base quality: all that a calibration is judged and fitted by."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.errors import InputError
from deepconsensus_py.evaluate.read_errors import BookedErrors
from deepconsensus_py.polishing.qualities import Calibration, round_qualities

QUALITIES = 100
"""Qualities counted, from 0, as in the original's tables."""

HEADER = "baseq,total_match,total_mismatch"

Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class QualityCounts:
    """What the bases of each quality are worth.

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
    """The whole quality ``uint8[QUALITIES]`` that each quality becomes."""
    return round_qualities(calibration.apply(np.arange(QUALITIES, dtype=np.float64)), QUALITIES - 1)


def total(parts: Iterable[QualityCounts]) -> QualityCounts:
    """The counts of all parts, at least one, together."""
    listed = list(parts)
    return QualityCounts(
        sum((part.bases for part in listed), np.zeros(QUALITIES)),
        sum((part.errors for part in listed), np.zeros(QUALITIES)),
        sum((part.without_deletions for part in listed), np.zeros(QUALITIES)),
    )


def count_errors(booked: BookedErrors) -> QualityCounts:
    """The counts of one read."""
    at = np.minimum(np.rint(booked.qualities), QUALITIES - 1).astype(np.int64)
    every = np.ones(len(at))
    return QualityCounts(_sum(at, every), _sum(at, booked.errors), _sum(at, booked.without_deletions))


def _sum(at: NDArray[np.integer], amounts: Reals) -> Reals:
    """Amounts summed by quality."""
    return np.bincount(at, amounts, QUALITIES).astype(np.float64)


def read_table(path: Path) -> QualityCounts:
    """The counts in a table of matches and mismatches; deleted bases are none of its errors.

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
