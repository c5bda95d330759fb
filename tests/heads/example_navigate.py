"""A tiny navigating head."""

import torch
from heads.examples import Example
from torch import Tensor

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.heads.head import Head
from deepconsensus_py.heads.navigate import NavigateHead


def build(config: TrunkConfig) -> Head:
    return NavigateHead(Trunk(config), words=9, kinds=(4, 5))


def batch(seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)

    def names(*shape: int) -> Tensor:
        return torch.stack([torch.randint(size, shape, generator=generator) for size in (4, 5)], -1)

    opened = torch.rand(2, 6, 3, generator=generator) < 0.7
    opened[:, :, 0] = True
    choice = torch.zeros(2, 6, dtype=torch.int64)
    choice[1, 4:] = -100
    words = torch.randint(1, 9, (2, 11), generator=generator)
    words[1, 8:] = 0
    return {
        "words": words,
        "room": names(2, 6),
        "goal": torch.randn(2, 6, 2, generator=generator),
        "door": names(2, 6, 3),
        "way": torch.randn(2, 6, 3, 2, generator=generator),
        "open": opened,
        "choice": choice,
    }


EXAMPLE = Example(
    name="navigate",
    trunk=TrunkConfig(2, 16, 2, 24, preset("full"), norm="layer"),
    build=build,
    batch=batch,
    presets=("full", "banded12", "halo1d", "shaw", "skew", "routing"),
)
