"""The feature spec and the rows of the tensor."""

import json
from pathlib import Path

import numpy as np
import pytest

from deepconsensus_py.errors import ModelError
from deepconsensus_py.pileup.features import FeatureSpec, clip_rows, row_count, row_slices


@pytest.mark.real
@pytest.mark.parametrize("use_draft_qualities", [False, True])
def test_clipping_equals_the_original(golden: Path, use_draft_qualities: bool) -> None:
    spec = FeatureSpec(use_draft_qualities=use_draft_qualities)
    with np.load(golden / f"format_rows_synthetic_bq{int(use_draft_qualities)}.npz") as arrays:
        given, expected = arrays["subreads"][..., 0], arrays["rows"][..., 0]
    assert given.max() > spec.snr_max
    np.testing.assert_array_equal(clip_rows(given, spec), expected)
    np.testing.assert_array_equal(clip_rows(given[None], spec)[0], expected)


def test_clipping_leaves_its_input_alone() -> None:
    rows = np.full((85, 100), 1000, np.float32)
    clip_rows(rows, FeatureSpec())
    assert (rows == 1000).all()


def test_rows_are_those_of_the_original() -> None:
    assert row_count(FeatureSpec()) == 85
    assert row_slices(FeatureSpec(use_draft_qualities=True)) == {
        "bases": slice(0, 20),
        "pulse_widths": slice(20, 40),
        "inter_pulse_durations": slice(40, 60),
        "strands": slice(60, 80),
        "draft": slice(80, 81),
        "draft_quality": slice(81, 82),
        "snr": slice(82, 86),
    }


def test_spec_survives_json() -> None:
    spec = FeatureSpec(max_passes=7, width=64, required=("snr",), smart_windows=True)
    assert FeatureSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


@pytest.mark.parametrize(
    "change", [{"max_passes": 0}, {"width": 0}, {"insertion_trim": -1}, {"required": ["bases"]}, {"unheard_of": 1}]
)
def test_impossible_specs_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ModelError):
        FeatureSpec.from_dict(FeatureSpec().to_dict() | change)


def test_spec_that_lacks_a_value_is_refused() -> None:
    values = FeatureSpec().to_dict()
    del values["width"]
    with pytest.raises(ModelError, match="width"):
        FeatureSpec.from_dict(values)


def test_clipping_touches_only_the_rows_that_have_a_maximum() -> None:
    spec = FeatureSpec(max_passes=2, pulse_width_max=9, inter_pulse_duration_max=8, snr_max=7.5)
    clipped = clip_rows(np.full((13, 3), 100, np.float32), spec)
    assert clipped[:, 0].tolist() == [100, 100, 9, 9, 8, 8, 100, 100, 100, 7.5, 7.5, 7.5, 7.5]
    assert not clip_rows(np.full((13, 3), -1, np.float32), spec)[2:6].any()
