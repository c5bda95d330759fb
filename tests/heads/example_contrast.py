import torch
from heads.examples import Example
from torch import Tensor

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.attention.presets import preset
from deepconsensus_py.heads.contrast import ContrastHead
from deepconsensus_py.heads.head import Head
from deepconsensus_py.lab.systems.coca.scenes import WORDS, scenes


def build(config: TrunkConfig) -> Head:
    return ContrastHead(Trunk(config), words=len(WORDS), queries=3)


def batch(seed: int) -> dict[str, Tensor]:
    drawn = scenes(3, seed=seed)
    return {"image": torch.from_numpy(drawn.image), "caption": torch.from_numpy(drawn.caption)}


EXAMPLE = Example(
    name="contrast",
    trunk=TrunkConfig(2, 16, 2, 32, preset("full"), norm="layer", position="none"),
    build=build,
    batch=batch,
    presets=("full", "bot", "halo", "sasa"),
)
