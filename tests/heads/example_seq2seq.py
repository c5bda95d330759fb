"""A tiny encoder and decoder."""

from dataclasses import replace

import torch
from heads.examples import Example
from torch import Tensor

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.heads.head import Head
from deepconsensus_py.heads.seq2seq import Seq2Seq


def build(config: TrunkConfig) -> Head:
    decoder = replace(config, attention=preset("causal"), cross=True)
    return Seq2Seq(Trunk(config), Trunk(decoder), tracks=3, letters=4)


def batch(seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    target = torch.randint(1, 5, (2, 7), generator=generator)
    target[1, 5:] = 0
    mask = torch.ones(2, 11, dtype=torch.bool)
    mask[1, 8:] = False
    return {"symbols": torch.randint(5, (2, 11, 3), generator=generator), "mask": mask, "target": target}


EXAMPLE = Example(
    name="seq2seq",
    trunk=TrunkConfig(2, 16, 2, 24, preset("full"), norm="layer"),
    build=build,
    batch=batch,
    presets=("full", "banded12", "halo1d", "shaw", "skew", "routing"),
)
