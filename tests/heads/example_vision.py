"""A tiny head of images: patches of what an attention-augmented residual network makes of them."""

import torch
from heads.examples import Example
from torch import Tensor, nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.attention.spatial import AAConv
from deepconsensus_py.heads.head import Head
from deepconsensus_py.heads.vision import BottleneckStage, Residual, Vision


def augmented(width: int) -> nn.Module:
    return AAConv(width, width, d_k=4, d_v=4, reach=3, heads=2)


def build(config: TrunkConfig) -> Head:
    features = Residual(nn.Conv2d(2, 8, 3, padding=1), 8, [BottleneckStage(8, 1, augmented)])
    shape = (2, 6, 8)
    return Vision(Trunk(config), classes=3, shape=shape, patch=2, features=features, cls=False)


def batch(seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        "image": torch.randn(4, 2, 6, 8, generator=generator),
        "label": torch.randint(3, (4,), generator=generator),
    }


EXAMPLE = Example(
    name="vision",
    trunk=TrunkConfig(2, 16, 2, 24, preset("full"), norm="layer", position="none"),
    build=build,
    batch=batch,
    presets=("full", "sasa", "bot", "halo", "image2d", "axial"),
)
