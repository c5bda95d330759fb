"""Agents for the pendulum, whose torques are numbers: those of ``agents`` and ``offline`` for continuous actions."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.heads.head import Batch, Spec
from deepconsensus_py.heads.trajectory import TrajectoryHead
from deepconsensus_py.lab.fit import Training, fit
from deepconsensus_py.lab.systems.decision_transformer import pendulum
from deepconsensus_py.lab.systems.decision_transformer.agents import BATCH, DROPOUT, TRUNK, EpisodeBatch, best
from deepconsensus_py.lab.systems.decision_transformer.offline import BATCH as STEPS_AT_ONCE
from deepconsensus_py.lab.systems.decision_transformer.offline import DISCOUNT, FOLLOW, WIDTH, half_good
from deepconsensus_py.lab.systems.decision_transformer.pendulum import NUMBERS, Floats, Policy, Swings

CONTEXT = 20
"""Steps that the sequence model sees, as published for continuous control."""

TRIED = torch.linspace(-1, 1, 9)
"""Torques among which the value network looks for the best one."""


class NumberHead(TrajectoryHead):
    """The trajectory head for observations and actions that are numbers; it predicts the action, -1 to 1.

    Args:
        trunk: causal, without positions of its own.
        numbers: of an observation.
        steps: of the longest context.
        dropout: probability that a number of a token is dropped in training.
    """

    def __init__(self, trunk: Trunk, *, numbers: int, steps: int, dropout: float) -> None:
        super().__init__(trunk, sizes=(1,) * numbers, actions=1, steps=steps, dropout=dropout)
        self.inputs = {
            "returns": Spec(("B", "T"), torch.float32),
            "observation": Spec(("B", "T", numbers), torch.float32),
            "action": Spec(("B", "T"), torch.float32, -1, 1),
        }
        d = trunk.config.d
        # In place of the tables and logits of symbols; all else is the head of the other environments.
        self.seen = nn.ModuleList(_Number(1, d) for _ in range(numbers))
        self.add_module("done", _Number(1, d))
        self.add_module("action", nn.Sequential(nn.Linear(d, 1), nn.Tanh(), nn.Flatten(-2)))

    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        """Mean squared error of the actions."""
        return nn.functional.mse_loss(out, batch["action"])

    def metrics(self, out: Tensor, batch: Batch) -> dict[str, float]:
        """``error``: the root of it."""
        return {"error": float(self.loss(out, batch).sqrt())}


class _Number(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.unsqueeze(-1))


def swing_batch(episodes: Swings) -> dict[str, Tensor]:
    """Episodes as a batch of the head."""
    return {
        "returns": torch.from_numpy(episodes.returns_to_go.copy()),
        "observation": torch.from_numpy(episodes.observation),
        "action": torch.from_numpy(episodes.action),
        "reward": torch.from_numpy(episodes.reward),
    }


def most(data: EpisodeBatch) -> Tensor:
    """The best tenth of the episodes, ``bool[episodes]``; ``best`` knows only what was earned."""
    earned = data["returns"][:, 0]
    return best({"returns": (earned - earned.min() + 1e-6).unsqueeze(1)})


def sequence_model(data: EpisodeBatch, training: Training, *, seed: int) -> NumberHead:
    """Train a Decision Transformer on pieces of episodes; half of each batch is from the best tenth."""
    torch.manual_seed(seed)
    head = NumberHead(Trunk(TRUNK), numbers=NUMBERS, steps=CONTEXT, dropout=DROPOUT)
    generator, good = torch.Generator().manual_seed(seed), most(data)

    def loss(_: int) -> Tensor:
        rows = half_good(good, BATCH, generator).unsqueeze(1)
        first = torch.randint(pendulum.STEPS - CONTEXT + 1, rows.shape, generator=generator)
        batch = {name: values[rows, first + torch.arange(CONTEXT)] for name, values in data.items()}
        return head.loss(head(batch), batch)

    fit(head, loss, training)
    return head.eval()


def asking(head: NumberHead, for_return: float) -> Policy:
    """The policy of a sequence model that is asked for a return."""

    @torch.inference_mode()
    def policy(seen: Floats, action: Floats, reward: Floats) -> Floats:
        to_go = for_return - np.pad(reward.cumsum(axis=1), ((0, 0), (1, 0)))
        batch = {
            "returns": torch.from_numpy(to_go[:, -CONTEXT:].astype(np.float32)),
            "observation": torch.from_numpy(np.ascontiguousarray(seen[:, -CONTEXT:])),
            "action": torch.from_numpy(np.pad(action, ((0, 0), (0, 1)))[:, -CONTEXT:].copy()),
        }
        chosen: Floats = head(batch)[:, -1].numpy()
        return chosen

    return policy


def _layers(inputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 1), nn.Flatten(-2)
    )


def _singly(network: Callable[[Tensor], Tensor]) -> Policy:
    """The policy of what sees the last observation only."""

    @torch.inference_mode()
    def policy(seen: Floats, *_: Floats) -> Floats:
        chosen: Floats = network(torch.from_numpy(np.ascontiguousarray(seen[:, -1]))).numpy()
        return chosen

    return policy


def cloned(data: EpisodeBatch, training: Training, *, seed: int, filtered: bool) -> Policy:
    """Clone the torques in all episodes or in the best tenth, from one observation at a time."""
    torch.manual_seed(seed)
    network, generator = nn.Sequential(_layers(NUMBERS), nn.Tanh()), torch.Generator().manual_seed(seed)
    kept: Any = most(data) if filtered else slice(None)
    seen, action = (data[name][kept].flatten(0, 1) for name in ("observation", "action"))

    def loss(_: int) -> Tensor:
        rows = torch.randint(len(action), (STEPS_AT_ONCE,), generator=generator)
        return nn.functional.mse_loss(network(seen[rows]), action[rows])

    fit(network, loss, training)
    return _singly(network)


def valued(data: EpisodeBatch, alpha: float, training: Training, *, seed: int) -> Policy:
    """Train values by conservative Q-learning, and take the torque of highest value.

    With one torque the integral and the maximum over actions are those over ``TRIED``, and no actor is needed. The
    observation after the last step is not in the data, so that the last step is skipped.
    """
    torch.manual_seed(seed)
    network, generator = _layers(NUMBERS + 1), torch.Generator().manual_seed(seed)
    slow = copy.deepcopy(network).requires_grad_(False)
    seen, following = (data["observation"][:, part].flatten(0, 1) for part in (slice(-1), slice(1, None)))
    action, reward = (data[name][:, :-1].flatten(0, 1) for name in ("action", "reward"))
    good = most(data).repeat_interleave(pendulum.STEPS - 1)

    def loss(_: int) -> Tensor:
        for followed, leading in zip(slow.parameters(), network.parameters(), strict=True):
            followed.lerp_(leading.detach(), FOLLOW)
        rows = half_good(good, STEPS_AT_ONCE, generator)
        with torch.no_grad():
            # The network chooses the next torque, its slow copy values it (double Q-learning).
            chosen = _values(network, following[rows]).argmax(-1, keepdim=True)
            goal = reward[rows] + DISCOUNT * _values(slow, following[rows]).gather(1, chosen)[:, 0]
        taken = network(torch.cat([seen[rows], action[rows, None]], 1))
        every = _values(network, seen[rows]).logsumexp(-1)
        total: Tensor = nn.functional.mse_loss(taken, goal) + alpha * (every - taken).mean()
        return total

    fit(network, loss, training)
    return _singly(lambda observation: TRIED[_values(network, observation).argmax(-1)])


def _values(network: nn.Module, seen: Tensor) -> Tensor:
    """Of each torque of ``TRIED`` after each observation, ``[count, 9]``."""
    torques = TRIED.expand(len(seen), -1).unsqueeze(-1)
    values: Tensor = network(torch.cat([seen.unsqueeze(1).expand(-1, len(TRIED), -1), torques], -1))
    return values
