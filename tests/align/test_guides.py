"""Passes are placed where they belong, on their strand, through insertions, repeats and missed adapters."""

import numpy as np
import pytest
from noise import noisy, places_in, random_bases

from deepconsensus_py.align.guides import Guide, Template
from deepconsensus_py.pacbio.molecule import reverse_complement

Array = np.ndarray


def farthest(guide: Guide, true: Array) -> int:
    """How far a guide strays from the true number of bases before each base of the template that it covers."""
    covered = slice(guide.first, guide.stop)
    return int(np.abs(guide.before[:-1][covered] - true[covered]).max())


@pytest.mark.parametrize("reverse", [False, True])
def test_a_pass_lies_along_the_template_on_its_strand(reverse: bool) -> None:
    rng = np.random.default_rng(1)
    truth = random_bases(rng, 3_000)
    template, _ = noisy(truth, rng)
    bases, kept = noisy(truth, rng)
    placed = Template(truth).place(reverse_complement(bases) if reverse else bases)
    assert placed is not None
    assert np.array_equal(placed.bases, bases)
    assert (placed.guide.first, placed.guide.stop) == (0, 3_000)
    assert (placed.guide.before[0], placed.guide.before[-1]) == (0, len(bases))
    assert (np.diff(placed.guide.before) >= 0).all()
    assert farthest(placed.guide, places_in(kept)) < 12
    assert Template(template).place(bases) is not None


def test_a_long_insertion_and_a_long_deletion_are_jumps() -> None:
    rng = np.random.default_rng(2)
    truth, more = random_bases(rng, 3_000), random_bases(rng, 400)
    bases = np.concatenate([truth[:1_000], more, truth[1_000:2_000], truth[2_300:]])
    placed = Template(truth).place(bases)
    assert placed is not None
    before = placed.guide.before
    assert before[[950, 1_050, 1_950, 2_350]].tolist() == [950, 1_450, 2_350, 2_450]


@pytest.mark.parametrize(("unit", "copies"), [(171, 25), (33, 20), (2, 200)])
def test_copies_of_a_repeat_are_not_mistaken_for_each_other(unit: int, copies: int) -> None:
    rng = np.random.default_rng(unit)
    repeat = np.tile(random_bases(rng, unit), copies)
    truth = np.concatenate([random_bases(rng, 500), repeat, random_bases(rng, 500)])
    template = Template(truth)
    for _ in range(4):
        bases, kept = noisy(truth, rng)
        placed = template.place(bases)
        assert placed is not None
        assert farthest(placed.guide, places_in(kept)) < 30


def test_only_the_part_that_belongs_to_the_template_is_placed() -> None:
    rng = np.random.default_rng(3)
    truth = random_bases(rng, 2_000)
    chimeric = np.concatenate([noisy(truth[:1_200], rng)[0], random_bases(rng, 900)])
    through = np.concatenate([noisy(truth, rng)[0], reverse_complement(noisy(truth[1_300:], rng)[0])])
    template = Template(truth)
    guides = [placed.guide for bases in (chimeric, through) if (placed := template.place(bases))]
    assert [guide.first for guide in guides] == [0, 0]
    assert guides[0].stop == pytest.approx(1_200, abs=100)
    assert guides[1].stop == 2_000
    assert guides[1].before[-1] == pytest.approx(2_000, abs=150)


def test_a_partial_pass_covers_its_part() -> None:
    rng = np.random.default_rng(4)
    truth = random_bases(rng, 2_000)
    placed = Template(truth).place(noisy(truth[700:1_500], rng)[0])
    assert placed is not None
    assert placed.guide.first == pytest.approx(700, abs=5)
    assert placed.guide.stop == pytest.approx(1_500, abs=5)


def test_sequences_without_common_words_are_aligned_or_refused() -> None:
    rng = np.random.default_rng(5)
    truth = random_bases(rng, 60)
    # Every ninth base differs: no ten bases in a row are equal.
    bases = truth.copy()
    bases[4::9] = bases[4::9] % 4 + 1
    placed = Template(truth).place(bases)
    assert placed is not None
    assert np.array_equal(placed.guide.before, np.arange(61))
    assert Template(random_bases(rng, 1_000)).place(random_bases(rng, 1_000)) is None


def test_a_molecule_that_is_one_repeat_is_placed_from_end_to_end() -> None:
    rng = np.random.default_rng(6)
    truth = np.tile(random_bases(rng, 5), 200)
    bases, kept = noisy(truth, rng)
    placed = Template(truth).place(bases)
    assert placed is not None
    assert (placed.guide.first, placed.guide.stop) == (0, 1_000)
    assert farthest(placed.guide, places_in(kept)) < 60


@pytest.mark.parametrize("reverse", [False, True])
def test_a_pass_that_begins_with_an_inverted_repeat_is_placed_on_its_strand(reverse: bool) -> None:
    rng = np.random.default_rng(7)
    arm = random_bases(rng, 1_200)
    truth = np.concatenate([arm, random_bases(rng, 2_000), reverse_complement(arm)])
    bases, kept = noisy(truth, rng)
    placed = Template(truth).place(reverse_complement(bases) if reverse else bases)
    assert placed is not None
    assert np.array_equal(placed.bases, bases)
    assert farthest(placed.guide, places_in(kept)) < 12
