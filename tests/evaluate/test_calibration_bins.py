"""Calibration with known answers."""

import numpy as np
import pytest

from deepconsensus_py.evaluate.calibration_counts import bin_errors
from deepconsensus_py.evaluate.read_errors import BookedErrors


def _booked(quality: float, bases: int, errors: int) -> BookedErrors:
    wrong = (np.arange(bases) < errors).astype(float)
    return BookedErrors(np.full(bases, quality), wrong, wrong / 2)


def test_well_calibrated_bases_have_no_calibration_error() -> None:
    bins = bin_errors([_booked(20, 1000, 10), _booked(30, 10_000, 10)])
    assert [b.name for b in bins.bins] == ["20-24", "30-34"]
    assert bins.expected_calibration_error() == pytest.approx(0)
    assert (bins.bases, bins.errors, bins.expected_errors) == (11_000, 20, pytest.approx(20))


def test_the_error_is_the_mean_over_bases_of_the_difference() -> None:
    bins = bin_errors([_booked(20, 1000, 100), _booked(30, 3000, 3)])
    assert bins.expected_calibration_error() == pytest.approx(10 * 1000 / 4000)


def test_the_cap_holds_for_both_sides() -> None:
    bins = bin_errors([_booked(60, 10_000, 1)])
    assert bins.expected_calibration_error() == pytest.approx(20)
    assert bins.expected_calibration_error(30) == 0
    assert bins.expected_calibration_error(50) == pytest.approx(10)


def test_bins_that_say_nothing_do_not_count() -> None:
    few, silent = bin_errors([_booked(20, 499, 50)]), bin_errors([_booked(60, 10_000, 0)])
    for bins in (few, silent):
        assert bins.used_bases == 0
        assert bins.expected_calibration_error() is None
    assert silent.bins[0].empirical_quality == pytest.approx(43.01)  # half an error


def test_errors_without_deletions_are_kept_apart() -> None:
    (only,) = bin_errors([_booked(20, 1000, 10)]).bins
    assert only.errors_without_deletions == 5
