"""What a trunk is made of, as frozen records of plain values, and the named attention presets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deepconsensus_py.attention.patterns import BlockLocal, Full, Pattern, pattern_from_dict, pattern_to_dict

NORMS = ("rezero", "layer")
POSITIONS = ("sinusoid", "none")


@dataclass(frozen=True, slots=True)
class AttentionConfig:
    """How the tokens of one layer attend.

    Attributes:
        pattern: which pairs meet.
        backend: how it is computed; ``auto`` chooses by device and length.
        dropout: probability that a weight is dropped in training.
    """

    pattern: Pattern
    backend: str = "auto"
    dropout: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"pattern": pattern_to_dict(self.pattern), "backend": self.backend, "dropout": self.dropout}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "AttentionConfig":
        """The record of ``to_dict``; an unknown field is an error."""
        return cls(**{**values, "pattern": pattern_from_dict(values["pattern"])})


@dataclass(frozen=True, slots=True)
class TrunkConfig:
    """A stack of attention and feed-forward layers.

    Attributes:
        layers: blocks, each of one attention and one feed-forward sublayer.
        d: width of the tokens.
        heads: attention heads; they share ``d``.
        ff: inner width of the feed-forward sublayers.
        attention: one entry for all layers, or several taken in turn.
        norm: ``rezero`` (x + alpha f(x)) or ``layer`` (x + f(layer norm of x)).
        position: ``sinusoid`` added to the tokens, or ``none``.
    """

    layers: int
    d: int
    heads: int
    ff: int
    attention: tuple[AttentionConfig, ...]
    norm: str = "rezero"
    position: str = "sinusoid"

    def __post_init__(self) -> None:
        if min(self.layers, self.d, self.heads, self.ff) < 1 or self.d % self.heads:
            raise ValueError("layers, d, heads and ff must be 1 or more, and heads must divide d")
        if self.norm not in NORMS:
            raise ValueError(f"unknown norm {self.norm!r}; known are {', '.join(NORMS)}")
        if self.position not in POSITIONS:
            raise ValueError(f"unknown position {self.position!r}; known are {', '.join(POSITIONS)}")
        if not self.attention:
            raise ValueError("a trunk needs at least one attention entry")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        fields = {name: getattr(self, name) for name in ("layers", "d", "heads", "ff", "norm", "position")}
        return {**fields, "attention": [attention.to_dict() for attention in self.attention]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrunkConfig":
        """The record of ``to_dict``; an unknown field is an error."""
        return cls(**{**values, "attention": tuple(map(AttentionConfig.from_dict, values["attention"]))})


PRESETS: dict[str, tuple[AttentionConfig, ...]] = {
    "full": (AttentionConfig(Full()),),
    "banded12": (AttentionConfig(BlockLocal(20, 12, exact=12)),),
}


def preset(name: str) -> tuple[AttentionConfig, ...]:
    """A named choice of attention, ready for ``TrunkConfig.attention``."""
    if name not in PRESETS:
        raise ValueError(f"unknown attention preset {name!r}; known are {', '.join(PRESETS)}")
    return PRESETS[name]
