"""Counting: what is put into passes is found in them."""

import numpy as np
import pytest

from deepconsensus_py.pacbio.molecule import Pass, encode_bases, reverse_complement
from deepconsensus_py.simulate.measure import measure, quantiles
from deepconsensus_py.simulate.profile import load_profile
from deepconsensus_py.simulate.templates import random_template

LENGTH = 2000


def a_truth(seed: int = 0) -> np.ndarray:
    return random_template(LENGTH, load_profile().passes.homopolymer_share, np.random.default_rng(seed))


def a_pass(bases: np.ndarray, code: int = 10) -> Pass:
    kinetics = np.full(len(bases), code, np.uint8)
    return Pass("m/1/0_9", bases, kinetics, kinetics, None)


def test_passes_without_errors_have_none() -> None:
    truth = a_truth()
    found = measure([(truth, [a_pass(truth), a_pass(reverse_complement(truth))])])
    assert found["template_bases"] == 2 * LENGTH
    assert found["mismatch"] == found["inserted_bases"] == found["deleted_bases"] == 0
    assert found["windows"][0] == 2 * LENGTH // 100


def test_errors_are_counted_by_kind() -> None:
    truth = encode_bases("ACGTTGCATC" * 200)
    changed = truth.copy()
    changed[1005] = encode_bases("A")[0]  # G, so that GTTGC reads GTTAC
    longer = np.insert(truth, 1003, truth[1003])
    shorter = np.delete(truth, [503, 504])
    found = measure([(truth, [a_pass(one) for one in (changed, longer, shorter)])])
    total = 3 * LENGTH
    assert found["mismatch"] == pytest.approx(1 / total)
    assert found["substitution"].reshape(6, 6)[4, 1] == 1
    assert found["insertion_events"] == found["inserted_bases"] == pytest.approx(1 / total)
    assert found["single_cognate_share"] == 1
    assert found["deletion_events"] == pytest.approx(1 / total)
    assert found["deleted_bases"] == pytest.approx(2 / total)
    homopolymers = found["runs"][2, 2]  # TT
    assert homopolymers[3] == 1
    assert homopolymers[0] == 1
    assert homopolymers[2] > 500


def test_homopolymer_lengths_agree_within_a_strand_if_made_so() -> None:
    truth = encode_bases("ACGTTGCATC" * 300)
    places = np.arange(0, 3000, 50) + 3
    forward = a_pass(np.insert(truth, places, truth[places]))
    reverse = a_pass(reverse_complement(truth))
    found = measure([(truth, [forward, reverse, forward, reverse])])
    assert found["run_correlation_same"][1] == pytest.approx(1, abs=0.1)
    assert found["run_correlation_opposite"][1] < 0.1


def test_kinetics_of_classes_and_of_pairs() -> None:
    truth = a_truth()
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 200, LENGTH).astype(np.uint8)
    other = rng.integers(0, 200, LENGTH).astype(np.uint8)
    passes = [Pass("m/1/0_9", truth, codes, kinetics, None) for kinetics in (codes, other)]
    found = measure([(truth, passes)])
    assert found["pair_correlation"]["pw"] == pytest.approx(1)
    assert abs(found["pair_correlation"]["ip"]) < 0.1
    np.testing.assert_allclose(found["pw_quantiles"]["match"][[10, 50, 90]], np.percentile(codes, [10, 50, 90]), atol=1)
    assert np.abs(found["pw_autocorrelation"]).max() < 0.1


def test_molecules_and_passes_vary_as_they_do() -> None:
    rng = np.random.default_rng(0)
    movie = []
    for rate in (0.01, 0.04):
        truth = a_truth()
        wrong = [np.where(rng.random(LENGTH) < rate, 1 + truth % 4, truth).astype(np.uint8) for _ in range(4)]
        movie.append((truth, [a_pass(bases) for bases in wrong]))
    found = measure(movie)
    assert found["log_sd_between"][0] == pytest.approx(np.log(4) / 2, rel=0.25)
    assert found["log_sd_within"][0] < 0.35


def test_short_passes_are_left_out() -> None:
    truth = a_truth()
    found = measure([(truth, [a_pass(truth), a_pass(truth[:400])])])
    assert found["template_bases"] == LENGTH


def test_quantiles_of_counts() -> None:
    values = np.random.default_rng(0).integers(0, 50, 10_000)
    np.testing.assert_allclose(quantiles(np.bincount(values)), np.percentile(values, np.arange(101)), atol=1)
