"""Evidence that is carried over and scored anew near edits, against evidence about all of the edited draft."""

import numpy as np
import pytest
from edit_tools import all_ratios, apply_each, carry_over, laid, score_edits
from hmm_reference import random_draft, random_model, random_pass
from hypothesis import given
from hypothesis import strategies as st

from deepconsensus_py.edits.classes import Edit
from deepconsensus_py.edits.evidence import EditScores, pooled
from deepconsensus_py.edits.repeats import find_homopolymers, find_repeats
from deepconsensus_py.edits.rescore import edited_places, rescore
from deepconsensus_py.pacbio.molecule import A, G

LENGTH = 2000
EDITS = {
    "taken out": Edit(300, 1, np.empty(0, np.uint8)),
    "put in": Edit(300, 0, np.array([A, G], np.uint8)),
    "replaced": Edit(300, 1, np.array([G], np.uint8)),
    "at the start": Edit(0, 1, np.empty(0, np.uint8)),
    "at the end": Edit(LENGTH - 1, 1, np.empty(0, np.uint8)),
}


def both(seed: int, edits: list[Edit], share: float = 1.0) -> tuple[EditScores, EditScores, np.ndarray]:
    """Evidence about an edited draft, carried over and from scratch; and how far each homopolymer is from an edit."""
    rng = np.random.default_rng(seed)
    draft, models = random_draft(LENGTH, rng), (random_model(rng), random_model(rng))
    passes = [random_pass(draft, rng), random_pass(draft, rng, start=150)]
    old = score_edits(draft, passes, models, wanted=rng.random(len(find_homopolymers(draft))) < share)
    bases, index = apply_each(draft, edits)
    carried = [p for p in (carry_over(p, draft, bases, index) for p in passes) if p is not None]
    every = np.ones(len(find_homopolymers(bases)), np.bool_)
    new = rescore(old, find_repeats(bases), index, laid(carried, bases), models, wanted=every)
    places = np.flatnonzero(edited_places(index, len(draft)))
    away = np.abs(new.homopolymers.start[:, None] - places).min(axis=1, initial=10**6)
    return new, score_edits(bases, carried, models), away


def assert_alike(some: np.ndarray, others: np.ndarray) -> None:
    """All but a few where an alignment moved beyond the stretch that is scored anew."""
    differences = np.abs(some - others)
    assert np.quantile(differences, 0.995, method="higher") < 0.1
    assert differences.max() < 1.5


@pytest.mark.parametrize("kind", EDITS)
@pytest.mark.parametrize("seed", range(4))
def test_rescored_is_as_if_all_were_scored(seed: int, kind: str) -> None:
    new, whole, _ = both(seed, [EDITS[kind]])
    assert new.scored.all()
    np.testing.assert_array_equal(new.covered, whole.covered)
    assert_alike(all_ratios(new), all_ratios(whole))
    assert_alike(new.tandem_ratios, whole.tandem_ratios)
    np.testing.assert_array_equal(new.pooled, pooled(new.ratios))
    np.testing.assert_array_equal(new.pooled_tandem, pooled(new.tandem_ratios))


def test_several_edits_make_one_template_of_several_stretches() -> None:
    edits = [EDITS["taken out"], Edit(100, 0, np.array([G], np.uint8)), Edit(500, 2, np.array([A], np.uint8))]
    new, whole, _ = both(7, edits)
    assert_alike(all_ratios(new), all_ratios(whole))


def test_homopolymers_far_from_edits_keep_whether_they_were_scored() -> None:
    new, whole, away = both(3, [EDITS["put in"]], share=0.5)
    far = away > 60
    assert 0.3 < new.scored[far].mean() < 0.7
    assert new.scored[away < 10].all()
    assert not all_ratios(new)[:, far & ~new.scored].any()
    kept = far & new.scored
    assert_alike(all_ratios(new)[:, kept], all_ratios(whole)[:, kept])


@given(st.lists(st.integers(0, 29), unique=True), st.integers(0, 30))
def test_edited_places_are_those_that_have_another_neighbour(gone: list[int], at: int) -> None:
    index = np.insert(np.arange(30), at, -1).astype(np.int32)
    index = index[~np.isin(index, gone)]
    padded = np.concatenate([[-1], index, [30]])
    new_neighbour = (np.diff(padded)[1:] != 1) | (np.diff(padded)[:-1] != 1) | (index < 0)
    places = edited_places(index, 30)
    assert not (places & ~new_neighbour).any()
    removed_beside = np.array([any(j in gone for j in (i - 1, i + 1)) for i in index.tolist()], bool) & (index >= 0)
    assert (places >= (removed_beside | (index < 0))).all()


def test_after_many_edits_all_is_scored_with_the_new_rates() -> None:
    edits = [Edit(at, 1, np.empty(0, np.uint8)) for at in range(100, LENGTH - 100, 200)]
    new, whole, _ = both(2, edits, share=0)
    np.testing.assert_array_equal(all_ratios(new), all_ratios(whole))
    assert new.scored.all()
