"""Every answer stands where it was said to stand, and nowhere near where it was said not to."""

import numpy as np
import pytest

from deepconsensus_py.heads.label import UNJUDGED
from deepconsensus_py.lab.systems.relative_positions import copies
from deepconsensus_py.lab.systems.routing_transformer import ASKED, KEYS, VALUES, matches


def test_a_copy_is_the_letter_so_far_back() -> None:
    symbols, labels = copies(50, length=40, back=7, letters=16, seed=0)
    assert (labels[:, :7] == UNJUDGED).all()
    assert (labels[:, 7:] == symbols[:, :33, 0]).all()
    assert set(symbols.ravel().tolist()) == set(range(16))


def test_each_question_has_the_value_of_its_key_which_is_far_away() -> None:
    made = matches(30, length=200, pairs=40, apart=60, seed=1)
    for symbols, labels in zip(*made, strict=True):
        (asked,) = np.nonzero(symbols[:, 1] == ASKED)
        assert (np.flatnonzero(labels != UNJUDGED) == asked).all()
        assert len(asked) == 40
        for place in asked:
            (both,) = np.nonzero(symbols[:, 0] == symbols[place, 0])
            (told,) = set(both.tolist()) - {int(place)}
            assert abs(told - place) >= 60
            assert labels[place] == symbols[told, 1] - 1


def test_what_is_neither_told_nor_asked_is_empty() -> None:
    every, labels = matches(30, length=200, pairs=40, apart=60, seed=1)
    assert ((every[..., 0] == 0) == (every[..., 1] == 0)).all()
    assert ((every[..., 0] > 0).sum(1) == 80).all()
    assert every[..., 0].max() <= KEYS
    assert set(labels[labels != UNJUDGED].tolist()) == set(range(VALUES))


def test_questions_stand_on_both_sides() -> None:
    _, every = matches(40, length=100, pairs=10, apart=30, seed=2)
    first = [int(np.flatnonzero(labels != UNJUDGED)[0]) for labels in every]
    assert min(first) < 35
    assert max(first) >= 65


def test_sizes_that_cannot_be_are_refused_and_seeds_tell() -> None:
    with pytest.raises(ValueError, match="at most 20 fit"):
        matches(1, length=100, pairs=21, apart=60, seed=0)
    with pytest.raises(ValueError, match="none is 8 before"):
        copies(1, length=8, back=8, letters=4, seed=0)
    one, same, other = (matches(4, length=100, pairs=9, apart=30, seed=seed)[0] for seed in (0, 0, 1))
    assert (one == same).all()
    assert not (one == other).all()


def test_who_looks_back_is_told_before_being_asked() -> None:
    symbols, _ = matches(40, length=100, pairs=10, apart=30, seed=2, causal=True)
    told = ((symbols[..., 1] > 0) & (symbols[..., 1] < ASKED)) * np.arange(1, 101)
    asked = (symbols[..., 1] == ASKED).argmax(axis=1)
    assert (told.max(axis=1) <= asked).all()
