"""Drafts: as many errors as measured for the passes, of the same types, where the passes are undecided."""

from dataclasses import replace
from functools import cache

import edlib
import numpy as np
import pytest

from deepconsensus_py.evaluate.read_errors import BookedErrors, ReadErrors, find_errors
from deepconsensus_py.evaluate.reads import Read
from deepconsensus_py.pacbio.molecule import decode_bases
from deepconsensus_py.simulate.drafts import CandidateErrors, DraftSequence, ambiguity, draw_draft, weigh
from deepconsensus_py.simulate.molecules import SimulatedMolecule
from deepconsensus_py.simulate.movies import simulate_zmws
from deepconsensus_py.simulate.profile import load_profile, normalised
from deepconsensus_py.simulate.sites import prepare_site, travel
from deepconsensus_py.simulate.templates import random_template, template_homopolymers

PROFILE = load_profile()
MEASURED = PROFILE.measured["draft"]
LENGTH = 5000
MOLECULES = 50  # of each number of passes
NUMBERS = {5: 5, 9: 9, 15: 16, 16: 16, 17: 16}  # passes of the measured molecules, and of those that stand for them


@cache
def movie(passes: int) -> list[tuple[SimulatedMolecule, ReadErrors]]:
    rng = np.random.default_rng(passes)
    found = simulate_zmws(PROFILE, MOLECULES, rng, length=(LENGTH, LENGTH), passes=(passes, passes))
    return [(molecule, errors_of(molecule)) for molecule in found]


def errors_of(molecule: SimulatedMolecule) -> ReadErrors:
    draft = molecule.zmw.draft
    return find_errors(Read(draft.name, decode_bases(draft.bases), draft.qualities), decode_bases(molecule.truth))


def all_drafts() -> list[tuple[SimulatedMolecule, ReadErrors]]:
    """As many of each number of passes as there are measured molecules."""
    return [entry for passes, *_ in MEASURED["molecules"] for entry in movie(NUMBERS[passes])]


def a_molecule(passes: int, length: int = 20_000, seed: int = 5) -> tuple[np.ndarray, CandidateErrors]:
    rng = np.random.default_rng(seed)
    truth = random_template(length, PROFILE.passes.homopolymer_share, rng)
    site = prepare_site(truth, PROFILE.passes, rng)
    return truth, weigh(truth, travel(site, passes, True, PROFILE.passes, rng), PROFILE.passes)


def distance(truth: np.ndarray, draft: DraftSequence) -> int:
    return edlib.align(decode_bases(draft.bases), decode_bases(truth))["editDistance"]


@pytest.mark.parametrize("passes", [4, 5, 9, 16])
def test_error_rate_is_the_measured_one_for_the_passes(passes: int) -> None:
    rng = np.random.default_rng(passes)
    errors, length = 0, 4000
    for seed in range(60):
        truth, candidates = a_molecule(passes, length, seed)
        errors += distance(truth, draw_draft(truth, candidates, passes, PROFILE.drafts, rng))
    # A few molecules have most of the errors: sixty leave about 15 %.
    wanted = np.interp(passes, PROFILE.drafts.passes, PROFILE.drafts.error_rate)
    assert errors / (60 * length) == pytest.approx(wanted, rel=0.4)


def test_molecules_whose_passes_are_undecided_have_more_errors() -> None:
    rng = np.random.default_rng(0)
    found = []
    for seed in range(12):
        truth, candidates = a_molecule(9, 4000, seed)
        drafts = [draw_draft(truth, candidates, 9, PROFILE.drafts, rng) for _ in range(8)]
        found.append((ambiguity(candidates), np.mean([distance(truth, draft) for draft in drafts])))
    undecided, errors = np.log1p(found).T
    assert np.corrcoef(undecided, errors)[0, 1] > 0.8


def test_the_measured_molecules_together_have_the_measured_rate() -> None:
    rate = sum(errors.total for _, errors in all_drafts()) / (len(all_drafts()) * LENGTH)
    measured = np.array(MEASURED["molecules"])
    assert rate == pytest.approx(measured[:, 2:].sum() / measured[:, 1].sum(), rel=0.3)


def test_types_of_errors_are_the_measured_ones() -> None:
    kinds = np.array([[e.mismatches, e.inserted, e.deleted, e.in_homopolymers] for _, e in all_drafts()]).sum(axis=0)
    measured = np.array(MEASURED["molecules"])[:, 2:].sum(axis=0)
    np.testing.assert_allclose(kinds[:3] / kinds[:3].sum(), measured / measured.sum(), atol=0.1)
    assert kinds[0] < 0.06 * kinds[:3].sum()
    assert kinds[3] / kinds[:3].sum() == pytest.approx(MEASURED["in_runs"], abs=0.15)


def test_molecules_with_many_insertions_get_more_errors_and_more_insertions() -> None:
    shares, rates = [], []
    for noisy in (False, True):
        found = [e for m, e in all_drafts() if noisy == is_noisy(m)]
        inserted, deleted = np.array([[e.inserted, e.deleted] for e in found]).sum(axis=0)
        shares.append(inserted / (inserted + deleted))
        rates.append(np.mean([e.total for e in found]))
    assert rates[1] > 1.3 * rates[0]
    assert shares[1] > shares[0] + 0.05


def is_noisy(molecule: SimulatedMolecule) -> bool:
    """Whether the passes have many more bases than the molecule."""
    full = [one for one in molecule.zmw.passes if ("cx", 3, "i") in one.tags]
    return float(np.mean([len(one.bases) for one in full])) > 1.05 * len(molecule.truth)


def test_errors_are_where_the_passes_support_them() -> None:
    truth, candidates = a_molecule(5)
    draft = draw_draft(truth, candidates, 5, PROFILE.drafts, np.random.default_rng(0))
    errors = find_errors(Read("d", decode_bases(draft.bases)), decode_bases(truth))
    places = template_homopolymers(truth).starts
    best = np.full(len(truth), -np.inf)
    np.maximum.at(best, candidates.place, candidates.score)
    at_error = [best[max(event.position - 20, 0) : event.position + 20].max() for event in errors.events]
    at_random = [best[place : place + 40].max() for place in places[100:-100:50]]
    assert len(at_error) > 10
    assert np.mean(at_error > np.median(at_random)) > 0.7
    assert np.median(at_error) > np.percentile(at_random, 75)


def test_qualities_are_those_measured_with_and_without_errors() -> None:
    qualities = sum(np.bincount(m.zmw.draft.qualities, minlength=94) for m, _ in all_drafts())
    shares, wanted = normalised(qualities), normalised(MEASURED["quality"])
    for low, high, factor in ((0, 9, 1.6), (10, 19, 1.6), (20, 39, 1.4), (40, 92, 1.3), (93, 93, 1.3)):
        part = slice(low, high + 1)
        assert 1 / factor < shares[part].sum() / wanted[part].sum() < factor
    at_errors = np.concatenate([lowest_qualities(errors.booked) for _, errors in all_drafts()])
    for below in (10, 20):
        measured = normalised(MEASURED["error_quality"])[:below].sum()
        assert np.mean(at_errors < below) == pytest.approx(measured, abs=0.12)


def lowest_qualities(booked: BookedErrors) -> np.ndarray:
    """The lowest quality of each stretch of bases, such as a homopolymer, that an error is booked on."""
    edges = np.diff(np.concatenate(([0], (booked.errors > 0).astype(np.int8), [0])))
    stretches = zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True)
    return np.array([booked.qualities[start:stop].min() for start, stop in stretches])


def test_more_passes_give_better_qualities() -> None:
    best = [np.mean([np.mean(m.zmw.draft.qualities == 93) for m, _ in movie(passes)]) for passes in (5, 9, 16)]
    # Measured: 0.00; 0.53 and 0.21; 0.90.
    assert best[0] < 0.1 < best[1] < 0.65 < best[2]


def test_low_qualities_are_on_the_first_base_of_a_homopolymer() -> None:
    truth, candidates = a_molecule(9)
    draft = draw_draft(truth, candidates, 9, PROFILE.drafts, np.random.default_rng(0))
    assert len(draft.qualities) == len(draft.bases)
    homopolymers = template_homopolymers(draft.bases)
    first = np.zeros(len(draft.bases), bool)
    first[homopolymers.starts] = True
    long = homopolymers.lengths[homopolymers.index] >= 4
    assert np.mean(draft.qualities[first & long] < 40) > 10 * np.mean(draft.qualities[~first & long] < 40)
    single = homopolymers.lengths[homopolymers.index] == 1
    assert np.median(draft.qualities[first & long]) < np.median(draft.qualities[single])


def test_predicted_errors_are_near_the_real_ones() -> None:
    predicted = sum(float((10 ** (-m.zmw.draft.qualities.astype(float) / 10)).sum()) for m, _ in all_drafts())
    assert predicted == pytest.approx(sum(errors.total for _, errors in all_drafts()), rel=0.5)


@pytest.mark.parametrize("length", [50, 51, 60])
def test_tiny_molecules_with_many_errors_are_whole(length: int) -> None:
    for seed in range(30):
        truth, candidates = a_molecule(3, length, seed)
        profile = replace(PROFILE.drafts, error_rate=10 * PROFILE.drafts.error_rate)
        draft = draw_draft(truth, candidates, 3, profile, np.random.default_rng(seed))
        assert len(draft.bases) == len(draft.qualities) > length / 2
        assert draft.qualities.max() <= 93
