"""Blocks of attention and feed-forward sublayers, and the trunk built from them."""

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from deepconsensus_py.attention.config import AttentionConfig, TrunkConfig
from deepconsensus_py.attention.multihead import MultiHead
from deepconsensus_py.attention.patterns import Full
from deepconsensus_py.attention.position import sinusoid
from deepconsensus_py.attention.sublayers import EPSILON, FeedForward, PreNorm, ReZero
from deepconsensus_py.attention.tokens import Cache, LayerCache, Seen, Tokens


class Block(nn.Module):
    """Attention, cross-attention in a decoder, and feed-forward, each with a residual connection.

    Args:
        config: widths and norm.
        attention: of this block; cross-attention is always full.
    """

    def __init__(self, config: TrunkConfig, attention: AttentionConfig) -> None:
        super().__init__()
        to_memory = AttentionConfig(Full(), dropout=attention.dropout)
        make = partial(MultiHead, d=config.d, heads=config.heads, kv_heads=config.kv_heads)
        self.attention = _residual(make(attention=attention, rotary=config.position == "rotary"), config)
        self.cross = _residual(make(attention=to_memory), config) if config.cross else None
        self.feed_forward = _residual(FeedForward(d=config.d, ff=config.ff), config)

    def forward(
        self,
        x: Tensor,
        tokens: Tokens | None = None,
        memory: Tokens | None = None,
        cache: LayerCache | None = None,
        seen: Seen | None = None,
        **first: int,
    ) -> Tensor:
        """``[B, n, d]`` to the same; arguments as those of ``MultiHead``."""
        x = self.attention(x, tokens, None, cache, seen, **first)
        if self.cross is not None:
            x = self.cross(x, tokens, memory, cache)
        fed: Tensor = self.feed_forward(x)
        return fed


def _residual(layer: nn.Module, config: TrunkConfig) -> nn.Module:
    return ReZero(layer) if config.norm == "rezero" else PreNorm(layer, d=config.d)


class Encoder(nn.Module):
    """A stack of blocks and a final layer norm."""

    def __init__(self, config: TrunkConfig) -> None:
        super().__init__()
        self.layers, turns = config.layers, len(config.attention)
        own = turns if config.shared else config.layers
        self.blocks = nn.ModuleList(Block(config, config.attention[i % turns]) for i in range(own))
        self.norm = nn.LayerNorm(config.d, eps=EPSILON)

    def forward(
        self,
        x: Tensor,
        tokens: Tokens | None = None,
        memory: Tokens | None = None,
        cache: Cache | None = None,
        *,
        layers: int | None = None,
        first: int | None = None,
    ) -> Tensor:
        """``[B, n, d]`` to the same; arguments as those of ``Trunk``."""
        layers = self.layers if layers is None else layers
        for layer in range(layers):
            block = self.blocks[layer % len(self.blocks)]
            kept = () if cache is None else (cache.layers[layer], cache.seen)
            asking = {} if first is None or layer < layers - 1 else {"first": first}
            x = block(x, tokens, memory, *kept, **asking)
        normed: Tensor = self.norm(x)
        return normed


def _check_tokens(tokens: Tokens, d: int) -> None:
    if tokens.x.dim() != 3 or tokens.x.shape[-1] != d:
        raise ValueError(f"tokens of this trunk are [B, n, {d}], not {list(tokens.x.shape)}")
    if tokens.mask is not None and (tokens.mask.shape != tokens.x.shape[:2] or tokens.mask.dtype != torch.bool):
        raise ValueError(f"the mask of tokens is bool{list(tokens.x.shape[:2])}, not {list(tokens.mask.shape)}")


class Trunk(nn.Module):
    """Positions and an encoder; without embeddings and output layers, so that heads can share its weights."""

    def __init__(self, config: TrunkConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)

    def forward(
        self,
        tokens: Tokens,
        memory: Tokens | None = None,
        cache: Cache | None = None,
        *,
        layers: int | None = None,
        first: int | None = None,
    ) -> Tensor:
        """Encode tokens, ``[B, n, d]``.

        Args:
            tokens: to encode or decode; with a cache, the new ones only.
            memory: for a decoder, the tokens to attend to.
            cache: from ``new_cache``, for decoding step by step.
            layers: number of layers, without a cache; blocks alternate, so that a shared one may be repeated as often
                as the diameter of a graph requires. None for the configured number.
            first: number of leading tokens wanted: the last layer computes no others. Default all.

        Raises:
            ValueError: a decoder without a memory, or a memory for an encoder; the first tokens of a causal trunk.
        """
        _check_tokens(tokens, self.config.d)
        if first is not None and any(getattr(entry.pattern, "causal", False) for entry in self.config.attention):
            raise ValueError("in a causal trunk the queries are the last tokens, not the first")
        if self.config.cross != (memory is not None):
            raise ValueError("a decoder (cross: true) needs a memory, and no other trunk takes one")
        if cache is not None:
            tokens = replace(tokens, coords=cache.place(tokens))
        x, coords = tokens.x, tokens.coords
        if self.config.position == "sinusoid":
            places = torch.arange(x.shape[1], device=x.device) if coords is None else coords[..., 0]
            x = x + sinusoid(places, self.config.d).to(x.dtype)
        encoded: Tensor = self.encoder(x, tokens, memory, cache, layers=layers, first=first)
        return encoded

    def new_cache(self, size: int = 64) -> Cache:
        """A cache for one sequence of calls, with room for so many tokens at first."""
        return Cache(self.config.layers, size)
