"""Configurations are plain values, and refuse what does not exist."""

import json
from dataclasses import replace

import pytest

from deepconsensus_py.attention.build import PRESETS, preset
from deepconsensus_py.attention.config import AttentionConfig, TrunkConfig
from deepconsensus_py.attention.patterns import BlockLocal, Full

CONFIG = TrunkConfig(
    layers=3,
    d=16,
    heads=2,
    ff=32,
    attention=(AttentionConfig(BlockLocal((4, 2), (1, 0), 2, causal=True), "dense", 0.1), AttentionConfig(Full())),
    norm="layer",
    position="none",
)


def test_json_and_back() -> None:
    assert TrunkConfig.from_dict(json.loads(json.dumps(CONFIG.to_dict()))) == CONFIG


@pytest.mark.parametrize("name", PRESETS)
def test_presets_build_and_return(name: str) -> None:
    config = replace(CONFIG, attention=preset(name))
    assert TrunkConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"norm": "batch"}, "unknown norm 'batch'"),
        ({"position": "odd"}, "unknown position"),
        ({"attention": ()}, "one"),
        ({"heads": 3}, "heads must divide d"),
        ({"heads": 0}, "1 or more"),
        ({"layers": 0}, "1 or more"),
    ],
)
def test_what_does_not_exist_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **change)  # type: ignore[arg-type]


def test_unknown_fields_and_presets_are_refused() -> None:
    with pytest.raises(TypeError, match="depth"):
        TrunkConfig.from_dict({**CONFIG.to_dict(), "depth": 2})
    with pytest.raises(ValueError, match="'best'; known are full, causal, banded12"):
        preset("best")
