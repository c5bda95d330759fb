"""Intervals cover what they should, and verdicts follow from them."""

import numpy as np
import pytest

from deepconsensus_py.lab.claim import (
    HOLDS,
    MISSES,
    TIE,
    Arm,
    Shown,
    at_least,
    at_most,
    exact,
    found_at_least,
    found_at_most,
    measured,
)
from deepconsensus_py.lab.interval import Measured, over_items, over_seeds


def test_an_interval_over_seeds_is_that_of_students_t() -> None:
    of = over_seeds([1.0, 2.0, 4.0])
    assert of.interval is not None
    scipy = pytest.importorskip("scipy.stats")
    ends = scipy.t.interval(0.95, 2, loc=7 / 3, scale=scipy.sem([1.0, 2.0, 4.0]))
    assert of.interval == pytest.approx(ends, abs=2e-3)


def test_a_single_seed_has_no_interval() -> None:
    assert over_seeds([3.0]) == Measured(3.0, None, 0, 1)
    with pytest.raises(ValueError, match="no values"):
        over_seeds([])


def test_seeds_that_agree_have_an_interval_of_nothing() -> None:
    assert over_seeds([2.0, 2.0, 2.0]).interval == (2.0, 2.0)


def test_intervals_over_seeds_and_items_cover_the_mean() -> None:
    generator = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        seeds, items = generator.normal(0, 0.1, (3, 1)), generator.normal(0, 1.0, (1, 200))
        interval = over_items(seeds + items + generator.normal(0, 0.5, (3, 200))).interval
        assert interval is not None
        covered += interval[0] <= 0 <= interval[1]
    assert 0.93 <= covered / 400 <= 1


def test_items_count_beside_seeds() -> None:
    scores = np.tile(np.random.default_rng(0).random(50) < 0.5, (3, 1)).astype(np.float64)
    alone, both = over_seeds(list(scores.mean(1))), over_items(scores)
    assert alone.error == 0
    assert both.error == pytest.approx(scores[0].std(ddof=1) / 50**0.5)
    assert both.freedom == 49


@pytest.mark.parametrize(
    ("values", "target", "verdict"),
    [
        ([0.91, 0.92, 0.93, 0.92, 0.92], 0.90, HOLDS),
        ([0.91, 0.92, 0.93, 0.92, 0.92], 0.92, TIE),
        ([0.91, 0.92, 0.93, 0.92, 0.92], 0.94, MISSES),
        ([0.95], 0.90, TIE),
    ],
)
def test_verdicts(values: list[float], target: float, verdict: str) -> None:
    assert found_at_least("up", values, target).verdict == verdict
    assert found_at_most("down", [-value for value in values], -target).verdict == verdict
    assert found_at_least("up", values, target, judged=False).verdict == ""


def test_few_seeds_decide_nothing_within_three_standard_errors() -> None:
    # Many items make the interval of three seeds narrow: 1.96 standard errors to either side.
    near = Measured(0.025, 0.01, 120, 3)
    assert near.interval is not None
    assert near.interval[0] > 0
    assert found_at_least("up", near, 0).verdict == TIE
    assert found_at_least("up", Measured(0.025, 0.01, 120, 5), 0).verdict == HOLDS
    assert found_at_least("up", Measured(0.035, 0.01, 120, 3), 0).verdict == HOLDS


def test_exact_figures_are_judged_without_intervals() -> None:
    assert [one.verdict for one in (at_least("a", 1, 1), at_most("b", 2, 1), exact("c", 1, "= 1", True))] == [
        HOLDS,
        MISSES,
        HOLDS,
    ]
    assert not at_least("a", 1, 1).trained
    assert measured("d", [1.0, 2.0]).verdict == ""


def test_arms_of_a_task_are_unfair_if_they_differ() -> None:
    arms = (Arm("a", "x", 1, 2), Arm("a", "y", 1, 2), Arm("b", "x", 1, 2), Arm("b", "y", 1, 2, tried=3))
    assert Shown((), arms).unfair == ["b"]
