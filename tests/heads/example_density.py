import torch
from heads.examples import Example
from torch import Tensor

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.attention.patterns import BlockLocal
from deepconsensus_py.heads.density import DensityHead
from deepconsensus_py.heads.head import Head

LEVELS, SHAPE = 5, (5, 6, 3)


def build(config: TrunkConfig) -> Head:
    pattern = config.attention[0].pattern
    plane = isinstance(pattern, BlockLocal) and len(pattern.blocks) == 2
    return DensityHead(Trunk(config), levels=LEVELS, shape=SHAPE, plane=plane)


def batch(seed: int) -> dict[str, Tensor]:
    return {"levels": torch.randint(LEVELS, (2, *SHAPE), generator=torch.Generator().manual_seed(seed))}


EXAMPLE = Example(
    name="density",
    trunk=TrunkConfig(2, 16, 2, 32, preset("image1d"), norm="layer", position="none"),
    build=build,
    batch=batch,
    presets=("causal", "image1d", "image2d", "music"),
)
