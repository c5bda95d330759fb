"""Blocks of attention and feed-forward sublayers, and the trunk built of them."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from deepconsensus_py.attention.config import AttentionConfig, TrunkConfig
from deepconsensus_py.attention.multihead import MultiHead
from deepconsensus_py.attention.patterns import Full
from deepconsensus_py.attention.position import sinusoid
from deepconsensus_py.attention.sublayers import EPSILON, FeedForward, PreNorm, ReZero
from deepconsensus_py.attention.tokens import Cache, LayerCache, Tokens


class Block(nn.Module):
    """Attention, in a decoder attention to the memory, then feed-forward, each added to its input.

    Args:
        config: widths and norm.
        attention: how the tokens of this block attend; to a memory they attend fully.
    """

    def __init__(self, config: TrunkConfig, attention: AttentionConfig) -> None:
        super().__init__()
        to_memory = AttentionConfig(Full(), dropout=attention.dropout)
        self.attention = _residual(MultiHead(d=config.d, heads=config.heads, attention=attention), config)
        self.cross = (
            _residual(MultiHead(d=config.d, heads=config.heads, attention=to_memory), config) if config.cross else None
        )
        self.feed_forward = _residual(FeedForward(d=config.d, ff=config.ff), config)

    def forward(
        self,
        x: Tensor,
        tokens: Tokens | None = None,
        memory: Tokens | None = None,
        cache: LayerCache | None = None,
        places: Tensor | None = None,
        **first: int,
    ) -> Tensor:
        """``[B, n, d]`` to the same; arguments as those of ``MultiHead``."""
        x = self.attention(x, tokens, None, cache, places, **first)
        if self.cross is not None:
            x = self.cross(x, tokens, memory, cache)
        fed: Tensor = self.feed_forward(x)
        return fed


def _residual(layer: nn.Module, config: TrunkConfig) -> nn.Module:
    return ReZero(layer) if config.norm == "rezero" else PreNorm(layer, d=config.d)


class Encoder(nn.Module):
    """Blocks one upon the other and a last layer norm."""

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
            kept = () if cache is None else (cache.layers[layer], cache.coords)
            asking = {} if first is None or layer < layers - 1 else {"first": first}
            x = block(x, tokens, memory, *kept, **asking)
        normed: Tensor = self.norm(x)
        return normed


class Trunk(nn.Module):
    """Positions and an encoder; it owns neither embeddings nor output layers, so its weights move between heads."""

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
        """The tokens in the light of one another, ``[B, n, d]``.

        Args:
            tokens: what is encoded, or decoded; with a cache, those after the ones it has seen.
            memory: for a decoder, what it attends to.
            cache: that of ``new_cache``, to decode step by step.
            layers: without a cache, how many layers to pass through; blocks take turns, so a shared one may go on for
                as long as a graph is wide. None for those of the configuration.
            first: how many tokens are wanted, from the first on: the last layer computes no others. All by default.

        Raises:
            ValueError: a decoder without a memory, or a memory for an encoder; the first tokens of a causal trunk.
        """
        if first is not None and any(getattr(entry.pattern, "causal", False) for entry in self.config.attention):
            raise ValueError("in a causal trunk the last tokens ask, not the first")
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

    def new_cache(self) -> Cache:
        """A cache for one sequence of calls."""
        return Cache(self.config.layers)
