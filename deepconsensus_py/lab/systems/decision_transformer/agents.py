"""Agents trained on episodes of random actions: sequence models, behaviour cloning and Q-learning; their policies."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.config import AttentionConfig, TrunkConfig
from deepconsensus_py.attention.patterns import Full
from deepconsensus_py.heads.trajectory import TrajectoryHead
from deepconsensus_py.lab.fit import Training, fit
from deepconsensus_py.lab.systems.decision_transformer import keydoor, stitching
from deepconsensus_py.lab.systems.decision_transformer.offline import (
    DISCOUNT,
    FOLLOW,
    Reactive,
    Transitions,
    clone,
    cql,
    half_good,
)

TRUNK = TrunkConfig(
    layers=2,
    d=64,
    heads=4,
    ff=256,
    attention=(AttentionConfig(Full(causal=True), dropout=0.1),),
    norm="layer",
    position="none",
)
DROPOUT = 0.1
ACTIONS = len(keydoor.MOVES)
BATCH = 64

EpisodeBatch = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class World:
    """What agents must know about an environment.

    Attributes:
        sizes: number of values of each number of an observation.
        steps: of an episode of the data.
        endless: whether the environment goes on after the last of them.
    """

    sizes: tuple[int, ...]
    steps: int
    endless: bool


KEYDOOR = World((keydoor.ROOMS, *(keydoor.SIDE,) * 2, *(keydoor.SIDE + 1,) * 2), keydoor.STEPS, endless=False)
CORRIDOR = World((stitching.HEIGHT, stitching.WIDTH), stitching.STEPS, endless=True)


def episode_batch(episodes: keydoor.Trajectories) -> dict[str, Tensor]:
    """Episodes as a batch of the trajectory head."""
    return {
        "returns": torch.from_numpy(episodes.returns_to_go.copy()),
        "observation": torch.from_numpy(episodes.observation),
        "action": torch.from_numpy(episodes.action),
        "reward": torch.from_numpy(episodes.reward),
    }


def transitions(world: World, episodes: keydoor.Trajectories) -> Transitions:
    """Episodes as single steps; without the last ones of an endless environment, whose outcome is not in the data."""
    seen = torch.from_numpy(episodes.observation)
    ended = torch.zeros(seen.shape[:2], dtype=torch.bool)
    ended[:, -1] = True
    following = torch.cat([seen[:, 1:], seen[:, -1:]], dim=1)
    reward, action = torch.from_numpy(episodes.reward), torch.from_numpy(episodes.action)
    good = best(episode_batch(episodes)).unsqueeze(1).expand(seen.shape[:2])
    kept = slice(-1 if world.endless else None)
    return Transitions(*(part[:, kept].flatten(0, 1) for part in (seen, action, reward, following, ended, good)))


def sequence_model(world: World, data: EpisodeBatch, training: Training, *, seed: int) -> TrajectoryHead:
    """Train a Decision Transformer; half of each batch is from the best tenth of the episodes, see ``best``."""
    torch.manual_seed(seed)
    head = TrajectoryHead(Trunk(TRUNK), sizes=world.sizes, actions=ACTIONS, steps=world.steps, dropout=DROPOUT)
    generator = torch.Generator().manual_seed(seed)
    good = best(data)

    def loss(_: int) -> Tensor:
        rows = half_good(good, BATCH, generator)
        batch = {name: values[rows] for name, values in data.items()}
        found: Tensor = head.loss(head(batch), batch)
        return found

    fit(head, loss, training)
    return head


def best(data: EpisodeBatch) -> Tensor:
    """The best tenth of the episodes, except those that earned nothing, ``bool[episodes]``."""
    earned = data["returns"][:, 0]
    return (earned > 0) & (earned >= earned.quantile(0.9))


def cloned(world: World, data: EpisodeBatch, training: Training, *, seed: int, filtered: bool) -> Reactive:
    """Clone the behaviour in all episodes or in the best, from one observation at a time."""
    torch.manual_seed(seed)
    kept = best(data) if filtered else slice(None)
    seen, action = (data[name][kept].flatten(0, 1) for name in ("observation", "action"))
    return clone(Reactive(world.sizes, ACTIONS), seen, action, training, seed=seed)


def valued(world: World, data: Transitions, alpha: float, training: Training, *, seed: int) -> Reactive:
    """Train values by conservative Q-learning."""
    torch.manual_seed(seed)
    return cql(Reactive(world.sizes, ACTIONS), data, alpha, training, seed=seed)


def valued_with_history(
    world: World, data: EpisodeBatch, alpha: float, training: Training, *, seed: int
) -> TrajectoryHead:
    """Train values by conservative Q-learning, of sequences: the network of the Decision Transformer, asked nothing."""
    torch.manual_seed(seed)
    head = TrajectoryHead(Trunk(TRUNK), sizes=world.sizes, actions=ACTIONS, steps=world.steps, dropout=DROPOUT)
    slow = copy.deepcopy(head).requires_grad_(False).eval()
    generator, good = torch.Generator().manual_seed(seed), best(data)

    def loss(_: int) -> Tensor:
        for followed, leading in zip(slow.parameters(), head.parameters(), strict=True):
            followed.lerp_(leading.detach(), FOLLOW)
        rows = half_good(good, BATCH, generator)
        batch = unasked({name: values[rows] for name, values in data.items()})
        values = head(batch)
        taken = values.gather(-1, batch["action"].unsqueeze(-1)).squeeze(-1)
        later = slow(batch)[:, 1:].gather(-1, values[:, 1:].detach().argmax(-1, keepdim=True)).squeeze(-1)
        if world.endless:  # what follows the last step is not in the data
            taken, values, reward = taken[:, :-1], values[:, :-1], batch["reward"][:, :-1]
        else:
            later, reward = torch.nn.functional.pad(later, (0, 1)), batch["reward"]
        wrong = torch.nn.functional.mse_loss(taken, reward + DISCOUNT * later)
        total: Tensor = wrong + alpha * (values.logsumexp(-1) - taken).mean()
        return total

    fit(head, loss, training)
    return head


def unasked(batch: EpisodeBatch) -> dict[str, Tensor]:
    """The same episodes without their returns."""
    return {**batch, "returns": torch.zeros_like(batch["returns"])}


def asking(head: TrajectoryHead, for_return: float | None, steps: int, *, sampled: int | None = None) -> keydoor.Policy:
    """The policy of a sequence model that is asked for a return, or for none; greedy, or sampled with a seed.

    After as many steps as an episode of the data has, it forgets them and is asked again.
    """
    generator = None if sampled is None else torch.Generator().manual_seed(sampled)
    head.eval()

    def policy(seen: NDArray[np.int64], action: NDArray[np.int64], reward: NDArray[np.float32]) -> NDArray[np.int64]:
        begun = (seen.shape[1] - 1) // steps * steps
        earned = np.pad(reward[:, begun:].cumsum(axis=1), ((0, 0), (1, 0)))
        batch = {
            "returns": torch.from_numpy(((for_return or 0.0) - earned).astype(np.float32)),
            "observation": torch.from_numpy(np.ascontiguousarray(seen[:, begun:])),
            "action": torch.from_numpy(np.pad(action[:, begun:], ((0, 0), (0, 1)))),
        }
        given = unasked(batch) if for_return is None else batch
        chosen: NDArray[np.int64] = head.act(given, generator).numpy()
        return chosen

    return policy


def reacting(network: Reactive, *, sampled: int | None = None) -> keydoor.Policy:
    """The policy of a network that sees the last observation only: the best action, or one sampled by its logits."""
    generator = None if sampled is None else torch.Generator().manual_seed(sampled)
    network.eval()

    @torch.inference_mode()
    def policy(seen: NDArray[np.int64], *_: NDArray[Any]) -> NDArray[np.int64]:
        logits = network(torch.from_numpy(np.ascontiguousarray(seen[:, -1])))
        likely = logits.log_softmax(-1).exp()
        chosen = logits.argmax(-1) if generator is None else torch.multinomial(likely, 1, generator=generator)[:, 0]
        actions: NDArray[np.int64] = chosen.numpy()
        return actions

    return policy
