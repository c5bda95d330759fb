"""The modules that configurations describe; each layer gets its own."""

from deepconsensus_py.attention.config import BiasConfig, PerHeadConfig, RoutingConfig, SomePattern
from deepconsensus_py.attention.position import Bias, EdgeType
from deepconsensus_py.attention.relative import Rel2D, Shaw, Skew
from deepconsensus_py.attention.routing import AnyPattern, PerHead, Routing


def make_pattern(pattern: SomePattern, *, heads: int, d: int) -> AnyPattern:
    """The pattern of a layer.

    Args:
        pattern: what it is to be.
        heads: of the layer.
        d: width of a head.
    """
    if isinstance(pattern, RoutingConfig):
        return Routing(pattern.clusters, pattern.size, heads=heads, d=d, decay=pattern.decay)
    if isinstance(pattern, PerHeadConfig):
        each = heads // len(pattern.parts)
        return PerHead(*(make_pattern(part, heads=each, d=d) for part in pattern.parts))  # type: ignore[arg-type]
    return pattern


def make_bias(bias: BiasConfig, *, heads: int, d: int) -> Bias:
    """The bias of a layer; arguments as those of ``make_pattern``."""
    if bias.kind == "edge_type":
        return EdgeType(bias.types, heads=heads)
    if bias.kind == "shaw":
        return Shaw(d, *bias.reach, value=bias.value)
    if bias.kind == "skew":
        return Skew(d, *bias.reach, one_sided=bias.one_sided)
    return Rel2D(d, (bias.reach[0], bias.reach[-1]))
