"""Expected errors: fewer with more agreement, more with support for a change, never fewer than were counted."""

from dataclasses import replace

import numpy as np
import pytest

from deepconsensus_py.align.passes import align_zmw
from deepconsensus_py.edits.expected_errors import (
    COUNTED,
    FEW,
    SCORED,
    DecidedErrors,
    Readings,
    UndecidedErrors,
    decided_errors,
    errors_of,
    expected_errors_of,
    readings_of,
    undecided_errors,
)
from deepconsensus_py.edits.refine import refine
from deepconsensus_py.edits.tokens import CANDIDATE, possible_evidence
from deepconsensus_py.pacbio.molecule import Draft, Pass, Zmw, encode_bases, reverse_complement

MOST_NATS = 4.6
MIDDLE = 500


def molecule(passes: int, differing: int = 0, reverse: int = 0) -> Zmw:
    """A molecule whose passes lack a tenth of the bases, none near the middle; there some lack one base.

    The last passes read the other strand.
    """
    rng = np.random.default_rng(5)
    bases = (rng.integers(1, 4, 1000).cumsum() % 4 + 1).astype(np.uint8)
    read = []
    for number in range(passes):
        kept = (rng.random(len(bases)) > 0.1) | (abs(np.arange(len(bases)) - MIDDLE) < 20)
        kept[MIDDLE] = number >= differing
        own = bases[kept]
        own = reverse_complement(own) if passes - number <= reverse else own
        read.append(Pass(f"m/1/{number}_9", own, None, None, None))
    return align_zmw(Zmw(Draft("m/1/ccs", bases, np.full(len(bases), 30, np.uint8)), tuple(read)))


def errors_in_the_middle(zmw: Zmw) -> float:
    state = refine(zmw)
    return float(errors_of(expected_errors_of(state))[state.repeats.homopolymer_of[MIDDLE]])


def test_more_passes_leave_fewer_errors() -> None:
    errors = [errors_in_the_middle(molecule(passes)) for passes in (1, 2, 3, 4, 6, 9, 20)]
    assert (np.diff(errors) < 0).all()
    assert errors[-1] == pytest.approx(decided_errors().least, rel=0.2)


def test_support_for_a_change_leaves_more_errors() -> None:
    errors = [errors_in_the_middle(molecule(9, differing)) for differing in (0, 1, 2)]
    assert (np.diff(errors) > 0).all()


def test_readings_are_what_the_passes_show() -> None:
    state = refine(molecule(9, differing=2, reverse=4))
    found = readings_of(state)
    at = state.repeats.homopolymer_of[MIDDLE]
    assert found.depth[at] == 9
    assert not found.scored[at]
    assert found.terms["support"][at] == 2
    assert found.terms["share"][at] == pytest.approx(2 / 9)
    assert found.terms["neighbours"][[at - 1, at + 1]] == pytest.approx(2 / 9)
    assert found.terms["one strand"][at] == 0
    assert 0 < found.terms["agreement"][at] < found.terms["agreement"][at - 5] <= 9 * MOST_NATS
    assert (found.terms["evidence"] <= CANDIDATE).all()
    assert readings_of(refine(molecule(4))).terms["one strand"].all()


def test_copies_of_repeats_are_counted() -> None:
    bases = encode_bases("GACT" * 20 + "AC" * 8 + "GTCA" * 20)
    zmw = align_zmw(
        Zmw(Draft("m/1/ccs", bases, None), tuple(Pass(f"m/1/{i}_9", bases, None, None, None) for i in "12"))
    )
    state = refine(zmw)
    copies = 2 * np.exp(readings_of(state).terms["repeat"])
    inside = copies[state.repeats.homopolymer_of[82:94]]
    assert (abs(inside - 8) <= 0.5).all()
    assert (copies[state.repeats.homopolymer_of[:78]] == 2).all()


def test_scored_homopolymers_have_the_evidence_of_their_best_edit() -> None:
    state = refine(molecule(8, differing=2))
    found, at = readings_of(state), state.repeats.homopolymer_of[MIDDLE]
    assert found.scored[at]
    assert found.terms["evidence"][at] == pytest.approx(possible_evidence(state)[at].max())
    assert found.terms["evidence"][at] < CANDIDATE


def test_expected_errors_follow_from_the_numbers() -> None:
    ones = np.ones(3)
    terms = dict.fromkeys({*COUNTED, *SCORED}, ones)
    readings = Readings(np.array([1.0, 2, 4]), np.array([1.0, 5, 5]), np.array([False, False, True]), terms)
    numbers = DecidedErrors(1e-4, {1: (0.1, 0.5)}, {"constant": -3.0}, {"constant": -2.0, "evidence": -1.0})
    assert numbers.errors(readings) == pytest.approx([0.1, 2e-4 + np.exp(-3), 4e-4 + np.exp(-3)])
    certain = replace(numbers, few={1: (9.0, 1.0)})
    assert certain.errors(readings)[0] == 0.75


def test_without_numbers_the_models_probabilities_stay() -> None:
    wrong, depth = np.array([0.01, 0.3, 0.9], np.float32), np.array([2, 5, 9])
    assert UndecidedErrors().errors(wrong, depth) == pytest.approx(wrong)
    assert (UndecidedErrors(constant=1.0).errors(wrong, depth) > wrong).all()
    few = UndecidedErrors(two=1.0).errors(wrong, depth)
    assert (few > wrong * 1.01).tolist() == (depth < FEW).tolist()


@pytest.mark.parametrize("family", ["edits", "pairhmm"])
def test_the_numbers_in_the_package_keep_the_order(family: str) -> None:
    wrong = np.linspace(1e-4, 0.9, 50).astype(np.float32)
    for depth in (2, 3, 10, 40):
        errors = undecided_errors(family).errors(wrong, np.full(50, depth))
        assert (np.diff(errors) > 0).all()
        assert (errors <= 1).all()
