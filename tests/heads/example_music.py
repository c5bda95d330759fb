"""A tiny head of notes."""

import torch
from heads.examples import Example
from torch import Tensor

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.heads.head import Head
from deepconsensus_py.heads.music import Music


def build(config: TrunkConfig) -> Head:
    return Music(Trunk(config), notes=7, voices=4, places=20)


def batch(seed: int) -> dict[str, Tensor]:
    return {"notes": torch.randint(7, (2, 13), generator=torch.Generator().manual_seed(seed))}


EXAMPLE = Example(
    name="music",
    trunk=TrunkConfig(2, 16, 2, 24, preset("music"), norm="layer", position="none"),
    build=build,
    batch=batch,
    presets=("music", "causal", "image1d"),
)
