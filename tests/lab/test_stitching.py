"""The corridor: what it pays, that random episodes do not know the best way, and that the best return is reached."""

import numpy as np
import pytest

from deepconsensus_py.lab.systems.decision_transformer.stitching import (
    LONG,
    START,
    STEPS,
    WIDTH,
    WORTH,
    best_stitched,
    played,
    random_episodes,
)

RIGHT, LEFT = 3, 2


def test_going_right_all_the_way_is_best() -> None:
    right = played(lambda seen, *_: np.full(len(seen), RIGHT), 10, seed=1)
    assert right.reward.sum(axis=1) == pytest.approx(best_stitched())
    left = played(lambda seen, *_: np.full(len(seen), LEFT), 10, seed=1)
    assert left.reward.sum(axis=1) == pytest.approx(LONG * WORTH[0])
    assert best_stitched() > 2 * LONG * WORTH[0]


def test_random_episodes_walk_one_cell_a_step_and_are_paid_by_the_column() -> None:
    data = random_episodes(500, seed=2)
    step = np.abs(np.diff(data.observation, axis=1)).sum(axis=2)
    assert step.max() == 1
    assert np.array_equal(data.reward[:, :-1], WORTH[data.observation[:, 1:, 1]])
    assert np.array_equal(data.observation, random_episodes(500, seed=2).observation)


def test_what_pays_from_the_start_within_an_episode_of_the_data_is_the_left_end() -> None:
    data = random_episodes(20_000, seed=3)
    from_start = data.observation[:, 0, 1] == START
    best = data.observation[from_start][data.reward[from_start].sum(axis=1).argsort()[-20:]]
    assert (best[:, -1, 1] <= START).all()
    assert STEPS < WIDTH
