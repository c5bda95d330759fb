"""Column configurations: plain values, and the numbers that follow from them."""

import json
from dataclasses import replace

import pytest

from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.errors import ModelError
from deepconsensus_py.models.column_network import ColumnConfig


def test_json_and_back(config: ColumnConfig) -> None:
    assert ColumnConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize("change", [{"depth": 3}, {"trunk": {}}, {"trunk": None}, {"max_passes": None, "widht": 1}])
def test_damaged_configurations_are_refused(config: ColumnConfig, change: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="not the configuration of a column network"):
        ColumnConfig.from_dict({**config.to_dict(), **change})


def test_embedded_channels_are_counted_with_their_copies(config: ColumnConfig) -> None:
    assert config.embedded == 3 * (4 + 3 + 5 + 2) + 4 + 6 + 4 * 1
    assert replace(config, use_draft_qualities=False).embedded == config.embedded - 6


def test_draft_qualities_are_an_input_only_where_used(config: ColumnConfig) -> None:
    assert "draft_quality" in config.inputs
    assert "draft_quality" in config.tables
    without = replace(config, use_draft_qualities=False)
    assert "draft_quality" not in without.inputs
    assert "draft_quality" not in without.tables


@pytest.mark.parametrize(
    ("layers", "qualities", "flops"), [(6, False, 1_851_416_000), (6, True, 1_851_864_000), (5, False, 1_548_120_000)]
)
def test_flops_are_the_published_ones(layers: int, qualities: bool, flops: int) -> None:
    tables = ("bases", "pulse_widths", "inter_pulse_durations", "draft_quality", "snr")
    config = ColumnConfig(
        max_passes=20,
        width=100,
        embeddings={**dict.fromkeys(tables, 8), "strands": 2},
        trunk=TrunkConfig(layers=layers, d=280, heads=2, ff=2048, attention=preset("banded12")),
        use_draft_qualities=qualities,
    )
    assert config.flops() == flops
