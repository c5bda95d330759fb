import torch
from heads.examples import Example
from torch import Tensor

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.heads.contrast import ContrastHead
from deepconsensus_py.heads.head import Head

WORDS = 13
"""The first starts a text, the second ends it."""


def build(config: TrunkConfig) -> Head:
    return ContrastHead(Trunk(config), words=WORDS, queries=3)


def batch(seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    caption = torch.randint(2, WORDS, (3, 8), generator=generator)
    caption[:, 0], caption[:, -1] = 0, 1
    return {"image": torch.rand(3, 3, 16, 16, generator=generator), "caption": caption}


EXAMPLE = Example(
    name="contrast",
    trunk=TrunkConfig(2, 16, 2, 32, preset("full"), norm="layer", position="none"),
    build=build,
    batch=batch,
    presets=("full", "bot", "halo", "sasa"),
)
