"""Projections into heads, attention in each, and the projection back."""

import torch
from torch import Tensor, nn

from deepconsensus_py.attention import core
from deepconsensus_py.attention.build import make_bias, make_pattern
from deepconsensus_py.attention.config import AttentionConfig
from deepconsensus_py.attention.rotary import Rotary
from deepconsensus_py.attention.tokens import KeysValues, LayerCache, Seen, Tokens


class MultiHead(nn.Module):
    """Multi-head attention with separate query, key, value and output projections.

    Four projections instead of one packed matrix, so that each can be split by heads.

    Args:
        d: width of the tokens, divisible by ``heads``.
        heads: number of heads.
        attention: pattern, bias, backend and dropout.
        bias: whether the projections have biases.
        kv_heads: heads of keys and values, which as many heads of queries share each (Ainslie et al. 2023); 0 for
            as many as there are heads of queries.
        rotary: turn queries and keys by their coordinates, as ``rotary.Rotary``.
    """

    def __init__(
        self,
        *,
        d: int,
        heads: int,
        attention: AttentionConfig,
        bias: bool = False,
        kv_heads: int = 0,
        rotary: bool = False,
    ) -> None:
        super().__init__()
        if d % heads:
            raise ValueError(f"a width of {d} cannot be shared by {heads} heads")
        if kv_heads and heads % kv_heads:
            raise ValueError(f"{heads} heads of queries cannot share {kv_heads} heads of keys and values")
        self.heads, self.kv_heads, self.width = heads, kv_heads or heads, d // heads
        self.rotary = Rotary(d // heads) if rotary else None
        self.attention = attention
        self.pattern = make_pattern(attention.pattern, heads=heads, d=d // heads)
        self.bias = None if attention.bias is None else make_bias(attention.bias, heads=heads, d=d // heads)
        shared = d // heads * self.kv_heads
        self.query, self.key, self.value, self.out = (
            nn.Linear(d, width, bias=bias) for width in (d, shared, shared, d)
        )
        for projection in (self.query, self.key, self.value, self.out):
            nn.init.xavier_uniform_(projection.weight)

    def forward(
        self,
        x: Tensor,
        tokens: Tokens | None = None,
        memory: Tokens | None = None,
        cache: LayerCache | None = None,
        seen: Seen | None = None,
        *,
        first: int | None = None,
    ) -> Tensor:
        """Attend among the tokens, or from them to a memory.

        Args:
            x: ``[B, n, d]``.
            tokens: their coordinates, mask and edges (``x`` is ignored); None counts them, all real.
            memory: other tokens to attend to; None for self-attention.
            cache: keeps keys and values between calls; ``x`` has only the new tokens.
            seen: with a cache, coordinates and padding of all tokens so far.
            first: number of leading tokens that are queries; default all.

        Returns:
            ``[B, n, d]``, of the queries.
        """
        where = Tokens(x) if tokens is None else tokens
        keyed = (where if seen is None else seen) if memory is None else memory
        asked = None if where.coords is None else where.coords[..., :first, :]
        k, v = self._keys_values(x if memory is None else memory.x, where.coords, cache, new=memory is None)
        heads = core.attend(
            self.queries(x[:, :first], asked),
            k,
            v,
            pattern=self.pattern,
            bias=self.bias,
            coords_q=asked,
            coords_k=keyed.coords,
            mask=keyed.mask,
            edges=_asked(where.edges, first),
            backend=self.attention.backend,
            dropout=self.attention.dropout if self.training else 0.0,
        )
        mixed: Tensor = self.out(heads.transpose(1, 2).flatten(2))
        return mixed

    def queries(self, x: Tensor, coords: Tensor | None = None) -> Tensor:
        """Those of tokens ``[B, n, d]`` at coordinates as those of ``Tokens``, ``[B, h, n, d / h]``."""
        return self._turned(self.split(self.query(x)), coords)

    def keys(self, x: Tensor, coords: Tensor | None = None) -> Tensor:
        """The same of the keys, of ``kv_heads`` heads."""
        return self._turned(self.split(self.key(x)), coords)

    def _turned(self, x: Tensor, coords: Tensor | None) -> Tensor:
        return x if self.rotary is None else self.rotary(x, coords)

    def _keys_values(self, x: Tensor, coords: Tensor | None, cache: LayerCache | None, *, new: bool) -> KeysValues:
        if cache is not None and not new and cache.memory is not None:
            return cache.memory
        k, v = self.keys(x, coords if new else None), self.split(self.value(x))
        if cache is None:
            return k, v
        if new:
            return cache.extended(k, v)
        cache.memory = k, v
        return k, v

    def split(self, x: Tensor) -> Tensor:
        """``[B, n, heads width]`` to ``[B, heads, n, width]``, the width of a head."""
        return torch.unflatten(x, -1, (-1, self.width)).transpose(1, 2)


def _asked(edges: Tensor | None, first: int | None) -> Tensor | None:
    """The edges of the query tokens; others become padding."""
    return edges if edges is None or first is None else edges.where(edges[..., :1] < first, -1)
