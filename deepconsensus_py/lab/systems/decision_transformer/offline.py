"""Offline reinforcement learning without sequences: behaviour cloning and conservative Q-learning (CQL)."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from deepconsensus_py.lab.fit import Training, fit

BATCH = 256
DISCOUNT = 0.97
WIDTH = 128
FOLLOW = 0.01
"""Share by which the slow copy of a network follows it at each step."""


@dataclass(frozen=True, slots=True, eq=False)
class Transitions:
    """Single steps, ``[count]`` each.

    Attributes:
        observation: ``int64[count, numbers]``.
        action: ``int64[count]``.
        reward: ``float32[count]``.
        following: the next observation.
        ended: ``bool[count]``, whether the episode ended.
        good: ``bool[count]``, whether the episode is one of the best.
    """

    observation: Tensor
    action: Tensor
    reward: Tensor
    following: Tensor
    ended: Tensor
    good: Tensor


class Reactive(nn.Module):
    """A number for each action, from a single observation.

    Args:
        sizes: number of values of each number of an observation.
        actions: number of actions.
        d: width of the two hidden layers.
    """

    def __init__(self, sizes: tuple[int, ...], actions: int, d: int = WIDTH) -> None:
        super().__init__()
        self.seen = nn.ModuleList(nn.Embedding(size, d) for size in sizes)
        self.layers = nn.Sequential(nn.ReLU(), nn.Linear(d, d), nn.ReLU(), nn.Linear(d, actions))

    def forward(self, observation: Tensor) -> Tensor:
        """``[..., actions]`` of ``int64[..., numbers]``."""
        parts = zip(self.seen, observation.unbind(-1), strict=True)
        values: Tensor = self.layers(torch.stack([table(numbers) for table, numbers in parts]).sum(0))
        return values


def half_good(good: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Draw rows, half of them from all and half from the good ones, ``int64[count]``: the same for all agents."""
    (best,) = good.nonzero(as_tuple=True)
    rows = torch.randint(len(good), (count - count // 2,), generator=generator)
    return torch.cat([rows, best[torch.randint(len(best), (count // 2,), generator=generator)]])


def clone(network: Reactive, observation: Tensor, action: Tensor, training: Training, *, seed: int) -> Reactive:
    """Fit the logits of a network to actions ``int64[count]`` taken after observations ``int64[count, numbers]``."""
    generator = torch.Generator().manual_seed(seed)

    def loss(_: int) -> Tensor:
        rows = torch.randint(len(action), (BATCH,), generator=generator)
        return nn.functional.cross_entropy(network(observation[rows]), action[rows])

    fit(network, loss, training)
    return network


def cql(network: Reactive, data: Transitions, alpha: float, training: Training, *, seed: int) -> Reactive:
    """Fit the values of a network to the Bellman equation, and lower those of actions that were not taken.

    Args:
        network: values of actions.
        data: steps of the episodes.
        alpha: weight of the conservative term.
        training: steps and learning rate.
        seed: of the batches.
    """
    generator = torch.Generator().manual_seed(seed)
    slow = copy.deepcopy(network).requires_grad_(False)

    def loss(_: int) -> Tensor:
        for followed, leading in zip(slow.parameters(), network.parameters(), strict=True):
            followed.lerp_(leading.detach(), FOLLOW)
        rows = half_good(data.good, BATCH, generator)
        values = network(data.observation[rows])
        taken = values.gather(1, data.action[rows, None])[:, 0]
        # The network chooses the next action, its slow copy values it (double Q-learning).
        following = data.following[rows]
        best = network(following).detach().argmax(-1, keepdim=True)
        goal = data.reward[rows] + DISCOUNT * slow(following).gather(1, best)[:, 0] * ~data.ended[rows]
        total: Tensor = nn.functional.mse_loss(taken, goal) + alpha * (values.logsumexp(-1) - taken).mean()
        return total

    fit(network, loss, training)
    return network
