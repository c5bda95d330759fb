"""A tiny corrector of columns, and windows for it."""

import torch
from heads.examples import Example
from torch import Tensor

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.heads.correct import Correct
from deepconsensus_py.heads.head import Head
from deepconsensus_py.models.column_network import ColumnConfig, ColumnTokens

EMBEDDINGS = {"bases": 4, "pulse_widths": 2, "inter_pulse_durations": 2, "strands": 2, "draft_quality": 2, "snr": 2}
PASSES, COLUMNS = 3, 10


def config(trunk: TrunkConfig) -> ColumnConfig:
    return ColumnConfig(PASSES, COLUMNS, EMBEDDINGS, trunk, use_draft_qualities=True)


def build(trunk: TrunkConfig) -> Head:
    return Correct(Trunk(trunk), ColumnTokens(config(trunk)))


def batch(seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)

    def drawn(high: int, *shape: int) -> Tensor:
        return torch.randint(high, (2, *shape), generator=generator, dtype=torch.uint8)

    strands = 1 + drawn(2, PASSES)
    strands[0, -1] = 0
    there = (strands > 0).unsqueeze(-1)
    return {
        "bases": drawn(5, PASSES, COLUMNS) * there,
        "pulse_widths": drawn(256, PASSES, COLUMNS) * there,
        "inter_pulse_durations": drawn(256, PASSES, COLUMNS) * there,
        "strands": strands,
        "draft": drawn(5, COLUMNS),
        "draft_quality": (drawn(60, COLUMNS).to(torch.int8) - 1),
        "snr": 12 * torch.rand(2, 4, generator=generator),
        "labels": drawn(5, COLUMNS),
    }


EXAMPLE = Example(
    name="correct",
    trunk=TrunkConfig(2, 16, 2, 24, preset("banded12"), norm="layer"),
    build=build,
    batch=batch,
    presets=("full", "causal", "banded12", "image1d", "halo1d", "shaw", "skew", "music", "routing"),
)
