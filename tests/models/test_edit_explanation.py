"""Explanations name what a call depends on: one pass is planted as the cause."""

import numpy as np
import pytest
import torch
from edit_molecules import make_zmw
from edit_toys import random_network

from deepconsensus_py.edits.classes import EDITED
from deepconsensus_py.models.edit_ensemble import EditEnsemble, EnsembleConfig
from deepconsensus_py.models.edit_explanation import CANDIDATE, Decision, candidate_cases, undecided_cases
from deepconsensus_py.models.edit_network import EditConfig, EditNetwork
from deepconsensus_py.pacbio.molecule import Zmw

RNG = np.random.default_rng(5)
LEFT, RIGHT = ("".join(RNG.choice(list("ACGT"), 80)) + "C", "C" + "".join(RNG.choice(list("ACGT"), 80)))
DRAFT = LEFT + "AAAA" + RIGHT
SHORTER = LEFT + "AAA" + RIGHT
HOMOPOLYMER = len(LEFT)
PASSES = 3


def planted(odd: int) -> Zmw:
    """Two passes that read the draft and one that lacks an A."""
    return make_zmw(DRAFT, *(SHORTER if number == odd else DRAFT for number in range(PASSES)))


def untrained() -> EditNetwork:
    """The hidden Markov model, of a base less alone, as a network whose attention goes evenly to all tokens."""
    network = EditNetwork(EditConfig.of(d=16, heads=2, ff=16)).eval().requires_grad_(False)
    for block in network.trunk.encoder.blocks:
        torch.nn.init.zeros_(block.attention.layer.query.weight)
    network.offset.data[1:] = -1000.0
    return network


@pytest.mark.parametrize("odd", range(PASSES))
def test_the_planted_pass_supports_the_edit(odd: int) -> None:
    (case,) = candidate_cases(planted(odd), HOMOPOLYMER, HOMOPOLYMER + 4)
    assert (case.position, case.base, case.length) == (HOMOPOLYMER, "A", 4)
    shorter = next(one for one in case.candidates if one.edit.name == "-1")
    assert shorter.by_pass.argmax() == odd
    assert (shorter.by_pass > 0).tolist() == [number == odd for number in range(PASSES)]
    assert case.decision is None


@pytest.mark.parametrize("odd", range(PASSES))
def test_occlusion_names_the_planted_pass_and_attention_does_not(odd: int) -> None:
    (case,) = undecided_cases(planted(odd), untrained(), HOMOPOLYMER, HOMOPOLYMER + 4)
    decision = case.decision
    assert decision is not None
    assert case.candidates[0].edit.name == "none"
    np.testing.assert_allclose(decision.attention, 1 / (PASSES + 1), rtol=1e-5)
    # Without the odd pass the call is surer; without any other it is less sure.
    assert (decision.occlusion < 0).tolist() == [number == odd for number in range(PASSES)]
    assert decision.log_odds > 0


def test_a_call_of_the_edit_depends_on_its_supporting_passes() -> None:
    zmw = make_zmw(DRAFT, SHORTER, SHORTER, DRAFT, DRAFT)
    network = untrained()
    network.offset.data += 100 * torch.eye(EDITED)[0]  # calls a base less whatever the evidence
    (case,) = undecided_cases(zmw, network, HOMOPOLYMER, HOMOPOLYMER + 4)
    assert case.candidates[0].edit.name == "-1"
    assert case.candidates[0].probability == pytest.approx(1)
    assert case.decision is not None
    assert (case.decision.occlusion[:2] > case.decision.occlusion[2:].max()).all()


def test_any_network_has_values_for_every_pass() -> None:
    """Occlusion is a number for each, and the token of the homopolymer keeps some attention for itself."""
    network = random_network(d=16)
    zmw = planted(1)
    (case,) = undecided_cases(zmw, network, HOMOPOLYMER, HOMOPOLYMER + 4)
    assert case.decision is not None
    assert np.isfinite(case.decision.occlusion).all()
    assert np.abs(case.decision.occlusion).max() > 1e-3
    assert 0 < case.decision.attention.sum() < 1
    total = sum(one.probability or 0 for one in case.candidates)
    assert 0 < total <= 1 + 1e-6


def test_the_views_of_an_ensemble_are_the_mean_of_its_members() -> None:
    networks = [random_network(seed) for seed in (0, 1)]
    ensemble = EditEnsemble(EnsembleConfig(tuple(network.config for network in networks))).eval()
    for member, network in zip(ensemble.members, networks, strict=True):
        member.load_state_dict(network.state_dict())
    (case,), *alone = (
        undecided_cases(planted(1), network, HOMOPOLYMER, HOMOPOLYMER + 4) for network in (ensemble, *networks)
    )
    decisions = [single.decision for (single,) in alone]
    assert case.decision is not None
    for view in ("attention", "rollout"):
        mean = np.mean([getattr(decision, view) for decision in decisions], axis=0)
        np.testing.assert_allclose(getattr(case.decision, view), mean, rtol=1e-5)
    assert np.isfinite(case.decision.occlusion).all()


def test_only_homopolymers_of_the_stretch_are_explained() -> None:
    zmw = planted(2)
    assert candidate_cases(zmw, 0, HOMOPOLYMER) == ()
    assert candidate_cases(zmw, HOMOPOLYMER + 1, len(DRAFT)) == ()
    assert undecided_cases(zmw, untrained(), 0, HOMOPOLYMER) == ()


def test_unlikely_edits_are_dropped_except_the_first() -> None:
    for case in candidate_cases(planted(0), 0, len(DRAFT)):
        assert case.candidates
        assert all(one.evidence > CANDIDATE for one in case.candidates[1:])
        assert [one.evidence for one in case.candidates] == sorted((c.evidence for c in case.candidates), reverse=True)


def test_the_agreement_of_attention_and_occlusion_is_one_where_ranks_agree() -> None:
    attention, rolled = np.array([0.1, 0.4, 0.2, np.nan]), np.zeros(4)
    agreeing = Decision(attention, rolled, np.array([0.5, -3.0, 1.0, 9.0]), 1.0)
    opposed = Decision(attention, rolled, np.array([3.0, 0.5, 1.0, 9.0]), 1.0)
    assert agreeing.agreement == pytest.approx(1)
    assert opposed.agreement == pytest.approx(-1)
    assert np.isnan(Decision(attention[2:], rolled[2:], rolled[2:], 1.0).agreement)
