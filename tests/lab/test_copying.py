"""Every answer stands where it was said to stand, and nowhere near where it was said not to."""

import numpy as np
import pytest

from deepconsensus_py.lab.copying import ASKED, KEYS, UNJUDGED, VALUES, copies, matches


def test_a_copy_is_the_letter_so_far_back() -> None:
    made = copies(50, length=40, back=7, letters=16, seed=0)
    assert (made.labels[:, :7] == UNJUDGED).all()
    assert (made.labels[:, 7:] == made.symbols[:, :33, 0]).all()
    assert set(made.symbols.ravel().tolist()) == set(range(16))


def test_each_question_has_the_value_of_its_key_which_is_far_away() -> None:
    made = matches(30, length=200, pairs=40, apart=60, seed=1)
    for symbols, labels in zip(made.symbols, made.labels, strict=True):
        (asked,) = np.nonzero(symbols[:, 1] == ASKED)
        assert (np.flatnonzero(labels != UNJUDGED) == asked).all()
        assert len(asked) == 40
        for place in asked:
            (both,) = np.nonzero(symbols[:, 0] == symbols[place, 0])
            (told,) = set(both.tolist()) - {int(place)}
            assert abs(told - place) >= 60
            assert labels[place] == symbols[told, 1] - 1


def test_what_is_neither_told_nor_asked_is_empty() -> None:
    made = matches(30, length=200, pairs=40, apart=60, seed=1)
    assert ((made.symbols[..., 0] == 0) == (made.symbols[..., 1] == 0)).all()
    assert ((made.symbols[..., 0] > 0).sum(1) == 80).all()
    assert made.symbols[..., 0].max() <= KEYS
    assert set(made.labels[made.labels != UNJUDGED].tolist()) == set(range(VALUES))


def test_questions_stand_on_both_sides() -> None:
    made = matches(40, length=100, pairs=10, apart=30, seed=2)
    first = [int(np.flatnonzero(labels != UNJUDGED)[0]) for labels in made.labels]
    assert min(first) < 35
    assert max(first) >= 65


def test_sizes_that_cannot_be_are_refused_and_seeds_tell() -> None:
    with pytest.raises(ValueError, match="at most 20 go in"):
        matches(1, length=100, pairs=21, apart=60, seed=0)
    with pytest.raises(ValueError, match="none is 8 before"):
        copies(1, length=8, back=8, letters=4, seed=0)
    one, same, other = (matches(4, length=100, pairs=9, apart=30, seed=seed).symbols for seed in (0, 0, 1))
    assert (one == same).all()
    assert not (one == other).all()
