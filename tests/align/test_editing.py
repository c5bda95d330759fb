"""Edits bring the sum of the distances from the passes down until none does so any more."""

import numpy as np
import pytest
from noise import from_end_to_end, noisy, random_bases

from deepconsensus_py.align.editing import edit_windows, weak_windows
from deepconsensus_py.align.guides import Template
from deepconsensus_py.align.traces import trace
from deepconsensus_py.align.votes import Pile, count_votes, piled

Array = np.ndarray
MISMATCH, GAP = 3, 2


def cost(one: Array, other: Array) -> int:
    """Written plainly."""
    row = np.arange(len(other) + 1) * GAP
    for i, letter in enumerate(one):
        before, row = row, np.empty_like(row)
        row[0] = (i + 1) * GAP
        for j, base in enumerate(other):
            row[j + 1] = min(before[j] + MISMATCH * (base != letter), before[j + 1] + GAP, row[j] + GAP)
    return int(row[-1])


def total(template: Array, passes: list[Array]) -> int:
    return sum(cost(bases, template) for bases in passes)


def single_edits(template: Array) -> list[Array]:
    """All templates with one base replaced, deleted or inserted in front of another one."""
    places = range(len(template))
    replaced = [np.concatenate([template[:j], [base], template[j + 1 :]]) for j in places for base in range(1, 5)]
    inserted = [np.insert(template, j, base) for j in places for base in range(1, 5)]
    return [*replaced, *inserted, *(np.delete(template, j) for j in places)]


def pile_of(template: Array, passes: list[Array]) -> Pile:
    placed = [Template(template).place(bases) or from_end_to_end(template, bases) for bases in passes]
    return piled([trace(template, one) for one in placed])


@pytest.mark.parametrize(("number", "length"), [(2, 40), (3, 40), (5, 40), (18, 15)])
def test_no_edit_of_a_window_is_left_that_would_bring_the_sum_down(number: int, length: int) -> None:
    rng = np.random.default_rng(number)
    for _ in range(3):
        truth = random_bases(rng, length)
        template = noisy(truth, rng)[0]
        passes = [noisy(truth, rng)[0] for _ in range(number)]
        whole = np.array([[0, len(template)]], np.int32)
        edited, _ = edit_windows(template, pile_of(template, passes), whole)
        least = total(edited, passes)
        assert least <= total(template, passes)
        assert least <= min(total(other, passes) for other in single_edits(edited))


def test_bases_keep_their_places_and_nothing_else_changes() -> None:
    rng = np.random.default_rng(1)
    truth = random_bases(rng, 300)
    truth[99:102], truth[199:202] = (1, 2, 3), (4, 1, 2)
    template = np.delete(np.insert(truth, 200, [3, 3]), 100)
    windows = np.array([[98, 103], [198, 203]], np.int32)
    edited, index = edit_windows(template, pile_of(template, [truth] * 3), windows)
    assert np.array_equal(edited, truth)
    kept = index >= 0
    assert np.array_equal(template[index[kept]], truth[kept])
    assert np.flatnonzero(~kept).tolist() == [100]
    assert set(np.arange(301)) - set(index) == {199, 200} or set(np.arange(301)) - set(index) == {200, 201}
    assert np.array_equal(edit_windows(template, pile_of(template, [truth] * 3), windows[:0])[0], template)


def test_windows_are_where_passes_differ() -> None:
    rng = np.random.default_rng(2)
    template = random_bases(rng, 400)
    template[[99, 100, 101, 199, 200, 201, 299, 300, 301]] = 1, 2, 3, 1, 2, 3, 3, 1, 2
    substituted = template.copy()
    substituted[100] = 4
    passes = [substituted] * 2 + [np.delete(template, 200)] * 2 + [np.insert(template, 300, 4)] + [template] * 2
    votes = count_votes(template, pile_of(template, passes))
    assert weak_windows(template, votes, 0.25).tolist() == [[100, 101], [200, 201]]
    assert weak_windows(template, votes, 0.1).tolist() == [[100, 101], [200, 201], [300, 301]]
    assert weak_windows(template, votes, 0.3).tolist() == []


def test_windows_next_to_each_other_are_one_up_to_a_length() -> None:
    rng = np.random.default_rng(3)
    template = random_bases(rng, 400)
    other = template.copy()
    other[100:300:4] = other[100:300:4] % 4 + 1
    windows = weak_windows(template, count_votes(template, pile_of(template, [template, other])), 0.3)
    assert windows[0, 0] <= 101
    assert windows[-1, 1] >= 296
    sizes = windows[:, 1] - windows[:, 0]
    assert (sizes[:-1] > 40).all()
    assert (sizes <= 64).all()
    assert (windows[1:, 0] >= windows[:-1, 1]).all()
