"""The feature spec and the rows of the tensor."""

import json

import pytest

from deepconsensus_py.errors import ModelError
from deepconsensus_py.pileup.features import FeatureSpec, row_count, row_slices


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
