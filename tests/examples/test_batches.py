"""Batches of windows: they depend on the generator alone, and every window is drawn as often as any other."""

import pickle
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from deepconsensus_py.errors import InputError
from deepconsensus_py.examples.example import Example
from deepconsensus_py.examples.file import ExampleFile
from deepconsensus_py.examples.windows import WindowExamples, WindowSampler, window_examples
from deepconsensus_py.pileup.features import FeatureSpec

SPEC = FeatureSpec(width=30, max_passes=4)


def assert_same(one: WindowExamples, other: WindowExamples) -> None:
    for field in ("labels", "names", "position", "num_passes"):
        np.testing.assert_array_equal(getattr(one, field), getattr(other, field))
    for name in one.inputs:
        np.testing.assert_array_equal(one.inputs[name], other.inputs[name])


@pytest.fixture
def files(make_file) -> list[ExampleFile]:
    return [make_file(300, 900, 200, first=1), make_file(600, first=4)]


def drop_a_pass(example: Example, rng: np.random.Generator) -> Example:
    kept = np.delete(np.arange(len(example.zmw.passes)), rng.integers(len(example.zmw.passes)))
    return Example(replace(example.zmw, passes=tuple(example.zmw.passes[i] for i in kept)), example.truth)


@pytest.mark.parametrize("augment", [None, drop_a_pass])
def test_a_batch_depends_on_the_generator_alone(files, augment) -> None:
    fresh = WindowSampler(files, SPEC, augment=augment).draw(np.random.default_rng(7), 50)
    used = WindowSampler(files, SPEC, augment=augment, cached=1)
    for step in range(5):
        used.draw(np.random.default_rng(step), 20)
    assert_same(used.draw(np.random.default_rng(7), 50), fresh)
    assert_same(pickle.loads(pickle.dumps(used)).draw(np.random.default_rng(7), 50), fresh)


def test_windows_are_those_of_their_molecules(files) -> None:
    batch = WindowSampler(files, SPEC).draw(np.random.default_rng(1), 64)
    assert len(batch) == 64
    whole = {example.name: window_examples(example, SPEC) for file in files for example in file}
    for i, (name, position) in enumerate(zip(batch.names.tolist(), batch.position.tolist(), strict=True)):
        (at,) = np.flatnonzero(whole[name].position == position)
        np.testing.assert_array_equal(batch.labels[i], whole[name].labels[at])
        for field, values in batch.inputs.items():
            np.testing.assert_array_equal(values[i], whole[name].inputs[field][at])


def test_every_window_is_as_likely_as_any_other(files) -> None:
    sampler = WindowSampler(files, SPEC, per_molecule=1)
    batch = sampler.draw(np.random.default_rng(2), 4000)
    drawn = Counter(batch.names.tolist())
    windows = {example.name: len(window_examples(example, SPEC)) for file in files for example in file}
    share = {name: count / 4000 for name, count in drawn.items()}
    for name, count in windows.items():
        assert share[name] == pytest.approx(count / sum(windows.values()), rel=0.25)


def test_no_window_twice_from_one_draw_of_a_molecule(make_file) -> None:
    sampler = WindowSampler([make_file(900)], SPEC, per_molecule=8)
    for seed in range(20):
        assert len(set(sampler.draw(np.random.default_rng(seed), 8).position.tolist())) == 8


def test_only_molecules_in_use_are_drawn(files) -> None:
    sampler = WindowSampler(files, SPEC, use=lambda entry: entry.split == "test")
    assert set(sampler.draw(np.random.default_rng(0), 40).names) == {"m/2/ccs"}
    with pytest.raises(InputError, match="no usable molecule"):
        WindowSampler(files, SPEC, use=lambda entry: False)


def test_augmented_molecules_change_with_every_draw(files) -> None:
    sampler = WindowSampler(files, SPEC, augment=drop_a_pass, per_molecule=4)
    batch = sampler.draw(np.random.default_rng(0), 100)
    assert set(batch.num_passes.tolist()) == {2}
    assert len({row.tobytes() for row in batch.inputs["strands"]}) > 2


def test_what_the_model_requires_is_asked_for_before_anything_is_drawn(make_file) -> None:
    bare = make_file(200, lacking=1)
    with pytest.raises(InputError, match="molecule m/1/ccs has no 'pw'"):
        WindowSampler([bare], SPEC)
    optional = replace(SPEC, required=())
    assert len(WindowSampler([bare], optional).draw(np.random.default_rng(0), 5)) == 5
    with pytest.raises(InputError, match="no 'base qualities'"):
        WindowSampler([bare], replace(optional, use_draft_qualities=True))


def test_molecules_without_a_usable_window_end_the_search(make_file) -> None:
    with pytest.raises(InputError, match="no molecule has a window with a usable label"):
        WindowSampler([make_file(200)], replace(SPEC, smart_windows=True)).draw(np.random.default_rng(0), 1)
