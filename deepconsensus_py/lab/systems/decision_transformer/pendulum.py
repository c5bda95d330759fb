"""Continuous control: a pendulum to be swung up by a torque that is too weak to lift it at once.

The equations are those of ``Pendulum-v1`` of Gymnasium (Towers et al. 2024); all episodes step together here, and a
torque is held for a few of its steps. Episodes of the data mix random torques with those of a controller that pumps
energy into the swing (Astrom and Furuta 2000).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GRAVITY, STRONGEST, FASTEST = 15.0, 2.0, 8.0
"""3 g / 2 l of the rod, its largest torque, to both sides, and its largest speed in radians a second."""

SECONDS, HELD = 0.05, 3
"""Of a step of the equations, and how many of them a torque is held."""

STEPS = 50
"""Torques of an episode: 7.5 seconds."""

NUMBERS = 3
"""Of an observation: cosine and sine of the angle, which is 0 upright, and the speed as a share of ``FASTEST``."""

Floats = NDArray[np.float32]

Policy = Callable[[Floats, Floats, Floats], Floats]
"""Next torques, -1 to 1, ``float32[count]``, given observations ``[count, t + 1, 3]`` and torques and rewards
``[count, t]``."""


@dataclass(frozen=True, slots=True, eq=False)
class Swings:
    """Episodes.

    Attributes:
        observation: ``float32[count, steps, 3]``.
        action: ``float32[count, steps]``, torques from -1 to 1.
        reward: ``float32[count, steps]``, -1.6 to 0.
    """

    observation: Floats
    action: Floats
    reward: Floats

    @property
    def returns_to_go(self) -> Floats:
        """``float32[count, steps]``: sum of the rewards from each step on, its own included."""
        return np.cumsum(self.reward[:, ::-1], axis=1, dtype=np.float32)[:, ::-1]


def played(policy: Policy, count: int, *, seed: int) -> Swings:
    """Play one episode from each of ``count`` random angles and speeds; the policy sees all of its episode so far."""
    generator = np.random.default_rng(seed)
    angle, speed = generator.uniform(-np.pi, np.pi, count), generator.uniform(-1, 1, count)
    observation = np.zeros((count, STEPS, NUMBERS), dtype=np.float32)
    action, reward = np.zeros((2, count, STEPS), dtype=np.float32)
    for t in range(STEPS):
        observation[:, t] = np.stack([np.cos(angle), np.sin(angle), speed / FASTEST], axis=1)
        action[:, t] = np.clip(policy(observation[:, : t + 1], action[:, :t], reward[:, :t]), -1, 1)
        for _ in range(HELD):
            torque = STRONGEST * action[:, t]
            off = (angle + np.pi) % (2 * np.pi) - np.pi
            # A tenth, so that rewards are small numbers.
            reward[:, t] -= (off**2 + 0.1 * speed**2 + 0.001 * torque**2) / (10 * HELD)
            speed = np.clip(speed + (GRAVITY * np.sin(angle) + 3 * torque) * SECONDS, -FASTEST, FASTEST)
            angle = angle + speed * SECONDS
    return Swings(observation, action, reward)


def controller(seen: Floats, *_: Floats) -> Floats:
    """Pump energy until the top is in reach, and hold the pendulum there."""
    cosine, sine, speed = seen[:, -1].T * np.array([[1.0], [1.0], [FASTEST]])
    missing = GRAVITY * (1 - cosine) - speed**2 / 2
    pumped = np.sign(speed + 1e-6) * np.clip(missing, -1, 1)
    held = -(9 * sine + 2.2 * speed) / STRONGEST
    near = (cosine > 0.9) & (np.abs(missing) < 6)
    torque: Floats = np.clip(np.where(near, held, pumped), -1, 1).astype(np.float32)
    return torque


def mixed_swings(count: int, *, seed: int) -> Swings:
    """The training data: in each episode another share of the torques, a quarter to all of them, is random."""
    generator = np.random.default_rng([seed, 1])
    share = generator.uniform(0.25, 1, count)

    def policy(seen: Floats, *_: Floats) -> Floats:
        drawn = generator.uniform(-1, 1, count).astype(np.float32)
        return np.where(generator.random(count) < share, drawn, controller(seen))

    return played(policy, count, seed=seed)
