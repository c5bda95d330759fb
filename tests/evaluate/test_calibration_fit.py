"""Fitted quality maps: they find what is wrong with qualities, bend little for few errors, and never fall."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepconsensus_py.evaluate.calibration_counts import (
    QUALITIES,
    QualityCounts,
    bin_counts,
    quality_counts,
    summed_counts,
)
from deepconsensus_py.evaluate.calibration_fit import cross_validated, fit_knots, fit_line, surprise
from deepconsensus_py.evaluate.read_errors import BookedErrors
from deepconsensus_py.polishing.qualities import Calibration, error_probability

Q = np.arange(QUALITIES, dtype=np.float64)
BOTH = pytest.mark.parametrize("fit", [fit_line, fit_knots])


def counts(bases: np.ndarray, errors: np.ndarray) -> QualityCounts:
    return QualityCounts(bases.astype(float), errors.astype(float), errors.astype(float))


def worth(text: str, bases: float = 1e7) -> QualityCounts:
    """Bases of qualities 5 to 60 that are worth what a map says."""
    number = np.where((Q >= 5) & (Q <= 60), bases, 0)
    return counts(number, number * error_probability(Calibration.parse(text).apply(Q)))


@pytest.mark.parametrize("text", ["skip", "0,0.8,3", "0,1.15,-4"])
def test_a_line_is_found(text: str) -> None:
    fitted = fit_line(worth(text))
    np.testing.assert_allclose(fitted.apply(Q[5:50]), Calibration.parse(text).apply(Q[5:50]), atol=0.1)


@pytest.mark.parametrize("text", ["skip", "0:0,10:8,20:25,30:29,40:30,60:33"])
def test_a_bent_map_is_found(text: str) -> None:
    fitted = fit_knots(worth(text))
    np.testing.assert_allclose(fitted.apply(Q[5:45]), Calibration.parse(text).apply(Q[5:45]), atol=0.5)


def test_knots_are_no_worse_than_a_line_where_a_line_is_wrong() -> None:
    groups = [worth("0:0,10:8,20:25,30:29,40:30,60:33", bases) for bases in (1e5, 2e5)]
    before = summed_counts(groups)
    line, knots = cross_validated(groups, fit_line), cross_validated(groups, fit_knots)
    assert surprise(knots) < surprise(line) < surprise(before)
    assert bin_counts(knots).expected_calibration_error() < 0.2 < bin_counts(line).expected_calibration_error()


@BOTH
def test_few_errors_bend_little(fit) -> None:
    bases = np.zeros(QUALITIES)
    bases[[20, 30, 40]] = 300
    nothing_seen = fit(counts(bases, np.zeros(QUALITIES)))
    np.testing.assert_allclose(nothing_seen.apply(Q[20:41]), Q[20:41], atol=12)
    one_error = fit(counts(bases, (Q == 40) * 1.0))
    assert one_error.apply(np.array([40.0]))[0] > 26


@BOTH
@given(seed=st.integers(0, 10**6), bases=st.sampled_from([1, 100, 10**6]), rate=st.sampled_from([0.0, 1e-4, 0.1, 1.0]))
@settings(max_examples=30)
def test_a_map_rises_whatever_the_counts_and_reads_back(fit, seed: int, bases: int, rate: float) -> None:
    random = np.random.default_rng(seed)
    number = random.integers(0, bases, QUALITIES) * (random.random(QUALITIES) < 0.3)
    fitted = fit(counts(number, random.poisson(number * rate * random.random(QUALITIES))))
    assert Calibration.parse(str(fitted)) == fitted
    assert (np.diff(fitted.apply(Q)) >= 0).all()


def test_nothing_leaves_qualities_as_they_are() -> None:
    nothing = counts(np.zeros(QUALITIES), np.zeros(QUALITIES))
    assert str(fit_line(nothing)) == "skip"
    np.testing.assert_array_equal(fit_knots(nothing).apply(Q[90:]), Q[90:])


def test_a_molecule_that_is_held_out_does_not_judge_itself() -> None:
    bad, good = worth("0,0.5,0", 1e4), worth("skip", 1e4)
    mapped = cross_validated([bad, good], fit_line)
    expected = summed_counts([bad.mapped(fit_line(good)), good.mapped(fit_line(bad))])
    np.testing.assert_array_equal(mapped.bases, expected.bases)
    assert mapped.bases[5:10].sum() > 0  # of the molecule that is good, spoilt by the other


def test_mapping_loses_no_base_and_no_error() -> None:
    before = worth("0,0.9,1")
    after = before.mapped(Calibration.parse("0:5,50:20"))
    assert after.bases.sum() == before.bases.sum()
    assert after.errors.sum() == pytest.approx(before.errors.sum())
    assert set(np.flatnonzero(after.bases)) <= set(range(5, 21))


def test_surprise_is_least_where_the_qualities_are_right() -> None:
    assert surprise(worth("skip")) == pytest.approx(0, abs=1e-6)
    assert surprise(worth("0,1,-1")) > surprise(worth("0,1,-0.5")) > 0


def test_booked_errors_are_counted_at_their_qualities() -> None:
    read = BookedErrors(np.array([7.0, 7.0, 93.0]), np.array([0.5, 1.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    counted = quality_counts(read)
    assert (counted.bases[7], counted.errors[7], counted.without_deletions[7]) == (2, 1.5, 1)
    assert (counted.bases[93], counted.bases.sum(), counted.errors.sum()) == (1, 3, 1.5)
