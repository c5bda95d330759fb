"""Input of trunks: tokens with their geometry, and the cache of earlier ones."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """Input of a trunk.

    Attributes:
        x: ``[B, n, d]``.
        coords: ``int64[n, dims]`` or ``int64[B, n, dims]``, all geometry there is; None counts the tokens.
        mask: ``bool[B, n]``, True at real tokens; None where all are real.
        edges: ``int64[B, e, 3]`` of (query, key, type) for patterns and biases that read a graph.
    """

    x: Tensor
    coords: Tensor | None = None
    mask: Tensor | None = None
    edges: Tensor | None = None


KeysValues = tuple[Tensor, Tensor]
"""Keys and values, ``[B, h, n, d / h]`` each."""


class LayerCache:
    """Cache of one layer: keys and values of the tokens so far, and of the memory."""

    def __init__(self) -> None:
        self.own: KeysValues | None = None
        self.memory: KeysValues | None = None

    def extended(self, keys: Tensor, values: Tensor) -> KeysValues:
        """Those of the tokens so far and these, which are kept."""
        if self.own is not None:
            keys, values = (torch.cat(pair, dim=2) for pair in zip(self.own, (keys, values), strict=True))
        self.own = keys, values
        return self.own


class Cache:
    """Cache of a trunk during decoding: pass only new tokens, and the same cache again.

    Args:
        layers: layers of the trunk.
    """

    def __init__(self, layers: int) -> None:
        self.layers = [LayerCache() for _ in range(layers)]
        self.coords: Tensor | None = None

    def place(self, tokens: Tokens) -> Tensor:
        """The coordinates of new tokens, continuing those before if they have none; all are kept.

        Raises:
            ValueError: the tokens have padding, or edges, which a cache does not keep.
        """
        if tokens.mask is not None or tokens.edges is not None:
            raise ValueError("tokens are decoded one by one without padding and without a graph")
        seen = 0 if self.coords is None else self.coords.shape[-2]
        new = tokens.coords
        if new is None:
            new = torch.arange(seen, seen + tokens.x.shape[1], device=tokens.x.device).unsqueeze(-1)
        self.coords = new if self.coords is None else torch.cat([self.coords, new], dim=-2)
        return new

    def reorder(self, rows: Tensor) -> None:
        """Reorder the items by index ``int64[B]``, as in a beam search."""
        for layer in self.layers:
            layer.own, layer.memory = (
                None if kept is None else (kept[0][rows], kept[1][rows]) for kept in (layer.own, layer.memory)
            )
        if self.coords is not None and self.coords.dim() == 3:
            self.coords = self.coords[rows]
