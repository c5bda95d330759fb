"""The encoding equals the original's, array for array, on real molecules."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepconsensus_py.pacbio.molecule import Zmw
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.pileup.pileup import Pileup, build_pileup
from deepconsensus_py.pileup.windows import (
    WindowBounds,
    Windows,
    cut_windows,
    feature_rows,
    mean_draft_qualities,
    window_bounds,
)

pytestmark = pytest.mark.real

SPECS = {
    "inference": FeatureSpec(),
    "inference_bq": FeatureSpec(use_draft_qualities=True),
    "inference_p5_l120_notrim": FeatureSpec(max_passes=5, width=120, insertion_trim=0),
}


@dataclass(frozen=True)
class Encoded:
    name: str
    pileup: Pileup
    bounds: WindowBounds
    windows: Windows


def encode(zmw: Zmw, spec: FeatureSpec) -> Encoded:
    pileup = build_pileup(zmw, spec)
    bounds = window_bounds(pileup, spec)
    return Encoded(zmw.name, pileup, bounds, cut_windows(pileup, bounds, spec))


@pytest.fixture(scope="module", params=SPECS)
def case(request: pytest.FixtureRequest, molecules: list[Zmw], golden: Path) -> tuple[FeatureSpec, Any, Any, Any]:
    spec = SPECS[request.param]
    path = golden / f"preprocess_{request.param}"
    facts = json.loads(path.with_suffix(".json").read_text())
    return spec, [encode(zmw, spec) for zmw in molecules], np.load(path.with_suffix(".npz")), facts


def joined(encoded: list[Encoded], field: str) -> np.ndarray:
    return np.concatenate([getattr(e.windows, field) for e in encoded])


def test_windows(case: tuple[FeatureSpec, list[Encoded], Any, Any]) -> None:
    spec, encoded, golden, _ = case
    np.testing.assert_array_equal(
        np.repeat([e.name for e in encoded], [len(e.windows) for e in encoded]), golden["name"]
    )
    np.testing.assert_array_equal(joined(encoded, "position"), golden["window_pos"])
    np.testing.assert_array_equal(joined(encoded, "num_passes"), golden["num_passes"])
    np.testing.assert_array_equal(joined(encoded, "draft_index"), golden["ccs_idx"])
    np.testing.assert_array_equal(joined(encoded, "draft_quality"), golden["ccs_bq"])
    rows = np.concatenate([feature_rows(e.windows, spec) for e in encoded])
    np.testing.assert_array_equal(rows, golden["subreads_raw"])
    qualities = np.concatenate([mean_draft_qualities(e.pileup, e.bounds) for e in encoded])
    np.testing.assert_allclose(qualities, golden["avg_ccs_bq"], rtol=1e-12)
