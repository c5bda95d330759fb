"""Projections into heads, attention in each, and the projection back."""

import torch
from torch import Tensor, nn

from deepconsensus_py.attention import core
from deepconsensus_py.attention.config import AttentionConfig


class MultiHead(nn.Module):
    """Multi-head self-attention with separate query, key, value and output projections.

    Four projections, not one packed matrix: each can be cut by heads without cutting across the others.

    Args:
        d: width of the tokens, divisible by ``heads``.
        heads: number of heads.
        attention: pattern, backend and dropout.
        bias: whether the projections have biases.
    """

    def __init__(self, *, d: int, heads: int, attention: AttentionConfig, bias: bool = False) -> None:
        super().__init__()
        if d % heads:
            raise ValueError(f"a width of {d} cannot be shared by {heads} heads")
        self.heads = heads
        self.attention = attention
        self.query, self.key, self.value, self.out = (nn.Linear(d, d, bias=bias) for _ in range(4))
        for projection in (self.query, self.key, self.value, self.out):
            nn.init.xavier_uniform_(projection.weight)

    def forward(self, x: Tensor, coords: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Attend among the tokens.

        Args:
            x: ``[B, n, d]``.
            coords: ``int64[n, dims]`` or ``int64[B, n, dims]``; None counts the tokens.
            mask: ``bool[B, n]``, True at real tokens.

        Returns:
            ``[B, n, d]``.
        """
        heads = core.attend(
            self._split(self.query(x)),
            self._split(self.key(x)),
            self._split(self.value(x)),
            pattern=self.attention.pattern,
            coords_q=coords,
            coords_k=coords,
            mask=mask,
            backend=self.attention.backend,
            dropout=self.attention.dropout if self.training else 0.0,
        )
        mixed: Tensor = self.out(heads.transpose(1, 2).flatten(2))
        return mixed

    def _split(self, x: Tensor) -> Tensor:
        """``[B, n, d]`` to ``[B, h, n, d / h]``."""
        return torch.unflatten(x, -1, (self.heads, -1)).transpose(1, 2)
