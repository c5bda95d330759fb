"""Passes vote on the bases of a template, where they are."""

import numpy as np
from noise import random_bases

from deepconsensus_py.align.guides import Template
from deepconsensus_py.align.traces import trace
from deepconsensus_py.align.votes import Votes, count_votes, margin, piled, vote

Array = np.ndarray


def votes_of(template: Array, passes: list[Array]) -> Votes:
    placed = [Template(template).place(bases) for bases in passes]
    return count_votes(template, piled([trace(template, one) for one in placed if one is not None]))


def voted(template: Array, passes: list[Array]) -> tuple[Array, Array]:
    return vote(template, votes_of(template, passes))


def test_the_majority_substitutes_deletes_and_inserts() -> None:
    rng = np.random.default_rng(7)
    truth = random_bases(rng, 200)
    truth[[49, 50, 51, 99, 100, 101, 149, 150, 151]] = 1, 2, 3, 2, 4, 1, 4, 1, 2
    template = np.insert(np.delete(truth, 100), 50, 4)
    template[150] = 3
    bases, index = voted(template, [truth] * 3)
    assert np.array_equal(bases, truth)
    assert np.array_equal(index, np.concatenate([np.arange(50), np.arange(51, 101), [-1], np.arange(101, 200)]))


def test_the_template_stays_where_passes_are_undecided() -> None:
    rng = np.random.default_rng(8)
    template = random_bases(rng, 200)
    template[99:102] = 1, 2, 3
    substituted = template.copy()
    substituted[100] = 4
    inserted = np.insert(template, 101, 1)
    for other in (substituted, inserted):
        bases, index = voted(template, [template, other])
        assert np.array_equal(bases, template)
        assert np.array_equal(index, np.arange(200))


def test_passes_vote_only_where_they_are() -> None:
    rng = np.random.default_rng(10)
    truth = random_bases(rng, 600)
    truth[449:452] = 1, 2, 1
    template = np.delete(truth, 450)
    votes = votes_of(template, [truth, truth, *[truth[:300]] * 3])
    assert set(votes.covering[:300]) == {5}
    assert set(votes.covering[301:]) == {2}
    assert np.array_equal(vote(template, votes)[0], truth)


def test_the_margin_is_that_of_a_base_and_of_the_gap_before_it() -> None:
    rng = np.random.default_rng(6)
    template = random_bases(rng, 200)
    template[[49, 50, 51, 99, 100, 101, 149, 150, 151]] = 1, 2, 3, 1, 2, 3, 3, 1, 2
    substituted = template.copy()
    substituted[100] = 4
    passes = [template, template, substituted, np.delete(template, 50), np.insert(template, 150, 4)]
    found = margin(template, votes_of(template, passes))
    lower = np.flatnonzero(found < np.sqrt(5) - 1e-9)
    assert lower.tolist() == [50, 100, 150]
    assert np.allclose(found[lower], 3 / np.sqrt(5))
