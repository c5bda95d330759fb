"""Simulated passes beside real ones: counted in the same way, they show the same."""

import numpy as np
import pytest

from deepconsensus_py.simulate.measure import LAGS
from deepconsensus_py.simulate.profile import SEQUENCED, by_letters, normalised

RATES = ("mismatch", "insertion_events", "inserted_bases", "deletion_events", "deleted_bases")


def test_rates(both) -> None:
    found, profile = both
    for name in RATES:
        assert found[name] == pytest.approx(profile.measured[name], rel=0.1), name


def test_lengths_of_insertions_and_deletions(both) -> None:
    found, profile = both
    for name, longest in (("insertion_length", 5), ("deletion_length", 2)):
        wanted = profile.measured[name][1 : longest + 1]
        np.testing.assert_allclose(found[name][1 : longest + 1], wanted, rtol=0.15)


def test_inserted_bases_are_those_of_the_neighbours_as_often(both) -> None:
    found, profile = both
    assert found["single_cognate_share"] == pytest.approx(profile.measured["single_cognate_share"], abs=0.02)
    np.testing.assert_allclose(found["multi_kinds"], profile.measured["multi_kinds"], atol=0.04)
    composition = by_letters(profile.measured["inserted_base"], 1)
    np.testing.assert_allclose(found["inserted_base"], composition, atol=0.015)


def test_bases_are_mistaken_for_the_same_ones(both) -> None:
    found, profile = both
    table = profile.measured["substitution"]
    wanted = normalised([[table.get(f"{a}>{b}", 0.0) for b in SEQUENCED] for a in SEQUENCED])
    np.testing.assert_allclose(normalised(found["substitution"].reshape(6, 6))[1:5, 1:5], wanted, atol=0.03)


@pytest.mark.parametrize("length", range(1, 9))
def test_observed_homopolymer_lengths(both, length: int) -> None:
    found, profile = both
    shares = normalised(found["runs"].sum(axis=0)[length])
    wanted = np.array(profile.measured["run_length"][str(length)])
    # Seven and eight bases: 352 and 69 real homopolymers.
    tolerance = 0.015 if length < 6 else 0.05 if length < 8 else 0.1
    assert shares[length] == pytest.approx(wanted[length], abs=tolerance)
    beside = [length - 1, length + 1]
    np.testing.assert_allclose(shares[beside], wanted[beside], atol=2 * tolerance)


@pytest.mark.parametrize("length", range(1, 7))
def test_homopolymer_lengths_agree_between_passes_of_a_strand_only(both, length: int) -> None:
    found, profile = both
    same, opposite = (found[f"run_correlation_{which}"][length - 1] for which in ("same", "opposite"))
    tolerance = 0.012 if length < 4 else 0.04 if length < 6 else 0.13  # 680 and 540 real pairs
    assert same == pytest.approx(profile.measured["run_correlation_same"][length - 1], abs=tolerance)
    assert opposite == pytest.approx(0, abs=tolerance + 0.01)
    assert same > opposite


def test_rates_vary_between_molecules_and_between_passes(both) -> None:
    found, profile = both
    np.testing.assert_allclose(found["log_sd_within"], profile.measured["log_sd_within"], rtol=0.25)
    # 60 molecules determine a standard deviation to 9 %.
    np.testing.assert_allclose(found["log_sd_between"], profile.measured["log_sd_between"], rtol=0.3)
    above = found["log_rate_correlation"][np.triu_indices(3, 1)]
    # The first and the last are strong, and 60 molecules determine a correlation to 0.13.
    np.testing.assert_allclose(above, profile.measured["log_rate_correlation"], atol=0.45)
    assert np.sign(above[0]) == np.sign(profile.measured["log_rate_correlation"][0])


def test_bursts(both) -> None:
    found, profile = both
    # One molecule of many insertions has as many such windows as twenty others.
    assert found["burst_share"] == pytest.approx(profile.measured["burst_share"], rel=0.6)
    for low, high in ((0, 9), (10, 19), (20, 29)):
        shares = [normalised(w)[low : high + 1].sum() for w in (found["windows"], profile.measured["windows"])]
        assert shares[0] == pytest.approx(shares[1], abs=0.1)


@pytest.mark.parametrize("name", ["pw", "ip"])
def test_quantiles_of_kinetics_by_class(both, name: str) -> None:
    found, profile = both
    # Molecules differ in their inter-pulse durations.
    for kind, got in found[f"{name}_quantiles"].items():
        wanted = profile.measured["quantiles"][name][kind]
        for percentile in (10, 25, 50, 75, 90):
            assert got[percentile] == pytest.approx(wanted[percentile], rel=0.12 if name == "pw" else 0.2, abs=2.5), (
                kind,
                percentile,
            )


@pytest.mark.parametrize("name", ["pw", "ip"])
def test_correlations_of_kinetics(both, name: str) -> None:
    found, profile = both
    np.testing.assert_allclose(
        found[f"{name}_autocorrelation"][: len(LAGS)], profile.measured["autocorrelation"][name], atol=0.02
    )
    assert found["pair_correlation"][name] == pytest.approx(profile.measured["pair_correlation"][name], abs=0.04)
