"""The reward is for the key, an observation hides whether it was taken, and exact returns are those of play."""

import numpy as np
import pytest

from deepconsensus_py.lab.systems.decision_transformer.keydoor import (
    HIDDEN,
    MOVES,
    ROOM_STEPS,
    STEPS,
    Layouts,
    begin,
    best_return,
    layouts,
    observe,
    play,
    random_return,
    random_trajectories,
    step,
)


def towards(seen: np.ndarray) -> np.ndarray:
    """The move that brings nearest to the target on show."""
    there = seen[:, None, 1:3] + MOVES
    return np.abs(there - seen[:, None, 3:]).sum(axis=2).argmin(axis=1)


def test_who_walks_to_key_and_door_has_the_best_return() -> None:
    layout = layouts(400, seed=0)
    episodes = play(layout, lambda seen, *_: towards(seen[:, -1]))
    assert (best_return(layout) == 1).all()
    assert (episodes.reward.sum(axis=1) == 1).all()
    assert (episodes.reward[:, : 2 * ROOM_STEPS] == 0).all()
    assert (episodes.returns_to_go[:, 0] == 1).all()


def test_the_door_alone_is_worth_nothing() -> None:
    # In the first room, up into the wall: the start is never the key, but it may lie above the start.
    layout = layouts(2000, seed=1)
    episodes = play(layout, lambda seen, *_: towards(seen[:, -1]) if seen.shape[1] > ROOM_STEPS else 0 * seen[:, -1, 0])
    passed = (layout.key[:, 1] == layout.start[:, 0, 1]) & (layout.key[:, 0] < layout.start[:, 0, 0])
    assert 0 < passed.sum() < len(passed)
    assert (episodes.reward.sum(axis=1) == passed).all()


def test_random_play_returns_what_the_induction_says() -> None:
    layout = layouts(20_000, seed=2)
    generator = np.random.default_rng(0)
    episodes = play(layout, lambda seen, *_: generator.integers(4, size=len(seen)))
    exact = random_return(layout)
    played = episodes.reward.sum(axis=1)
    assert abs(played.mean() - exact.mean()) < 4 * played.std() / np.sqrt(len(played))
    easy = exact > np.median(exact)
    assert abs(played[easy].mean() - exact[easy].mean()) < 0.012
    assert abs(played[~easy].mean() - exact[~easy].mean()) < 0.012


def test_one_layout_by_hand() -> None:
    # One cell away, in a corner, with nothing but the eight steps: the chance by the powers of the walk's matrix.
    corner, beside = np.array([0, 0]), np.array([0, 1])
    layout = Layouts(np.array([[corner, corner, corner]]), beside[None], beside[None])
    walk = np.zeros((16, 16))
    for cell in range(16):
        for move in MOVES:
            y, x = np.clip(np.array(divmod(cell, 4)) + move, 0, 3)
            walk[cell, 4 * y + x] += 0.25
    walk[1] = np.eye(16)[1]
    reached = np.linalg.matrix_power(walk, ROOM_STEPS)[0, 1]
    assert random_return(layout) == pytest.approx([reached**2])


def test_an_observation_after_the_first_room_does_not_tell_of_the_key() -> None:
    layout = layouts(50, seed=3)
    with_key, without = begin(layout), begin(layout)
    for t in range(STEPS):
        action = towards(observe(layout, with_key))
        with_key, _ = step(layout, with_key, action)
        without, _ = step(layout, without, np.zeros_like(action) if t < ROOM_STEPS else action)
        if t + 1 in (ROOM_STEPS, 2 * ROOM_STEPS):
            assert (observe(layout, with_key) == observe(layout, without)).all()
    assert with_key.has_key.all()
    assert not without.has_key.all()
    with pytest.raises(ValueError, match="24 steps"):
        step(layout, with_key, action)


def test_the_target_is_on_show_where_it_is() -> None:
    layout = layouts(300, seed=4)
    seen = play(layout, lambda seen, *_: towards(seen[:, -1])).observation
    assert (seen[:, 0, 3:] == layout.key).all()
    assert (seen[:, ROOM_STEPS : 2 * ROOM_STEPS, 3:] == HIDDEN).all()
    assert (seen[:, 2 * ROOM_STEPS :, 3:] == layout.door[:, None]).all()
    assert (seen[:, ::ROOM_STEPS, 1:3] == layout.start).all()
    assert (seen[:, :, 0] == np.arange(STEPS) // ROOM_STEPS).all()
    assert seen[..., 1:3].min() == 0
    assert seen[..., 1:3].max() == 3


def test_offline_data_are_mixed_and_seeded() -> None:
    data, same = (random_trajectories(6000, seed=5) for _ in range(2))
    returns = data.reward.sum(axis=1)
    assert set(returns.tolist()) == {0.0, 1.0}
    assert 0.05 < returns.mean() < 0.09
    assert (data.action == same.action).all()
    assert (data.returns_to_go[:, 0] == returns).all()
    assert (np.bincount(data.action.ravel()) > 0.24 * data.action.size).all()
    best = data.reward == 1
    assert (data.returns_to_go[best] == 1).all()
    assert (data.returns_to_go[:, 1:][best[:, :-1]] == 0).all()
