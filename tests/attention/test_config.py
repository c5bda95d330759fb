"""Configurations are plain values, and refuse what does not exist."""

import json
from dataclasses import replace

import pytest

from deepconsensus_py.attention.build import PRESETS, preset
from deepconsensus_py.attention.config import AttentionConfig, BiasConfig, TrunkConfig
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
        ({"kv_heads": 3}, "cannot share 3 heads of keys"),
        ({"kv_heads": -1}, "cannot share -1 heads of keys"),
    ],
)
def test_what_does_not_exist_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **change)  # type: ignore[arg-type]


def test_newer_fields_are_written_where_they_are_set() -> None:
    newer = replace(
        CONFIG, kv_heads=1, position="rotary", attention=(AttentionConfig(Full(), bias=BiasConfig("alibi")),)
    )
    assert TrunkConfig.from_dict(json.loads(json.dumps(newer.to_dict()))) == newer
    assert "kv_heads" in newer.to_dict()
    assert "kv_heads" not in CONFIG.to_dict()


def test_unknown_fields_and_presets_are_refused() -> None:
    with pytest.raises(TypeError, match="depth"):
        TrunkConfig.from_dict({**CONFIG.to_dict(), "depth": 2})
    with pytest.raises(ValueError, match="'best'; known are full, causal, banded12"):
        preset("best")
