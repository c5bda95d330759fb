"""Projections into heads, attention in each, and the projection back."""

import torch
from torch import Tensor, nn

from deepconsensus_py.attention import core
from deepconsensus_py.attention.build import make_bias, make_pattern
from deepconsensus_py.attention.config import AttentionConfig
from deepconsensus_py.attention.tokens import KeysValues, LayerCache, Tokens


class MultiHead(nn.Module):
    """Multi-head attention with separate query, key, value and output projections.

    Four projections instead of one packed matrix, so that each can be split by heads.

    Args:
        d: width of the tokens, divisible by ``heads``.
        heads: number of heads.
        attention: pattern, bias, backend and dropout.
        bias: whether the projections have biases.
    """

    def __init__(self, *, d: int, heads: int, attention: AttentionConfig, bias: bool = False) -> None:
        super().__init__()
        if d % heads:
            raise ValueError(f"a width of {d} cannot be shared by {heads} heads")
        self.heads = heads
        self.attention = attention
        self.pattern = make_pattern(attention.pattern, heads=heads, d=d // heads)
        self.bias = None if attention.bias is None else make_bias(attention.bias, heads=heads, d=d // heads)
        self.query, self.key, self.value, self.out = (nn.Linear(d, d, bias=bias) for _ in range(4))
        for projection in (self.query, self.key, self.value, self.out):
            nn.init.xavier_uniform_(projection.weight)

    def forward(
        self,
        x: Tensor,
        tokens: Tokens | None = None,
        memory: Tokens | None = None,
        cache: LayerCache | None = None,
        places: Tensor | None = None,
        *,
        first: int | None = None,
    ) -> Tensor:
        """Attend among the tokens, or from them to a memory.

        Args:
            x: ``[B, n, d]``.
            tokens: their coordinates, mask and edges (``x`` is ignored); None counts them, all real.
            memory: other tokens to attend to; None for self-attention.
            cache: keeps keys and values between calls; ``x`` has only the new tokens.
            places: with a cache, the coordinates of all tokens so far.
            first: number of leading tokens that are queries; default all.

        Returns:
            ``[B, n, d]``, of the queries.
        """
        where = Tokens(x) if tokens is None else tokens
        keyed = where if memory is None else memory
        k, v = self._keys_values(x if memory is None else memory.x, cache, new=memory is None)
        heads = core.attend(
            self.split(self.query(x[:, :first])),
            k,
            v,
            pattern=self.pattern,
            bias=self.bias,
            coords_q=None if where.coords is None else where.coords[..., :first, :],
            coords_k=keyed.coords if places is None or memory is not None else places,
            mask=keyed.mask,
            edges=_asked(where.edges, first),
            backend=self.attention.backend,
            dropout=self.attention.dropout if self.training else 0.0,
        )
        mixed: Tensor = self.out(heads.transpose(1, 2).flatten(2))
        return mixed

    def _keys_values(self, x: Tensor, cache: LayerCache | None, *, new: bool) -> KeysValues:
        if cache is not None and not new and cache.memory is not None:
            return cache.memory
        k, v = self.split(self.key(x)), self.split(self.value(x))
        if cache is None:
            return k, v
        if new:
            return cache.extended(k, v)
        cache.memory = k, v
        return k, v

    def split(self, x: Tensor) -> Tensor:
        """``[B, n, d]`` to ``[B, h, n, d / h]``."""
        return torch.unflatten(x, -1, (self.heads, -1)).transpose(1, 2)


def _asked(edges: Tensor | None, first: int | None) -> Tensor | None:
    """The edges of the query tokens; others become padding."""
    return edges if edges is None or first is None else edges.where(edges[..., :1] < first, -1)
