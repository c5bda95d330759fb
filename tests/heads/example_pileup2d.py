"""A tiny corrector of cells."""

from heads.example_correct import batch, config
from heads.examples import Example

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.heads.head import Head
from deepconsensus_py.heads.pileup2d import Pileup2D


def build(trunk: TrunkConfig) -> Head:
    return Pileup2D(Trunk(trunk), config(trunk))


EXAMPLE = Example(
    name="pileup2d",
    trunk=TrunkConfig(2, 16, 2, 24, preset("axial"), norm="layer", position="none"),
    build=build,
    batch=batch,
    presets=("axial", "full", "shaw", "skew"),
)
