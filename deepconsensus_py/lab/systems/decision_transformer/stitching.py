"""A corridor whose best path is in no episode: it must be stitched together from several.

Random episodes of eight steps start anywhere in 3x9 cells. Every step earns the reward of its column: a little at the
left end, where staying is among the best that an episode starting there does, and much at the right end, which hardly
any episode from the left reaches. Values learned step by step carry over from one episode to another; the return of a
single episode does not show this (Levine et al. 2020, offline reinforcement learning).
"""

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.lab.systems.decision_transformer.keydoor import MOVES, Policy, Trajectories

HEIGHT, WIDTH = 3, 9
"""Cells of the corridor."""

WORTH = np.array([0.3, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 1.0], dtype=np.float32)
"""Reward of a step that ends in each column."""

STEPS, LONG = 8, 24
"""Steps of an episode of the data, and of one that is played."""

START = 1
"""Column in which played episodes start."""

Integers = NDArray[np.int64]


def random_episodes(count: int, *, seed: int) -> Trajectories:
    """Episodes of random actions from random cells; an observation is (y, x)."""
    generator = np.random.default_rng(seed)
    start = np.stack([generator.integers(size, size=count) for size in (HEIGHT, WIDTH)], axis=1)
    return _walked(start, lambda seen, *_: generator.integers(len(MOVES), size=len(seen)), STEPS)


def played(policy: Policy, count: int, *, seed: int) -> Trajectories:
    """Play long episodes of a policy, from the column ``START``."""
    rows = np.random.default_rng(seed).integers(HEIGHT, size=count)
    return _walked(np.stack([rows, np.full(count, START)], axis=1), policy, LONG)


def best_stitched() -> float:
    """The exact return of the best policy in a long episode, by backward induction over the columns."""
    value = np.zeros(WIDTH)
    for _ in range(LONG):
        arrived = WORTH + value
        value = np.maximum.reduce([arrived, np.append(arrived[1:], arrived[-1]), np.append(arrived[0], arrived[:-1])])
    return float(value[START])


def _walked(start: Integers, policy: Policy, steps: int) -> Trajectories:
    count, position = len(start), start
    observation = np.zeros((count, steps, 2), dtype=np.int64)
    action = np.zeros((count, steps), dtype=np.int64)
    reward = np.zeros((count, steps), dtype=np.float32)
    for t in range(steps):
        observation[:, t] = position
        action[:, t] = policy(observation[:, : t + 1], action[:, :t], reward[:, :t])
        position = np.clip(position + MOVES[action[:, t]], 0, (HEIGHT - 1, WIDTH - 1))
        reward[:, t] = WORTH[position[:, 1]]
    return Trajectories(observation, action, reward)
