"""Labelled windows: the original's, array for array, and counted as it counts them."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from example_molecules import random_example

from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.examples.example import Example
from deepconsensus_py.examples.file import ExampleFile
from deepconsensus_py.examples.windows import WindowExamples, join_windows, window_examples
from deepconsensus_py.pacbio.molecule import N
from deepconsensus_py.pacbio.zmws import read_zmws
from deepconsensus_py.pileup.features import FeatureSpec, row_slices
from deepconsensus_py.pileup.method import INPUTS, encode_columns
from deepconsensus_py.pileup.pileup import build_pileup

SPEC = FeatureSpec(width=20, max_passes=4)


@pytest.fixture(scope="module")
def example() -> Example:
    return random_example(np.random.default_rng(5), length=300, passes=3)


def test_inputs_are_what_the_corrector_is_given(example: Example) -> None:
    found, encoded = window_examples(example, SPEC), encode_columns(example.zmw, SPEC)
    all_windows = encoded.layout["draft_start"].tolist()
    kept = [all_windows.index(position) for position in found.position.tolist()]
    for name, values in encoded.inputs.items():
        np.testing.assert_array_equal(found.inputs[name], values[kept], err_msg=name)
        assert found.inputs[name].dtype == values.dtype
    assert set(found.inputs) == set(INPUTS) == set(encoded.inputs)
    assert set(found.names) == {example.name}


def test_every_window_is_kept_or_counted(example: Example) -> None:
    found = window_examples(example, SPEC)
    lost = [f"n_examples_{kind}" for kind in ("label_overflow", "label_unknown", "overflow")]
    assert len(found) == found.counts["n_examples"] == found.counts[f"n_examples_{example.truth.split}"]
    assert len(found) + sum(found.counts[name] for name in lost) == found.counts["example_width_bucket_20"]
    assert found.counts["n_examples_label_overflow"] > 0


def test_unknown_truth_is_left_out_and_counted(example: Example) -> None:
    unknown = replace(example.truth, bases=np.full_like(example.truth.bases, N))
    found = window_examples(Example(example.zmw, unknown), SPEC)
    assert found.counts["n_examples_label_unknown"] > 0
    assert (
        found.counts["n_examples_label_unknown"] + found.counts["n_examples_label_overflow"] + len(found)
        == (found.counts["example_width_bucket_20"])
    )
    assert not (found.labels == N).any()


def test_smart_windows_that_overflow_are_left_out_and_counted(example: Example) -> None:
    spec = replace(SPEC, smart_windows=True)  # the molecule's only smart window is all of it
    found = window_examples(example, spec)
    assert (len(found), found.counts["n_examples_overflow"]) == (0, 1)


def test_join_and_take(example: Example) -> None:
    one, other = window_examples(example, SPEC), window_examples(random_example(np.random.default_rng(6)), SPEC)
    joined = join_windows([one, other])
    assert Counter(joined.counts) == Counter(one.counts) + Counter(other.counts)
    tail = joined.take(np.arange(len(one), len(joined)))
    np.testing.assert_array_equal(tail.labels, other.labels)
    np.testing.assert_array_equal(tail.inputs["bases"], other.inputs["bases"])
    np.testing.assert_array_equal(tail.position, other.position)


def test_a_molecule_without_what_the_spec_requires(example: Example) -> None:
    bare = tuple(replace(p, pulse_widths=None) for p in example.zmw.passes)
    with pytest.raises(MoleculeError, match="no 'pw' tag in 3 of 3 subreads"):
        window_examples(Example(replace(example.zmw, passes=bare), example.truth), SPEC)


# The original's examples


def rows(windows: WindowExamples, spec: FeatureSpec) -> np.ndarray:
    """The tensor as the original stores it."""
    slices = row_slices(spec)
    tensor = np.zeros((len(windows), slices["snr"].stop, spec.width), np.float32)
    for name, part in slices.items():
        values = windows.inputs[name]
        if values.shape[1:] == (spec.width,):
            values = values[:, None]
        tensor[:, part] = values if values.ndim == 3 else values[:, :, None]
    return tensor


@pytest.mark.real
@pytest.mark.parametrize("name", ["training", "training_bq"])
def test_windows_equal_the_original(name: str, human_file: ExampleFile, golden: Path) -> None:
    spec = FeatureSpec(use_draft_qualities=name.endswith("bq"))
    found = join_windows([window_examples(example, spec) for example in human_file])
    with np.load(golden / f"preprocess_{name}.npz") as expected:
        np.testing.assert_array_equal(found.names, expected["name"])
        np.testing.assert_array_equal(found.position, expected["window_pos"])
        np.testing.assert_array_equal(found.num_passes, expected["num_passes"])
        np.testing.assert_array_equal(found.labels, expected["label"])
        np.testing.assert_array_equal(found.inputs["draft_quality"], expected["ccs_bq"])
        np.testing.assert_array_equal(rows(found, spec), expected["subreads_raw"])


@pytest.mark.real
def test_counters_equal_the_original(human_file: ExampleFile, human_1m: Path, golden: Path) -> None:
    counts = Counter(human_file.counts)
    for example in human_file:
        counts += Counter(window_examples(example, FeatureSpec()).counts)
    # The original also counts bases of the molecule without truth, which an example file does not hold.
    zmws = read_zmws([human_1m / "subreads_to_ccs.bam"], human_1m / "ccs.bam")
    (left_out,) = (zmw for zmw in zmws if zmw.name not in human_file.names)
    counts["zmw_total_bp"] += build_pileup(left_out, FeatureSpec()).trimming.operation_bases
    assert +counts == json.loads((golden / "preprocess_training.json").read_text())["counters"]


@pytest.mark.real
def test_a_window_of_ten_passes_takes_less_than_1500_bytes(
    human_file: ExampleFile, capsys: pytest.CaptureFixture[str]
) -> None:
    size = human_file.path.stat().st_size
    columns = sum(entry.columns for entry in human_file.entries)
    passes = sum(entry.columns * entry.passes for entry in human_file.entries) / columns
    per_window = 100 * size / columns
    with capsys.disabled():
        print(f"\n{per_window:.0f} bytes for 100 columns of {passes:.1f} passes on average")
    assert passes > 10
    assert per_window < 1500
