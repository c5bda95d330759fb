"""Single passes: measured error rates, classes that say what happened, unknown bases."""

import re

import edlib
import numpy as np
import pytest

from deepconsensus_py.pacbio.molecule import N, decode_bases, encode_bases
from deepconsensus_py.simulate.passes import RateFactors, draw_factors, read_template
from deepconsensus_py.simulate.profile import BaseClass, Spread, load_profile
from deepconsensus_py.simulate.templates import random_template

PROFILE = load_profile().passes
# Errors per template base of 87 real subreads, counted on unit-cost alignments as below.
MEASURED = {"X": 0.02057, "I": 0.06637, "D": 0.0332}


def test_without_errors_a_pass_is_its_template() -> None:
    template = random_template(500, PROFILE.run_length_share, np.random.default_rng(0))
    reading = read_template(template, PROFILE, RateFactors(0, 0, 0), np.random.default_rng(1))
    np.testing.assert_array_equal(reading.bases, template)
    assert set(reading.classes.tolist()) == {BaseClass.MATCH}


def test_error_rates_are_the_measured_ones() -> None:
    rng = np.random.default_rng(0)
    template = random_template(5000, PROFILE.run_length_share, rng)
    counts = dict.fromkeys("=XID", 0)
    for _ in range(10):
        read = decode_bases(read_template(template, PROFILE, RateFactors(), rng).bases)
        cigar = edlib.align(read, decode_bases(template), task="path")["cigar"]
        for length, operation in re.findall(r"(\d+)([=XID])", cigar):
            counts[operation] += int(length)
    for operation, rate in MEASURED.items():
        assert counts[operation] / (10 * len(template)) == pytest.approx(rate, rel=0.12)


def test_deletions_are_rarer_in_single_bases_than_in_runs() -> None:
    factors = RateFactors(mismatch=0, insertion=0)
    rng = np.random.default_rng(0)
    single = read_template(encode_bases("AC" * 20_000), PROFILE, factors, rng)
    paired = read_template(encode_bases("AACC" * 10_000), PROFILE, factors, rng)
    assert 40_000 - len(paired.bases) > 1.5 * (40_000 - len(single.bases)) > 0


def test_classes_say_what_happened() -> None:
    template = random_template(20_000, PROFILE.run_length_share, np.random.default_rng(0))
    only_mismatches = read_template(template, PROFILE, RateFactors(1, 0, 0), np.random.default_rng(1))
    np.testing.assert_array_equal(only_mismatches.classes == BaseClass.MISMATCH, only_mismatches.bases != template)
    only_insertions = read_template(template, PROFILE, RateFactors(0, 1, 0), np.random.default_rng(1))
    np.testing.assert_array_equal(only_insertions.bases[only_insertions.classes == BaseClass.MATCH], template)


def test_bases_after_a_deletion_are_marked() -> None:
    template = encode_bases("ACGT" * 5000)
    reading = read_template(template, PROFILE, RateFactors(0, 0, 1), np.random.default_rng(1))
    place = np.array([0, 0, 3, 1, 2])[reading.bases]  # in the cycle ACGT
    after = (np.diff(place) % 4) != 1
    np.testing.assert_array_equal(reading.classes[1:] == BaseClass.MATCH_AFTER_DELETION, after)
    assert set(reading.classes.tolist()) == {BaseClass.MATCH, BaseClass.MATCH_AFTER_DELETION}


def test_single_inserted_bases_are_what_their_class_says() -> None:
    template = random_template(20_000, PROFILE.run_length_share, np.random.default_rng(0))
    reading = read_template(template, PROFILE, RateFactors(0, 1, 0), np.random.default_rng(1))
    inner = np.arange(1, len(reading.bases) - 1)
    before, here, after = (reading.bases[inner + shift] for shift in (-1, 0, 1))
    cognate = reading.classes[inner] == BaseClass.INSERTION_COGNATE
    foreign = reading.classes[inner] == BaseClass.INSERTION_NONCOGNATE
    assert (here == after)[cognate].all()
    assert ((here != after) & (here != before))[foreign].all()
    assert min(cognate.sum(), foreign.sum()) > 100


def test_unknown_template_bases_are_called_as_bases() -> None:
    template = np.full(1000, N, np.uint8)
    reading = read_template(template, PROFILE, RateFactors(), np.random.default_rng(0))
    assert set(reading.bases.tolist()) == {1, 2, 3, 4}


def test_factors_have_mean_one_and_the_spread() -> None:
    rng = np.random.default_rng(0)
    drawn = np.array([draw_factors(Spread(0.1, 0.3, 0.2), rng).insertion for _ in range(5000)])
    assert drawn.mean() == pytest.approx(1, abs=0.02)
    assert np.log(drawn).std() == pytest.approx(0.3, rel=0.05)
