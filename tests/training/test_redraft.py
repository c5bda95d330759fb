"""Drafts of some passes: what is in them comes from the molecule, and the truth lies on them."""

from dataclasses import replace

import edlib
import numpy as np
import pytest
from example_molecules import assert_equal

from deepconsensus_py.align.draft import MIN_PASSES
from deepconsensus_py.align.passes import align_passes, align_zmw, oriented
from deepconsensus_py.edits.labels import check_alignment
from deepconsensus_py.examples.example import Example
from deepconsensus_py.pacbio.molecule import Draft, Pass, Zmw, decode_bases, reverse_complement
from deepconsensus_py.training import augment as redraft
from deepconsensus_py.training.augment import (
    MOST_OF_ITS_OWN,
    MOST_PASSES_OF_ITS_OWN,
    is_its_own_truth,
    redrafted,
)
from deepconsensus_py.training.edit_examples import labelled_homopolymers

SEEDS = range(12)


@pytest.fixture(scope="module")
def example(examples: list[Example]) -> Example:
    """The molecule of most passes."""
    return max(examples, key=lambda one: len(one.zmw.passes))


@pytest.fixture(scope="module")
def made(example: Example) -> list[Example]:
    found = [redrafted(example, np.random.default_rng(seed)) for seed in SEEDS]
    return [one for one in found if one is not None]


def on_its_truth(example: Example) -> Example:
    """The molecule with its truth for a draft."""
    raw = [replace(oriented(p, reverse=p.reverse), alignment=None, reverse=False) for p in example.zmw.passes]
    zmw = align_zmw(Zmw(Draft(example.name, example.truth.bases, None), tuple(raw)))
    (truth,) = align_passes(zmw.draft, [Pass("truth", example.truth.bases, None, None, None)])
    assert truth is not None
    assert truth.alignment is not None
    return Example(zmw, replace(example.truth, alignment=truth.alignment))


def test_passes_are_some_of_the_molecules_own(example: Example, made: list[Example]) -> None:
    own = {p.name: p for p in example.zmw.passes}
    counts = set()
    for one in made:
        assert one.name == example.name
        counts.add(len(one.zmw.passes))
        for p in one.zmw.passes:
            turned = oriented(p, reverse=p.reverse != own[p.name].reverse)
            assert_equal(replace(turned, alignment=None), replace(own[p.name], alignment=None))
    assert min(counts) >= MIN_PASSES
    assert max(counts) <= len(own)
    assert len(counts) > 2


def test_passes_and_truth_are_aligned_to_the_new_draft(example: Example, made: list[Example]) -> None:
    directions = set()
    for one in made:
        draft, truth = one.zmw.draft.bases, one.truth
        for alignment, bases in ((truth.alignment, truth.bases), *((p.alignment, p.bases) for p in one.zmw.passes)):
            check_alignment(alignment, len(bases), len(draft))
        forward = np.array_equal(truth.bases, example.truth.bases)
        assert forward or np.array_equal(reverse_complement(truth.bases), example.truth.bases)
        directions.add(forward)
        errors = edlib.align(decode_bases(draft), decode_bases(truth.bases), mode="NW")["editDistance"]
        assert errors < 0.1 * len(draft)
        assert (truth.contig, truth.begin, truth.end) == (
            example.truth.contig,
            example.truth.begin,
            example.truth.end,
        )
    assert directions == {False, True}


# Five passes of both strands are of one hardly ever by chance.
@pytest.mark.parametrize(("share", "fewest", "strands"), [(0.0, 5, {2}), (1.0, MIN_PASSES, {1})])
def test_the_share_of_drafts_of_one_strand(
    example: Example, monkeypatch: pytest.MonkeyPatch, share: float, fewest: int, strands: set[int]
) -> None:
    monkeypatch.setattr(redraft, "ONE_STRAND", share)
    monkeypatch.setattr(redraft, "MIN_PASSES", fewest)
    made = [redrafted(example, np.random.default_rng(seed)) for seed in range(4)]
    assert {len({p.reverse for p in one.zmw.passes}) for one in made if one} == strands


def test_the_generator_decides(example: Example, made: list[Example]) -> None:
    (again,) = (redrafted(example, np.random.default_rng(seed)) for seed in SEEDS[:1])
    assert_equal(again, made[0])
    assert len({one.zmw.draft.bases.tobytes() for one in made}) > 1


def test_a_draft_that_is_the_truth_is_of_fewer_passes(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redraft, "FEW", 0)
    sure = on_its_truth(example)
    assert is_its_own_truth(sure)
    assert not is_its_own_truth(replace(sure, truth=replace(sure.truth, bases=sure.truth.bases[1:])))
    counts = [len(one.zmw.passes) for seed in SEEDS if (one := redrafted(sure, np.random.default_rng(seed)))]
    assert counts
    assert min(counts) >= MIN_PASSES
    assert max(counts) <= min(MOST_OF_ITS_OWN * len(example.zmw.passes), MOST_PASSES_OF_ITS_OWN)


def test_a_draft_that_is_the_truth_is_of_twice_as_many_passes_or_more(
    example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redraft, "FEW", 0)
    sure = on_its_truth(example)
    for passes, made in ((2 * MIN_PASSES - 1, False), (2 * MIN_PASSES, True)):
        few = replace(sure, zmw=replace(sure.zmw, passes=sure.zmw.passes[:passes]))
        found = [redrafted(few, np.random.default_rng(seed)) for seed in SEEDS[:4]]
        assert [one is not None for one in found] == [made] * 4


def test_some_of_its_drafts_are_of_one_or_two_passes(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redraft, "FEW", 1)
    other = redrafted(example, np.random.default_rng(0))
    assert other is not None
    assert len(other.zmw.passes) >= MIN_PASSES
    sure = on_its_truth(example)
    found = [redrafted(sure, np.random.default_rng(seed)) for seed in SEEDS]
    assert {len(one.zmw.passes) for one in found if one} == {1, 2}
    for one in found:
        assert one is not None
        assert any(np.array_equal(one.zmw.draft.bases, p.bases) for p in one.zmw.passes)
        assert len(one.truth.bases) == len(example.truth.bases)
    pairs = [one for one in found if one and len(one.zmw.passes) == 2]
    assert len(labelled_homopolymers(pairs[0], np.random.default_rng(0), given=False)) > 50


@pytest.mark.parametrize("passes", range(MIN_PASSES))
def test_too_few_passes_make_no_draft(example: Example, passes: int) -> None:
    few = replace(example, zmw=replace(example.zmw, passes=example.zmw.passes[:passes]))
    assert redrafted(few, np.random.default_rng(0)) is None


def test_short_passes_are_not_taken(example: Example) -> None:
    short = tuple(replace(p, bases=p.bases[: len(example.zmw.draft.bases) // 3]) for p in example.zmw.passes[2:])
    few = replace(example, zmw=replace(example.zmw, passes=(*example.zmw.passes[:2], *short)))
    assert redrafted(few, np.random.default_rng(0)) is None


def test_a_truth_of_another_molecule_makes_no_example(example: Example) -> None:
    other = np.random.default_rng(1).integers(1, 5, len(example.truth.bases), np.uint8)
    wrong = replace(example, truth=replace(example.truth, bases=other))
    assert redrafted(wrong, np.random.default_rng(0)) is None


def test_molecules_without_kinetics_make_drafts(example: Example) -> None:
    passes = tuple(replace(p, pulse_widths=None, inter_pulse_durations=None) for p in example.zmw.passes)
    one = redrafted(replace(example, zmw=replace(example.zmw, passes=passes)), np.random.default_rng(0))
    assert one is not None
    assert all(p.pulse_widths is None for p in one.zmw.passes)
