"""A tiny masked model of columns."""

import torch
from heads import example_correct
from heads.examples import Example
from torch import Tensor

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.heads.head import Head
from deepconsensus_py.heads.pretrain import HIDDEN, UNDRAFTED, Masked
from deepconsensus_py.models.column_network import ColumnTokens


def build(trunk: TrunkConfig) -> Head:
    return Masked(Trunk(trunk), ColumnTokens(example_correct.config(trunk)))


def batch(seed: int) -> dict[str, Tensor]:
    windows = example_correct.batch(seed)
    masked = torch.zeros(windows["labels"].shape, dtype=torch.uint8)
    masked[:, [2, 3]] = HIDDEN
    masked[:, 8] = UNDRAFTED
    return {**{name: values for name, values in windows.items() if name != "labels"}, "masked": masked}


EXAMPLE = Example(
    name="pretrain",
    trunk=TrunkConfig(2, 16, 2, 24, preset("banded12"), norm="layer"),
    build=build,
    batch=batch,
    presets=("full", "causal", "banded12", "image1d", "halo1d", "shaw", "skew", "music", "routing"),
)
