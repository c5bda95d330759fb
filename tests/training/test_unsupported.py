"""Truths that no pass shows: masked, and no labels."""

from dataclasses import replace

import numpy as np
import pytest

from deepconsensus_py.align.passes import align_passes
from deepconsensus_py.edits.repeats import find_homopolymers
from deepconsensus_py.examples.example import Example
from deepconsensus_py.pacbio.molecule import Draft, N, Pass
from deepconsensus_py.training import edit_examples
from deepconsensus_py.training.augment import is_its_own_truth
from deepconsensus_py.training.edit_examples import END, labelled_homopolymers
from deepconsensus_py.training.unsupported import without_unsupported_truth


@pytest.fixture(scope="module")
def example(examples: list[Example]) -> Example:
    """The molecule of most passes."""
    return max(examples, key=lambda one: len(one.zmw.passes))


def spoilt(example: Example, places: list[int]) -> Example:
    """The molecule with the bases at some places of its truth replaced by others."""
    bases = example.truth.bases.copy()
    bases[places] = bases[places] % 4 + 1
    (found,) = align_passes(Draft("t", example.zmw.draft.bases, None), [Pass("t", bases, None, None, None)])
    assert found is not None
    assert found.alignment is not None
    return replace(example, truth=replace(example.truth, bases=bases, alignment=found.alignment))


def single_bases(example: Example, step: int) -> list[int]:
    """Homopolymers of one base, of another letter than their neighbours when replaced."""
    homopolymers = find_homopolymers(example.truth.bases)
    inner = (homopolymers.start > 2 * END) & (homopolymers.stop < len(example.truth.bases) - 2 * END)
    return [int(start) for start in homopolymers.start[inner & (homopolymers.length == 1)][::step]]


def test_a_sound_truth_keeps_nearly_all_bases(example: Example) -> None:
    masked = without_unsupported_truth(example).truth.bases
    assert (masked == N).mean() < 2e-3
    assert np.array_equal(masked[masked != N], example.truth.bases[masked != N])


def test_wrong_bases_of_the_truth_are_masked(example: Example) -> None:
    places = single_bases(example, 40)
    masked = without_unsupported_truth(spoilt(example, places)).truth.bases
    assert (masked[places] == N).mean() > 0.8
    assert (masked == N).sum() < 4 * len(places)


def test_they_are_no_labels(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        edit_examples, "undecided_homopolymers", lambda evidence: np.flatnonzero(evidence.covered.any(axis=0))
    )
    wrong = spoilt(example, single_bases(example, 40))
    before, after = (
        labelled_homopolymers(one, np.random.default_rng(0), given=True)
        for one in (wrong, without_unsupported_truth(wrong))
    )
    assert (after.label > 0).sum() < 0.3 * (before.label > 0).sum()


def test_a_draft_is_its_own_truth_where_that_is_known(example: Example) -> None:
    own = example.zmw.draft.bases
    same = replace(example, truth=replace(example.truth, bases=own.copy()))
    assert is_its_own_truth(same)
    same.truth.bases[100:110] = N
    assert is_its_own_truth(same)
    same.truth.bases[200] = own[200] % 4 + 1
    assert not is_its_own_truth(same)
