"""Key to door: three rooms of 4x4 cells, eight steps in each; the reward at the door is for a key found long before.

The key is in the first room, nothing in the second, the door in the third; reaching the door with the key is rewarded
with 1, once. An observation does not tell whether the key was taken, so that values learned step by step cannot carry
the reward back through the second room, while conditioning on the return can (Mesnard et al. 2021).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIDE = 4
"""Cells along each side of a room."""

ROOMS, ROOM_STEPS = 3, 8
STEPS = ROOMS * ROOM_STEPS
"""Steps of an episode."""

MOVES = np.array([(-1, 0), (1, 0), (0, -1), (0, 1)])
"""``int64[4, 2]``: (y, x) of each action; a wall stops it."""

HIDDEN = SIDE
"""Both coordinates of the target in an observation if it is not visible."""

Integers = NDArray[np.int64]

Policy = Callable[[Integers, Integers, NDArray[np.float32]], Integers]
"""The next actions ``int64[count]``, given the observations ``[count, t + 1, 5]`` so far, and actions and rewards
``[count, t]``."""


@dataclass(frozen=True, slots=True, eq=False)
class Layouts:
    """Positions (y, x): ``start`` of each room ``int64[count, 3, 2]``, ``key`` and ``door`` ``[count, 2]``.

    No episode starts on its key, nor enters the third room on its door.
    """

    start: Integers
    key: Integers
    door: Integers


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The state of episodes.

    Attributes:
        step: steps done, the same in all episodes.
        position: ``int64[count, 2]``.
        has_key: ``bool[count]``; never observed.
        rewarded: ``bool[count]``.
    """

    step: int
    position: Integers
    has_key: NDArray[np.bool_]
    rewarded: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Trajectories:
    """Episodes.

    Attributes:
        observation: ``int64[count, steps, numbers]``, here 24 steps of 5 numbers, see ``observe``.
        action: ``int64[count, steps]``.
        reward: ``float32[count, steps]``.
    """

    observation: Integers
    action: Integers
    reward: NDArray[np.float32]

    @property
    def returns_to_go(self) -> NDArray[np.float32]:
        """``float32[count, steps]``: sum of the rewards from each step on, its own included."""
        return np.cumsum(self.reward[:, ::-1], axis=1, dtype=np.float32)[:, ::-1]


def layouts(count: int, *, seed: int) -> Layouts:
    """Draw layouts, all cells equally likely; the same seed makes the same layouts."""
    generator = np.random.default_rng(seed)
    cells = SIDE * SIDE
    start = generator.integers(cells, size=(count, ROOMS))
    elsewhere = generator.integers(1, cells, size=(count, 2))
    key, door = (start[:, [0, ROOMS - 1]] + elsewhere).T % cells
    return Layouts(_place(start), _place(key), _place(door))


def begin(layout: Layouts) -> State:
    """The state before the first step."""
    nothing = np.zeros(len(layout.key), dtype=np.bool_)
    return State(0, layout.start[:, 0], nothing, nothing)


def observe(layout: Layouts, state: State) -> Integers:
    """What an agent sees, ``int64[count, 5]``: room, y, x, and the target's y, x.

    The target is the key in the first room until it is taken, the door in the third, and ``HIDDEN`` elsewhere.
    """
    room = state.step // ROOM_STEPS
    target = np.full_like(state.position, HIDDEN)
    if room == 0:
        target = np.where(state.has_key[:, None], HIDDEN, layout.key)
    elif room == ROOMS - 1:
        target = layout.door
    return np.concatenate([np.full((len(target), 1), room), state.position, target], axis=1)


def step(layout: Layouts, state: State, action: Integers) -> tuple[State, NDArray[np.float32]]:
    """One step of all episodes.

    Args:
        layout: of the episodes.
        state: the state before.
        action: ``int64[count]``, rows of ``MOVES``.

    Returns:
        The state after, and the rewards ``float32[count]``.

    Raises:
        ValueError: the episodes are over.
    """
    if state.step >= STEPS:
        raise ValueError(f"all {STEPS} steps of the episode are done")
    room, done = state.step // ROOM_STEPS, state.step + 1
    position = np.clip(state.position + MOVES[action], 0, SIDE - 1)
    has_key, rewarded = state.has_key, state.rewarded
    if room == 0:
        has_key = has_key | (position == layout.key).all(axis=1)
    elif room == ROOMS - 1:
        rewarded = rewarded | (has_key & (position == layout.door).all(axis=1))
    if done % ROOM_STEPS == 0 and done < STEPS:
        position = layout.start[:, room + 1]
    reward = (rewarded & ~state.rewarded).astype(np.float32)
    return State(done, position, has_key, rewarded), reward


def play(layout: Layouts, policy: Policy) -> Trajectories:
    """Play one episode in each layout; the policy sees all of its episode so far."""
    count = len(layout.key)
    observation = np.zeros((count, STEPS, 5), dtype=np.int64)
    action = np.zeros((count, STEPS), dtype=np.int64)
    reward = np.zeros((count, STEPS), dtype=np.float32)
    state = begin(layout)
    for t in range(STEPS):
        observation[:, t] = observe(layout, state)
        action[:, t] = policy(observation[:, : t + 1], action[:, :t], reward[:, :t])
        state, reward[:, t] = step(layout, state, action[:, t])
    return Trajectories(observation, action, reward)


def random_trajectories(count: int, *, seed: int) -> Trajectories:
    """The training data: episodes of random actions, about one in fifteen of which earns the reward."""
    generator = np.random.default_rng([seed, 1])
    return play(layouts(count, seed=seed), lambda seen, *_: generator.integers(len(MOVES), size=len(seen)))


def best_return(layout: Layouts) -> NDArray[np.float64]:
    """The exact expected return of the best policy, ``float64[count]``, by backward induction over all states."""
    return _returns(layout, np.max)


def random_return(layout: Layouts) -> NDArray[np.float64]:
    """The exact expected return of random actions, ``float64[count]``."""
    return _returns(layout, np.mean)


def _returns(layout: Layouts, over_actions: Callable[..., NDArray[np.float64]]) -> NDArray[np.float64]:
    cells = _place(np.arange(SIDE * SIDE))
    following = _cell(np.clip(cells[:, None] + MOVES, 0, SIDE - 1))
    episode = np.arange(len(layout.key))
    key, door, start = _cell(layout.key), _cell(layout.door), _cell(layout.start)
    value = np.zeros((len(episode), 2, len(cells)))  # by key taken or not, and cell
    for t in reversed(range(STEPS)):
        room = t // ROOM_STEPS
        if (t + 1) % ROOM_STEPS == 0 and t + 1 < STEPS:
            value = np.repeat(value[episode, :, start[:, room + 1], None], len(cells), axis=2)
        if room == 0:
            value[episode, 0, key] = value[episode, 1, key]
        elif room == ROOMS - 1:
            value[episode, 1, door] = 1.0
        value = over_actions(value[:, :, following], axis=-1)
    first: NDArray[np.float64] = value[episode, 0, start[:, 0]]
    return first


def _place(cell: Integers) -> Integers:
    return np.stack(np.divmod(cell, SIDE), axis=-1)


def _cell(place: Integers) -> Integers:
    return place[..., 0] * SIDE + place[..., 1]
