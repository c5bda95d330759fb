"""The encoding equals the original's, array for array, on real molecules."""

import json
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import feature_rows

from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import Truth, Zmw
from deepconsensus_py.pacbio.truth import Truths
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.pileup.labels import Labels, label_windows
from deepconsensus_py.pileup.pileup import Pileup, build_pileup
from deepconsensus_py.pileup.windows import (
    WindowBounds,
    Windows,
    cut_windows,
    mean_draft_qualities,
    window_bounds,
)

pytestmark = pytest.mark.real

SPECS = {
    "inference": FeatureSpec(),
    "inference_bq": FeatureSpec(use_draft_qualities=True),
    "inference_p5_l120_notrim": FeatureSpec(max_passes=5, width=120, insertion_trim=0),
}
TRAINING_SPECS = {"training": FeatureSpec(), "training_bq": FeatureSpec(use_draft_qualities=True)}
SMART = FeatureSpec(smart_windows=True)


@dataclass(frozen=True)
class Encoded:
    zmw: Zmw
    pileup: Pileup
    bounds: WindowBounds
    windows: Windows


def encode(zmw: Zmw, spec: FeatureSpec) -> Encoded:
    pileup = build_pileup(zmw, spec)
    bounds = window_bounds(pileup, spec)
    return Encoded(zmw, pileup, bounds, cut_windows(pileup, bounds, spec))


@dataclass(frozen=True)
class Golden:
    arrays: dict[str, np.ndarray]
    facts: dict[str, Any]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]


@pytest.fixture(scope="module")
def load(golden: Path) -> Any:
    @cache
    def load(name: str) -> Golden:
        with np.load(golden / f"preprocess_{name}.npz") as arrays:
            return Golden(dict(arrays), json.loads((golden / f"preprocess_{name}.json").read_text()))

    return load


def assert_windows_equal(parts: list[tuple[Encoded, np.ndarray]], spec: FeatureSpec, golden: Golden) -> None:
    """The chosen windows of each molecule, one after the other, are the golden ones."""

    def joined(field: str) -> np.ndarray:
        return np.concatenate([getattr(e.windows, field)[kept] for e, kept in parts])

    names = np.concatenate([[e.zmw.name] * len(e.windows.bases[kept]) for e, kept in parts])
    np.testing.assert_array_equal(names, golden["name"])
    np.testing.assert_array_equal(joined("position"), golden["window_pos"])
    np.testing.assert_array_equal(joined("num_passes"), golden["num_passes"])
    np.testing.assert_array_equal(joined("draft_index"), golden["ccs_idx"])
    np.testing.assert_array_equal(joined("draft_quality"), golden["ccs_bq"])
    rows = np.concatenate([feature_rows(e.windows, spec)[kept] for e, kept in parts])
    np.testing.assert_array_equal(rows, golden["subreads_raw"])
    qualities = np.concatenate([mean_draft_qualities(e.pileup, e.bounds)[kept] for e, kept in parts])
    np.testing.assert_allclose(qualities, golden["avg_ccs_bq"], rtol=1e-12)


@pytest.mark.parametrize("name", SPECS)
def test_inference(name: str, molecules: list[Zmw], load: Any) -> None:
    spec, golden = SPECS[name], load(name)
    encoded = [encode(zmw, spec) for zmw in molecules]
    assert_windows_equal([(e, np.ones(len(e.windows), bool)) for e in encoded], spec, golden)
    assert not any(e.bounds.overflow.any() for e in encoded)
    for e, fact in zip(encoded, golden.facts["zmws"], strict=True):
        assert (e.zmw.name, len(e.zmw.passes), len(e.zmw.draft.bases), len(e.bounds), e.pileup.columns) == (
            *(fact[k] for k in ("name", "n_subreads", "ccs_len", "n_windows", "spaced_width")),
        )
        assert e.pileup.draft_columns[-1] + 1 == fact["ccs_width"]


@pytest.mark.parametrize("name", SPECS)
def test_inference_counters(name: str, molecules: list[Zmw], load: Any) -> None:
    spec, golden = SPECS[name], load(name).facts["counters"]
    encoded = [encode(zmw, spec) for zmw in molecules]
    trimming = [e.pileup.trimming for e in encoded]
    assert sum(e.bounds.empty for e in encoded) == golden.get("n_examples_no_ccs_idx", 0)
    assert sum(len(e.windows) for e in encoded) == golden["n_examples"]
    assert sum(t.insertions for t in trimming) == golden.get("zmw_trimmed_insertions", 0)
    assert sum(t.bases for t in trimming) == golden.get("zmw_trimmed_insertions_bp", 0)
    # The original counts these bases only where it trims.
    assert sum(t.operation_bases for t in trimming) == golden.get("zmw_total_bp", 1116014)


def smart(zmw: Zmw, widths: dict[str, list[int]]) -> Zmw:
    return Zmw(replace(zmw.draft, tags=(("wl", widths[zmw.name], "B"),)), zmw.passes)


def test_smart_windows(molecules: list[Zmw], load: Any, golden: Path) -> None:
    widths = json.loads((golden / "preprocess_inference_smart_wl_tags.json").read_text())
    expected = load("inference_smart")
    encoded = [encode(smart(zmw, widths), SMART) for zmw in molecules]
    names = np.concatenate([[e.zmw.name] * len(e.bounds) for e in encoded])
    np.testing.assert_array_equal(names, expected["name"])
    overflow = np.concatenate([e.bounds.overflow for e in encoded])
    np.testing.assert_array_equal(overflow, expected["overflow"])
    assert overflow.sum() == expected.facts["counters"]["n_examples_overflow"]
    np.testing.assert_array_equal(np.concatenate([e.bounds.draft_start for e in encoded]), expected["window_pos"])
    columns = np.concatenate([e.bounds.stop - e.bounds.start for e in encoded])
    np.testing.assert_array_equal(np.maximum(columns, SMART.width), expected["width"])
    counters = {int(k.rpartition("_")[2]): v for k, v in expected.facts["counters"].items() if "bucket" in k}
    assert Counter(columns.tolist()) == counters
    rows = np.concatenate([feature_rows(e.windows, SMART) for e in encoded])
    np.testing.assert_array_equal(rows, expected["rows"])
    np.testing.assert_array_equal(np.flatnonzero(~overflow), expected["rows_window_index"])
    qualities = np.concatenate([mean_draft_qualities(e.pileup, e.bounds) for e in encoded])
    np.testing.assert_allclose(qualities, expected["avg_ccs_bq"], rtol=1e-12)


def test_smart_windows_that_overflow_have_the_columns_of_the_original(
    molecules: list[Zmw], load: Any, golden: Path
) -> None:
    widths = json.loads((golden / "preprocess_inference_smart_wl_tags.json").read_text())
    expected = load("inference_smart")
    wide = replace(SMART, width=int(expected["width"].max()))
    encoded = [encode(smart(zmw, widths), wide) for zmw in molecules]
    real = np.arange(wide.width) < expected["width"][:, None]
    for field, name in (("draft_index", "ccs_idx_cat"), ("draft_quality", "ccs_bq_cat")):
        np.testing.assert_array_equal(
            np.concatenate([getattr(e.windows, field) for e in encoded])[real], expected[name]
        )
    tensors = [feature_rows(e.windows, wide) for e in encoded]
    offset = 0
    for tensor, kept in zip(tensors, np.split(real, np.cumsum([len(t) for t in tensors])[:-1]), strict=True):
        rows = tensor.swapaxes(0, 1)[:, kept]
        np.testing.assert_array_equal(rows, expected["subreads_raw_cat"][:, offset : offset + rows.shape[1]])
        offset += rows.shape[1]
    assert offset == expected["subreads_raw_cat"].shape[1]


def truths(molecules: list[Zmw], files: tuple[Path, Path, Path], counters: Counter[str]) -> dict[str, Truth]:
    found = {}
    with Truths(*files) as source:
        for zmw in molecules:
            try:
                found[zmw.name] = source.of(zmw.name)
                counters[f"n_zmw_{found[zmw.name].split}"] += 1
            except MoleculeError as fault:
                counters[f"n_zmw_{fault.outcome}"] += 1
    return found


@pytest.mark.parametrize("name", TRAINING_SPECS)
def test_training(name: str, molecules: list[Zmw], truth_files: tuple[Path, Path, Path], load: Any) -> None:
    spec, golden = TRAINING_SPECS[name], load(name)
    counters: Counter[str] = Counter()
    truth = truths(molecules, truth_files, counters)
    encoded = [encode(zmw, spec) for zmw in molecules if zmw.name in truth]
    labels = [label_windows(e.pileup, e.bounds, truth[e.zmw.name], spec) for e in encoded]
    usable = [one.usable for one in labels]
    assert_windows_equal(list(zip(encoded, usable, strict=True)), spec, golden)
    for field, array in (("bases", "label"), ("cigar", "label_cigar"), ("matches_draft", "ccs_matches_label")):
        joined = np.concatenate([getattr(one, field)[one.usable] for one in labels])
        np.testing.assert_array_equal(joined, golden[array], err_msg=field)
    coordinates = np.concatenate(
        [coordinates_of(one, truth[e.zmw.name]) for one, e in zip(labels, encoded, strict=True)]
    )
    np.testing.assert_array_equal(coordinates, golden["label_coords"])
    splits = np.concatenate([[truth[e.zmw.name].split] * kept.sum() for e, kept in zip(encoded, usable, strict=True)])
    np.testing.assert_array_equal(splits, golden["split"])
    counters |= {f"n_examples_{split}": int((splits == split).sum()) for split in ("train", "eval", "test")}
    counters["n_examples_adjusted_label"] = sum(int((one.adjusted & one.usable).sum()) for one in labels)
    counters["n_examples_label_overflow"] = sum(int(one.overflow.sum()) for one in labels)
    assert {k: golden.facts["counters"][k] for k in counters} == counters


def coordinates_of(labels: Labels, truth: Truth) -> list[str]:
    spans = zip(labels.begin[labels.usable], labels.last[labels.usable], strict=True)
    return [f"{truth.contig}:{begin}-{last}" for begin, last in spans]
