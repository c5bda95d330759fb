"""Fit quality maps to counts of bases and errors, with cross-validation over molecules.

Errors at a quality are taken as Poisson distributed around the bases times the error probability of the mapped quality.
A map is given by its values at knots, and the likeliest one is found under two gentle pulls: to the qualities as they
are, and to straightness. So few errors bend it little. Where the values would fall, neighbouring knots are pooled.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.errors import InputError
from deepconsensus_py.evaluate.calibration_counts import (
    CAP,
    QUALITIES,
    QualityCounts,
    bin_counts,
    quality_counts,
    summed_counts,
)
from deepconsensus_py.evaluate.read_errors import find_errors
from deepconsensus_py.evaluate.reads import load_reads
from deepconsensus_py.pacbio.names import MoleculeId
from deepconsensus_py.polishing.qualities import Calibration, KnotCalibration, LinearCalibration, error_probability

KNOT_STEP = 10
"""Phred between knots."""

SHIFT = 10.0
"""Prior standard deviation of a knot, Phred."""

BEND = 2.0
"""Prior standard deviation of a knot from the line of its neighbours, Phred. Of 1, 2, 5 and 10 the best compromise on
held-out molecules: larger values overfit, smaller ones cannot follow qualities that level off."""

_LINE = np.array([0.0, 50.0])
_LEAST_SLOPE = 0.001
_NATS = np.log(10) / 10
"""Nats of one Phred unit."""
_STEPS = 200
_LONGEST_STEP = 10.0
"""Phred; longer steps can overflow where qualities are far too high."""
_CLOSE = 1e-6

Reals = NDArray[np.float64]
Fit = Callable[[QualityCounts], Calibration]


def fit_line(counts: QualityCounts) -> LinearCalibration:
    """The maximum-likelihood linear map, ``"0,w,b"``."""
    share = np.arange(QUALITIES) / _LINE[1]
    low, high = _fit(counts, np.stack([1 - share, share], axis=1), _LINE).tolist()
    scale = max((high - low) / float(_LINE[1]), _LEAST_SLOPE)
    return LinearCalibration(0.0, round(scale, 4), round(low, 3))


def fit_knots(counts: QualityCounts) -> KnotCalibration:
    """The most probable increasing map with knots every ``KNOT_STEP`` Phred of the qualities that occur."""
    seen = np.flatnonzero(counts.bases)
    first = seen.min(initial=QUALITIES - KNOT_STEP) // KNOT_STEP
    last = max(-(-seen.max(initial=0) // KNOT_STEP), first + 1)
    knots = np.arange(first, last + 1) * float(KNOT_STEP)
    basis = np.stack([np.interp(np.arange(QUALITIES), knots, unit) for unit in np.eye(len(knots))], axis=1)
    values = np.maximum(_fit(counts, basis, knots), 0).round(2)
    return KnotCalibration(tuple(zip(knots.tolist(), values.tolist(), strict=True)))


def cross_validated(groups: Sequence[QualityCounts], fit: Fit) -> QualityCounts:
    """The counts of all groups, each mapped by a calibration that was fitted to the others.

    Args:
        groups: two or more, a molecule each; bases of one molecule share its errors and must not be parted.
        fit: makes the calibration.
    """
    return summed_counts(
        group.mapped(fit(summed_counts(other for other in groups if other is not group))) for group in groups
    )


def surprise(counts: QualityCounts) -> float:
    """Poisson deviance of the errors from the qualities, nats; lower is better."""
    expected = counts.bases * error_probability(np.arange(QUALITIES))
    seen = counts.errors > 0
    errors = counts.errors[seen]
    return float(
        (errors * np.log(errors / np.maximum(expected[seen], 1e-300))).sum() - counts.errors.sum() + expected.sum()
    )


def _fit(counts: QualityCounts, basis: Reals, knots: Reals) -> Reals:
    """Values ``float64[knots]`` at the knots of a basis ``float64[QUALITIES, knots]``, pooled where they decrease."""
    bends = np.diff(np.eye(len(knots)), 2, axis=0)
    pull = np.eye(len(knots)) / SHIFT**2 + bends.T @ bends / BEND**2
    rises = np.ones(len(knots) - 1, np.bool_)
    # Pool adjacent violators: knots between which values decrease become one, and the fit is repeated.
    while True:
        pool = np.eye(len(knots))[:, : rises.sum() + 1][np.concatenate(([0], np.cumsum(rises)))]
        values = pool @ _likeliest(counts, basis @ pool, pool.T @ pull @ pool, pool.T @ pull @ knots)
        falls = np.diff(values) < 0
        if not (falls & rises).any():
            return values
        rises &= ~falls


def _likeliest(counts: QualityCounts, basis: Reals, pull: Reals, towards: Reals) -> Reals:
    """Newton's method on a convex loss; ``pull`` and ``towards`` are the quadratic and linear parts of the priors."""

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
        # Steps are capped and halved: far from the optimum Newton's method overshoots on exponentials.
        step = step * min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), _CLOSE))
        before = loss(values)
        while loss(values - step) > before and np.abs(step).max() > _CLOSE:
            step = step / 2
        values = values - step
        if np.abs(step).max() <= _CLOSE:
            break
    return values


COLUMNS = ("bases", "errors", "expected_errors", "ece", f"ece_cap{CAP}", "surprise", "map")

FITS = (fit_line, fit_knots)


@dataclass(frozen=True, slots=True, eq=False)
class TriedMap:
    """A quality map.

    Attributes:
        calibration: fitted to all molecules.
        counts: of all molecules, each mapped by the fit to the others; None with a single molecule.
    """

    calibration: Calibration
    counts: QualityCounts | None


def count_reads(paths: Sequence[Path], truth: Path, *, min_passes: int = 0) -> list[QualityCounts]:
    """Bases and errors at each quality, by molecule.

    Args:
        paths: polished reads: BAM, FASTQ; each may have a read of a molecule.
        truth: FASTA of the true sequence of each molecule.
        min_passes: skip reads with fewer passes (tag ``np``).

    Raises:
        InputError: a file cannot be read, a read has no qualities, or none has a truth.
    """
    truths = load_reads(truth).reads
    counts: dict[MoleculeId, list[QualityCounts]] = {}
    for path in paths:
        for molecule, read in load_reads(path).reads.items():
            if molecule in truths and (read.passes or 0) >= min_passes:
                booked = find_errors(read, truths[molecule].bases).booked
                if booked is None:
                    raise InputError(
                        f"{path}: read {read.name} has no base qualities; give polished reads, BAM or FASTQ"
                    )
                counts.setdefault(molecule, []).append(quality_counts(booked))
    if not counts:
        raise InputError(
            f"{paths[0]}: none of its reads is of a molecule of {truth}; check movie and ZMW numbers, and --min-np"
        )
    return [summed_counts(own) for own in counts.values()]


def try_maps(groups: Sequence[QualityCounts]) -> list[TriedMap]:
    """The unchanged qualities, the fitted line and the fitted knots.

    Args:
        groups: a molecule each, or a set of them.
    """
    everything = summed_counts(groups)
    fitted = (TriedMap(fit(everything), cross_validated(groups, fit) if len(groups) > 1 else None) for fit in FITS)
    return [TriedMap(LinearCalibration(), everything), *fitted]


def maps_as_text(tried: Sequence[TriedMap], groups: int, noun: str) -> Iterator[str]:
    """A line for each map.

    Args:
        tried: the maps.
        groups: how many there were to hold out.
        noun: what they are.
    """
    yield "\t".join(COLUMNS)
    for one in tried:
        yield "\t".join([*(_cells(one.counts) if one.counts else "." * (len(COLUMNS) - 1)), str(one.calibration)])
    how = f"each of {groups} {noun} mapped by the fit to the others" if groups > 1 else "held out: nothing"
    yield f"{how}; the maps in the last column are fitted to all"


def _cells(counts: QualityCounts) -> Iterator[str]:
    bins = bin_counts(counts)
    yield from (str(bins.bases), f"{bins.errors:.0f}", f"{bins.expected_errors:.1f}")
    for error in (bins.expected_calibration_error(), bins.expected_calibration_error(CAP)):
        yield "." if error is None else f"{error:.2f}"
    yield f"{surprise(counts):.1f}"
