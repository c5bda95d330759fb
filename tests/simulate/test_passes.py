"""Single passes: classes of bases, rates by homopolymer and context, unknown bases, what strands
share."""

from dataclasses import replace

import numpy as np
import pytest

from deepconsensus_py.pacbio.molecule import N, encode_bases
from deepconsensus_py.simulate.passes import prepare_strand, read_strand
from deepconsensus_py.simulate.profile import BaseClass, PassProfile, load_profile
from deepconsensus_py.simulate.templates import random_template, template_homopolymers

PROFILE = load_profile().passes
MISMATCHES, INSERTIONS, DELETIONS = np.eye(3)


def reading_of(template: np.ndarray, factors: np.ndarray, seed: int = 1, profile: PassProfile = PROFILE):
    rng = np.random.default_rng(seed)
    return read_strand(prepare_strand(template, rng), profile, factors, rng)


def a_template(length: int = 20_000) -> np.ndarray:
    return random_template(length, PROFILE.homopolymer_share, np.random.default_rng(0))


def homopolymer_lengths(template: np.ndarray, reading) -> np.ndarray:
    homopolymers = template_homopolymers(template)
    own = reading.bases == template[reading.origin]
    return np.bincount(homopolymers.index[reading.origin[own]], minlength=len(homopolymers.starts))


def test_without_errors_a_pass_is_its_template() -> None:
    template = a_template(500)
    reading = reading_of(template, np.zeros(3))
    np.testing.assert_array_equal(reading.bases, template)
    np.testing.assert_array_equal(reading.origin, np.arange(500))
    assert set(reading.classes.tolist()) == {BaseClass.MATCH}


def test_classes_match_the_errors() -> None:
    template = a_template()
    wrong = reading_of(template, MISMATCHES)
    np.testing.assert_array_equal(wrong.classes == BaseClass.MISMATCH, wrong.bases != template)
    more = reading_of(template, INSERTIONS)
    np.testing.assert_array_equal(more.bases[more.classes == BaseClass.MATCH], template)
    less = reading_of(template, DELETIONS)
    assert set(less.classes.tolist()) == {BaseClass.MATCH, BaseClass.MATCH_AFTER_DELETION}
    np.testing.assert_array_equal(less.bases, template[less.origin])


def test_origins_never_descend_and_cutting_keeps_the_part() -> None:
    reading = reading_of(a_template(), np.ones(3))
    assert (np.diff(reading.origin) >= 0).all()
    part = reading.cut(5000, 6000)
    assert part.origin.min() >= 5000
    assert part.origin.max() < 6000
    inside = (reading.origin >= 5000) & (reading.origin < 6000)
    np.testing.assert_array_equal(part.bases, reading.bases[inside])


def test_bases_after_a_deletion_are_marked() -> None:
    reading = reading_of(encode_bases("ACGT" * 5000), DELETIONS)
    after = np.diff(reading.origin) != 1
    np.testing.assert_array_equal(reading.classes[1:] == BaseClass.MATCH_AFTER_DELETION, after)
    assert after.sum() > 200


def test_single_insertions_match_their_class() -> None:
    reading = reading_of(a_template(), INSERTIONS)
    inner = np.arange(1, len(reading.bases) - 1)
    before, here, after = (reading.bases[inner + shift] for shift in (-1, 0, 1))
    cognate = reading.classes[inner] == BaseClass.INSERTION_COGNATE
    foreign = reading.classes[inner] == BaseClass.INSERTION_NONCOGNATE
    assert (here == after)[cognate].all()
    # Two events may meet in a gap; then one sees the other for a neighbour.
    assert ((here != after) & (here != before))[foreign].mean() > 0.97
    assert min(cognate.sum(), foreign.sum()) > 100


def test_homopolymers_are_read_as_in_their_table() -> None:
    template = encode_bases("GCCCA" * 20_000)
    profile = replace(PROFILE, shorten_context=np.ones((6, 6, 6)), lengthen_context=np.ones((6, 6, 6)))
    lengths = homopolymer_lengths(template, reading_of(template, np.array([0, 1, 1]), profile=profile))[1::3]
    wanted = PROFILE.observed_length[3, 3]
    found = np.bincount(lengths, minlength=len(wanted))[: len(wanted)] / len(lengths)
    np.testing.assert_allclose(found[2:5], wanted[2:5], atol=0.012)


def test_the_table_of_homopolymers_is_a_distribution() -> None:
    np.testing.assert_allclose(PROFILE.observed_length[1:5].sum(axis=2), 1, atol=1e-9)
    assert (PROFILE.observed_length >= 0).all()


def test_the_neighbours_decide_how_often_a_base_is_lost() -> None:
    factors = PROFILE.shorten_context
    # Of the 36 contexts of single bases, the one most and the one least at risk, relative to their base.
    single = np.array([(p, b, n) for p in range(1, 5) for b in range(1, 5) for n in range(1, 5) if b not in (p, n)])
    order = np.argsort(factors[tuple(single.T)])
    lost = []
    for p, b, n in single[order[[0, -1]]]:
        spacer = next(x for x in range(1, 5) if x not in (p, n))
        template = np.tile(np.array([spacer, p, b, n], np.uint8), 20_000)
        reading = reading_of(template, DELETIONS)
        kept = np.bincount(reading.origin, minlength=len(template)) > 0
        lost.append((~kept[2::4]).mean() / PROFILE.shorten[b, 1])
    assert lost[1] > 1.5 * lost[0]


def test_passes_of_a_strand_share_homopolymer_lengths() -> None:
    template = encode_bases("GCACATTTTTT" * 4000)
    rng = np.random.default_rng(0)
    strand = prepare_strand(template, rng)
    one, other, third = (
        homopolymer_lengths(template, read_strand(s, PROFILE, np.ones(3), rng))[5::6]
        for s in (strand, strand, prepare_strand(template, rng))
    )
    assert np.corrcoef(one, other)[0, 1] > 0.06
    assert abs(np.corrcoef(one, third)[0, 1]) < 0.05


def test_unknown_template_bases_are_called_as_bases() -> None:
    reading = reading_of(np.full(1000, N, np.uint8), np.ones(3))
    assert set(reading.bases.tolist()) == {1, 2, 3, 4}


@pytest.mark.parametrize("text", ["A", "AC", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"])
def test_tiny_templates_can_be_read(text: str) -> None:
    for seed in range(50):
        reading = reading_of(encode_bases(text), np.full(3, 5.0), seed)
        assert len(reading.bases) == len(reading.classes) == len(reading.origin)
