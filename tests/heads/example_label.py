"""A tiny head of labels."""

import torch
from heads.examples import Example
from torch import Tensor

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.heads.head import Head
from deepconsensus_py.heads.label import Label


def build(config: TrunkConfig) -> Head:
    return Label(Trunk(config), vocabularies=(5, 3), classes=4, places=16)


def batch(seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    symbols = torch.stack([torch.randint(size, (2, 11), generator=generator) for size in (5, 3)], -1)
    labels = torch.randint(4, (2, 11), generator=generator)
    labels[:, 0] = -100
    return {"symbols": symbols, "mask": torch.ones(2, 11, dtype=torch.bool), "labels": labels}


EXAMPLE = Example(
    name="label",
    trunk=TrunkConfig(2, 16, 2, 24, preset("full"), norm="layer"),
    build=build,
    batch=batch,
    presets=("full", "causal", "banded12", "image1d", "halo1d", "shaw", "skew", "music", "routing"),
)
