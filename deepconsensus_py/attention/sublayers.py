"""Parts of blocks besides attention: the feed-forward sublayer, and two kinds of residual connection."""

from typing import Any

import torch
from torch import Tensor, nn

EPSILON = 1e-6  # of all layer norms, as in the TensorFlow models whose weights are read


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

    def forward(self, x: Tensor, *args: Any, **first: int) -> Tensor:
        """The sublayer's output, ``[B, n, d]``, or with ``first`` of so many tokens only."""
        return torch.addcmul(x[:, : first.get("first")], self.layer(x, *args, **first), self.alpha)


class PreNorm(nn.Module):
    """``x + f(layer norm of x)``."""

    def __init__(self, layer: nn.Module, *, d: int) -> None:
        super().__init__()
        self.layer = layer
        self.norm = nn.LayerNorm(d, eps=EPSILON)

    def forward(self, x: Tensor, *args: Any, **first: int) -> Tensor:
        """The sublayer's output, ``[B, n, d]``, or with ``first`` of so many tokens only."""
        change: Tensor = self.layer(self.norm(x), *args, **first)
        return x[:, : first.get("first")] + change
