"""Specs of other versions are refused."""

from typing import Any

import pytest

from deepconsensus_py.errors import ModelError
from deepconsensus_py.runs.spec import RunSpec


@pytest.mark.parametrize(
    "change",
    [
        {"max_passes": 0},
        {"version": 2},
        {"edits": ["none", "-1"]},
        {"run_features": ["A"]},
        {"pass_features": ["delta"]},
        {"colour": "blue"},
    ],
)
def test_other_values_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match=r"run spec|run features"):
        RunSpec.from_dict(RunSpec().to_dict() | change)


def test_a_missing_value_is_refused() -> None:
    values = RunSpec().to_dict()
    del values["version"]
    with pytest.raises(ModelError, match="run spec"):
        RunSpec.from_dict(values)
