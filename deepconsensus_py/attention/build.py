"""Build patterns and biases from configurations, and presets by name."""

from deepconsensus_py.attention.config import AttentionConfig, BiasConfig, PerHeadConfig, RoutingConfig, SomePattern
from deepconsensus_py.attention.patterns import BlockLocal, Edges, Full
from deepconsensus_py.attention.position import Alibi, Bias, EdgeType
from deepconsensus_py.attention.relative import Rel2D, Shaw, Skew
from deepconsensus_py.attention.routing import AnyPattern, PerHead, Routing


def make_pattern(pattern: SomePattern, *, heads: int, d: int) -> AnyPattern:
    """The pattern of a layer.

    Args:
        pattern: its configuration.
        heads: of the layer.
        d: width of a head.
    """
    if isinstance(pattern, RoutingConfig):
        return Routing(pattern.clusters, pattern.size, heads=heads, d=d, decay=pattern.decay)
    if isinstance(pattern, PerHeadConfig):
        if heads % len(pattern.parts):
            raise ValueError(f"{heads} heads cannot be shared by {len(pattern.parts)} patterns")
        each = heads // len(pattern.parts)
        return PerHead(*(make_pattern(part, heads=each, d=d) for part in pattern.parts))  # type: ignore[arg-type]
    return pattern


def make_bias(bias: BiasConfig, *, heads: int, d: int) -> Bias:
    """The bias of a layer; arguments as those of ``make_pattern``."""
    if bias.kind == "edge_type":
        return EdgeType(bias.types, heads=heads)
    if bias.kind == "alibi":
        return Alibi(heads)
    if bias.kind == "shaw":
        return Shaw(d, *bias.reach, value=bias.value)
    if bias.kind == "skew":
        return Skew(d, *bias.reach, one_sided=bias.one_sided)
    return Rel2D(d, (bias.reach[0], bias.reach[-1]))


WINDOW = (32, 128)
"""Largest number of passes and columns for ``axial``."""

PRESETS: dict[str, tuple[AttentionConfig, ...]] = {
    "full": (AttentionConfig(Full()),),
    "causal": (AttentionConfig(Full(causal=True)),),
    "banded12": (AttentionConfig(BlockLocal(20, 12, exact=12)),),
    "image1d": (AttentionConfig(BlockLocal(12, (12, 0), causal=True)),),
    "image2d": (AttentionConfig(BlockLocal((4, 4), 2, causal=True)),),
    "halo": (AttentionConfig(BlockLocal((8, 8), 3), bias=BiasConfig("rel2d", (10, 10))),),
    "halo1d": (AttentionConfig(BlockLocal(20, 12), bias=BiasConfig("shaw", (31,))),),
    "sasa": (AttentionConfig(BlockLocal((1, 1), 3), bias=BiasConfig("rel2d", (3, 3))),),
    "bot": (AttentionConfig(Full(), bias=BiasConfig("rel2d", (31, 31))),),
    # Cells are (pass, column): along a pass with a bias, then down a column without, as passes have no order.
    "axial": (
        AttentionConfig(BlockLocal((1, WINDOW[1])), bias=BiasConfig("shaw", (16,))),
        AttentionConfig(BlockLocal((WINDOW[0], 1))),
    ),
    "shaw": (AttentionConfig(Full(), bias=BiasConfig("shaw", (16,))),),
    "skew": (AttentionConfig(Full(), bias=BiasConfig("skew", (99,))),),
    "music": (AttentionConfig(Full(causal=True), bias=BiasConfig("skew", (255,), one_sided=True)),),
    "routing": (AttentionConfig(PerHeadConfig((BlockLocal(20, 12), RoutingConfig(10, 10)))),),
    "edges": (AttentionConfig(Edges(), bias=BiasConfig("edge_type", types=8)),),
}


def preset(name: str) -> tuple[AttentionConfig, ...]:
    """A named attention preset for ``TrunkConfig.attention``."""
    if name not in PRESETS:
        raise ValueError(f"unknown attention preset {name!r}; known are {', '.join(PRESETS)}")
    return PRESETS[name]
