"""A tiny head of trajectories."""

import torch
from heads.examples import Example
from torch import Tensor

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.heads.head import Head
from deepconsensus_py.heads.trajectory import TrajectoryHead


def build(config: TrunkConfig) -> Head:
    return TrajectoryHead(Trunk(config), sizes=(3, 4), actions=4, steps=6)


def batch(seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        "returns": torch.rand(2, 5, generator=generator),
        "observation": torch.stack([torch.randint(size, (2, 5), generator=generator) for size in (3, 4)], -1),
        "action": torch.randint(4, (2, 5), generator=generator),
    }


EXAMPLE = Example(
    name="trajectory",
    trunk=TrunkConfig(2, 16, 2, 24, preset("causal"), norm="layer", position="none"),
    build=build,
    batch=batch,
    presets=("causal", "music"),
)
