"""Configurations of trunks, as frozen dataclasses of plain values."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from deepconsensus_py.attention.patterns import Pattern, pattern_from_dict, pattern_to_dict

NORMS = ("rezero", "layer")
POSITIONS = ("sinusoid", "rotary", "none")
BIASES = ("shaw", "skew", "rel2d", "edge_type", "alibi")


@dataclass(frozen=True, slots=True)
class RoutingConfig:
    """Clusters of queries and keys, as ``routing.Routing``, whose centroids each layer learns for itself."""

    clusters: int
    size: int
    decay: float = 0.999


@dataclass(frozen=True, slots=True)
class PerHeadConfig:
    """A pattern for each of several groups of heads, as ``routing.PerHead``."""

    parts: tuple["SomePattern", ...]

    def __post_init__(self) -> None:
        if not self.parts:
            raise ValueError("a pattern for each of several groups of heads needs at least one")


SomePattern = Pattern | RoutingConfig | PerHeadConfig


@dataclass(frozen=True, slots=True)
class BiasConfig:
    """A learned bias of the scores.

    Attributes:
        kind: one of ``BIASES``: the classes of ``relative`` and ``position``; ``alibi`` has no other fields.
        reach: largest offset of each axis; larger ones use the last vector.
        value: Shaw's value term.
        one_sided: for ``skew``, no vectors of later keys.
        types: number of types, for ``edge_type``.
    """

    kind: str
    reach: tuple[int, ...] = ()
    value: bool = False
    one_sided: bool = False
    types: int = 0

    def __post_init__(self) -> None:
        if self.kind not in BIASES:
            raise ValueError(f"unknown attention bias {self.kind!r}; known are {', '.join(BIASES)}")
        axes = {"rel2d": 2, "edge_type": 0, "alibi": 0}.get(self.kind, 1)
        if len(self.reach) != axes or (self.kind == "edge_type") != (self.types > 0):
            raise ValueError(f"{self}: one reach for shaw and skew, two for rel2d, and types for edge_type alone")


@dataclass(frozen=True, slots=True)
class AttentionConfig:
    """Attention of one layer.

    Attributes:
        pattern: allowed pairs.
        backend: implementation; ``auto`` chooses by device and length.
        dropout: probability that a weight is dropped in training.
        bias: added to the scores.
    """

    pattern: SomePattern
    backend: str = "auto"
    dropout: float = 0.0
    bias: BiasConfig | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; ``bias`` only if there is one, for compatibility with older files."""
        values = {"pattern": _pattern_to_dict(self.pattern), "backend": self.backend, "dropout": self.dropout}
        return values if self.bias is None else {**values, "bias": asdict(self.bias)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "AttentionConfig":
        """The record of ``to_dict``; an unknown field is an error."""
        bias = values.get("bias")
        made = None if bias is None else BiasConfig(**{**bias, "reach": tuple(bias["reach"])})
        return cls(**{**values, "pattern": _pattern_from_dict(values["pattern"]), "bias": made})


def _pattern_to_dict(pattern: SomePattern) -> dict[str, Any]:
    if isinstance(pattern, RoutingConfig):
        return {"kind": "routing", **asdict(pattern)}
    if isinstance(pattern, PerHeadConfig):
        return {"kind": "per_head", "parts": [_pattern_to_dict(part) for part in pattern.parts]}
    return pattern_to_dict(pattern)


def _pattern_from_dict(values: Mapping[str, Any]) -> SomePattern:
    if values.get("kind") == "per_head":
        return PerHeadConfig(tuple(_pattern_from_dict(part) for part in values["parts"]))
    if values.get("kind") == "routing":
        return RoutingConfig(**{key: value for key, value in values.items() if key != "kind"})
    return pattern_from_dict(values)


@dataclass(frozen=True, slots=True)
class TrunkConfig:
    """A stack of attention and feed-forward layers.

    Attributes:
        layers: blocks, each of one attention and one feed-forward sublayer.
        d: width of the tokens.
        heads: attention heads; they split ``d``.
        ff: inner width of the feed-forward sublayers.
        attention: one entry for all layers, or several in alternation.
        norm: ``rezero`` (x + alpha f(x)) or ``layer`` (x + f(layer norm of x)).
        position: ``sinusoid`` added to the tokens, ``rotary`` turns of the queries and keys of each layer, or ``none``.
        shared: one block per entry of ``attention``, reused, instead of one per layer.
        cross: each block also attends to a memory, between its two sublayers: a decoder.
        kv_heads: heads of keys and values, which the heads of queries share (grouped queries); 0 for as many as those.
    """

    layers: int
    d: int
    heads: int
    ff: int
    attention: tuple[AttentionConfig, ...]
    norm: str = "rezero"
    position: str = "sinusoid"
    shared: bool = False
    cross: bool = False
    kv_heads: int = 0

    def __post_init__(self) -> None:
        if min(self.layers, self.d, self.heads, self.ff) < 1 or self.d % self.heads:
            raise ValueError("layers, d, heads and ff must be 1 or more, and heads must divide d")
        if self.kv_heads < 0 or (self.kv_heads and self.heads % self.kv_heads):
            raise ValueError(f"{self.heads} heads of queries cannot share {self.kv_heads} heads of keys and values")
        if self.norm not in NORMS:
            raise ValueError(f"unknown norm {self.norm!r}; known are {', '.join(NORMS)}")
        if self.position not in POSITIONS:
            raise ValueError(f"unknown position {self.position!r}; known are {', '.join(POSITIONS)}")
        if not self.attention:
            raise ValueError("a trunk needs at least one attention entry")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; what older files do not have only if it is set."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "attention"}
        values = {name: value for name, value in values.items() if name not in {"shared", "cross", "kv_heads"} or value}
        return {**values, "attention": [entry.to_dict() for entry in self.attention]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrunkConfig":
        """The record of ``to_dict``; an unknown field is an error."""
        entries = tuple(AttentionConfig.from_dict(entry) for entry in values["attention"])
        return cls(**{**values, "attention": entries})
