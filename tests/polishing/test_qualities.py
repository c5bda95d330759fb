"""Qualities: the arithmetic of probabilities, and the original's rounding, calibration and averages."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepconsensus_py.errors import DeepConsensusError
from deepconsensus_py.polishing.qualities import (
    Calibration,
    KnotCalibration,
    LinearCalibration,
    binned_qualities,
    error_probability,
    mean_quality,
    phred,
    read_accuracy,
    round_qualities,
)

finite = st.floats(-50, 50, allow_nan=False).map(lambda x: round(x, 6))


@given(st.floats(0, 93), st.floats(0.01, 9), finite)
def test_calibration_reads_what_it_writes(threshold: float, scale: float, offset: float) -> None:
    calibration = LinearCalibration(threshold, scale, offset)
    assert Calibration.parse(str(calibration)) == calibration


@given(st.lists(st.tuples(st.floats(0, 93), st.floats(0, 93)), min_size=2, max_size=12, unique_by=lambda knot: knot[0]))
def test_knots_read_what_they_write_and_never_fall(pairs: list[tuple[float, float]]) -> None:
    predicted, observed = (sorted(values) for values in zip(*pairs, strict=True))
    calibration = KnotCalibration(tuple(zip(predicted, observed, strict=True)))
    assert Calibration.parse(str(calibration)) == calibration
    mapped = calibration.apply(np.array([0.0, *np.linspace(0, 93, 50), np.inf]))
    assert (np.diff(mapped) >= -1e-9).all()
    assert (mapped[0], mapped[-1]) == (observed[0], observed[-1])


def test_lines_between_knots_keep_the_precision() -> None:
    calibration = Calibration.parse("10:5,20:25,40:30")
    mapped = calibration.apply(np.array([3, 10, 15, 20, 30, 93], np.float32))
    assert mapped.dtype == np.float32
    assert mapped.tolist() == [5, 5, 15, 25, 27.5, 30]
    assert str(calibration) == "10:5,20:25,40:30"


def test_skip_changes_nothing() -> None:
    qualities = np.array([0, 3.25, 93, np.inf], np.float32)
    np.testing.assert_array_equal(Calibration.parse("skip").apply(qualities), qualities)
    assert str(Calibration.parse("skip")) == "skip"


NO_LINE = ["", "1,2", "1,2,3,4", "a,b,c", "nan,1,1", "-1,1,1", "0,0,1", "0,-1,1", "Skip", "inf,1,0"]
NO_KNOTS = [
    "1:2",
    "1:2,1:3",
    "2:1,1:2",
    "1:2,2:1",
    "1:-1,2:2",
    "1:2,3",
    "1:2,nan:3",
    "1:2,3:inf",
    "1:2:3,4:5",
    "a:1,b:2",
]


@pytest.mark.parametrize("text", NO_LINE + NO_KNOTS)
def test_bad_calibration_is_named_in_the_error(text: str) -> None:
    with pytest.raises(DeepConsensusError, match="threshold,w,b") as caught:
        Calibration.parse(text)
    assert repr(text) in str(caught.value)


def test_calibration_applies_strictly_above_its_threshold() -> None:
    qualities = np.array([9.0, 10.0, 11.0])
    np.testing.assert_array_equal(Calibration.parse("10,2,1").apply(qualities), [9, 10, 23])
    np.testing.assert_array_equal(Calibration.parse("0,2,1").apply(qualities), [19, 21, 23])


def test_probability_and_quality_are_inverse() -> None:
    qualities = np.linspace(0, 93, 500)
    np.testing.assert_allclose(phred(error_probability(qualities)), qualities, atol=1e-9)
    assert phred(np.zeros(1))[0] == np.inf


def test_whole_qualities_have_the_probabilities_of_their_values() -> None:
    whole = np.arange(256, dtype=np.uint8)
    assert error_probability(whole).tolist() == error_probability(whole.astype(np.float64)).tolist()


def test_rounding_goes_to_even_and_stays_in_range() -> None:
    qualities = np.array([-3, 0.5, 1.5, 2.5, 39.6, 93.4, np.inf])
    assert round_qualities(qualities, 40).tolist() == [0, 0, 2, 2, 40, 40, 40]
    assert round_qualities(qualities).tolist() == [0, 0, 2, 2, 40, 93, 93]


@given(st.lists(st.integers(0, 93), min_size=1, max_size=50))
def test_read_accuracy_is_the_probability_of_the_mean_quality(qualities: list[int]) -> None:
    values = np.array(qualities, np.uint8)
    assert 1 - read_accuracy(values) == pytest.approx(error_probability(mean_quality(values)), rel=1e-9)
    assert min(qualities) - 1e-9 <= mean_quality(values) <= max(qualities) + 1e-9


def test_nothing_has_quality_zero() -> None:
    empty = np.zeros(0, np.uint8)
    assert mean_quality(empty) == 0
    assert read_accuracy(empty) == 0


@pytest.mark.real
def test_mean_quality_equals_the_original(golden: Path) -> None:
    for qualities, expected in json.loads((golden / "avg_phred_golden.json").read_text())["avg_phred"]:
        assert mean_quality(np.array(qualities)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.real
def test_model_qualities_equal_the_original(golden: Path) -> None:
    reference = np.load(golden / "quality_arith_golden.npz")
    errors = 1 - reference["max_prob"]
    assert errors.dtype == np.float32
    for name in reference.files[1:]:
        calibrated = Calibration.parse(name.removeprefix("q_")).apply(phred(errors))
        np.testing.assert_array_equal(round_qualities(calibrated), reference[name], err_msg=name)


def test_bins_are_those_of_pacbio() -> None:
    wanted = [3] * 7 + [10] * 7 + [17] * 6 + [22] * 5 + [27] * 5 + [35] * 10 + [40] * 54
    binned = binned_qualities(np.arange(94, dtype=np.uint8))
    assert binned.dtype == np.uint8
    assert binned.tolist() == wanted
