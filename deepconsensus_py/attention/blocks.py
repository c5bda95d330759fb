"""Blocks of attention and feed-forward sublayers, and the trunk built of them."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from deepconsensus_py.attention.config import AttentionConfig, TrunkConfig
from deepconsensus_py.attention.multihead import MultiHead
from deepconsensus_py.attention.position import sinusoid

EPSILON = 1e-6  # of all layer norms, as in the TensorFlow models whose weights are read


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """What a trunk takes.

    Attributes:
        x: ``[B, n, d]``.
        coords: ``int64[n, dims]`` or ``int64[B, n, dims]``, all geometry there is; None counts the tokens.
        mask: ``bool[B, n]``, True at real tokens; None where all are real.
    """

    x: Tensor
    coords: Tensor | None = None
    mask: Tensor | None = None


class FeedForward(nn.Module):
    """Linear, ReLU, linear at every token alike, from width ``d`` through ``ff``."""

    def __init__(self, *, d: int, ff: int) -> None:
        super().__init__()
        self.widen, self.narrow = nn.Linear(d, ff), nn.Linear(ff, d)
        for layer in (self.widen, self.narrow):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, n, d]`` to the same."""
        narrowed: Tensor = self.narrow(self.widen(x).relu_())
        return narrowed


class ReZero(nn.Module):
    """``x + alpha f(x)``, alpha starting at 0 (Bachlechner et al. 2020)."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer
        self.alpha = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, *args: Any) -> Tensor:
        """The sublayer's output, ``[B, n, d]``."""
        return torch.addcmul(x, self.layer(x, *args), self.alpha)


class PreNorm(nn.Module):
    """``x + f(layer norm of x)``."""

    def __init__(self, layer: nn.Module, *, d: int) -> None:
        super().__init__()
        self.layer = layer
        self.norm = nn.LayerNorm(d, eps=EPSILON)

    def forward(self, x: Tensor, *args: Any) -> Tensor:
        """The sublayer's output, ``[B, n, d]``."""
        change: Tensor = self.layer(self.norm(x), *args)
        return x + change


class Block(nn.Module):
    """Attention, then feed-forward, each added to its input.

    Args:
        config: widths and norm.
        attention: how the tokens of this block attend.
    """

    def __init__(self, config: TrunkConfig, attention: AttentionConfig) -> None:
        super().__init__()
        self.attention = _residual(MultiHead(d=config.d, heads=config.heads, attention=attention), config)
        self.feed_forward = _residual(FeedForward(d=config.d, ff=config.ff), config)

    def forward(self, x: Tensor, coords: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """``[B, n, d]`` to the same."""
        mixed: Tensor = self.feed_forward(self.attention(x, coords, mask))
        return mixed


def _residual(layer: nn.Module, config: TrunkConfig) -> nn.Module:
    return ReZero(layer) if config.norm == "rezero" else PreNorm(layer, d=config.d)


class Encoder(nn.Module):
    """Blocks one upon the other and a last layer norm."""

    def __init__(self, config: TrunkConfig) -> None:
        super().__init__()
        turns = len(config.attention)
        self.blocks = nn.ModuleList(Block(config, config.attention[i % turns]) for i in range(config.layers))
        self.norm = nn.LayerNorm(config.d, eps=EPSILON)

    def forward(self, x: Tensor, coords: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """``[B, n, d]`` to the same."""
        for block in self.blocks:
            x = block(x, coords, mask)
        normed: Tensor = self.norm(x)
        return normed


class Trunk(nn.Module):
    """Positions and an encoder; it owns neither embeddings nor output layers, so its weights move between heads."""

    def __init__(self, config: TrunkConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)

    def forward(self, tokens: Tokens) -> Tensor:
        """``[B, n, d]`` of the tokens in the light of one another."""
        x, coords = tokens.x, tokens.coords
        if self.config.position == "sinusoid":
            places = torch.arange(x.shape[1], device=x.device) if coords is None else coords[..., 0]
            x = x + sinusoid(places, self.config.d).to(x.dtype)
        encoded: Tensor = self.encoder(x, coords, tokens.mask)
        return encoded
