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


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Coordinates and padding of all tokens that a cache has seen, as those of ``Tokens``."""

    coords: Tensor
    mask: Tensor | None


class LayerCache:
    """Cache of one layer: keys and values of the tokens so far, and of the memory.

    Args:
        size: tokens to make room for at first; twice as many each time that it is full.
    """

    def __init__(self, size: int) -> None:
        self.size, self.used = size, 0
        self.room: KeysValues | None = None
        self.memory: KeysValues | None = None

    @property
    def own(self) -> KeysValues | None:
        """Keys and values of the tokens so far."""
        return None if self.room is None else (self.room[0][:, :, : self.used], self.room[1][:, :, : self.used])

    def extended(self, keys: Tensor, values: Tensor) -> KeysValues:
        """Those of the tokens so far and these, which are kept."""
        before, self.used = self.own, self.used + keys.shape[2]
        if torch.is_grad_enabled() and (keys.requires_grad or values.requires_grad):
            # What a gradient needs is not written over.
            joined = (keys, values) if before is None else _joined(before, (keys, values))
            self.room = joined
            return joined
        if self.room is None or self._full():
            self.size = max(self.size, self.used if self.room is None else 2 * self.used)
            self.room = _enlarged(before, (keys, values), self.size)
        for kept, new in zip(self.room, (keys, values), strict=True):
            kept[:, :, self.used - new.shape[2] : self.used] = new
        own = self.own
        assert own is not None
        return own

    def _full(self) -> bool:
        """Whether there is no room for the tokens, or none that may be written to."""
        assert self.room is not None
        closed = self.room[0].is_inference() and not torch.is_inference_mode_enabled()
        return self.room[0].shape[2] < self.used or closed or self.room[0].requires_grad

    def reorder(self, rows: Tensor) -> None:
        """See ``Cache.reorder``."""
        self.room, self.memory = (
            None if kept is None else (kept[0][rows], kept[1][rows]) for kept in (self.room, self.memory)
        )


def _joined(before: KeysValues, new: KeysValues) -> KeysValues:
    keys, values = (torch.cat(pair, dim=2) for pair in zip(before, new, strict=True))
    return keys, values


def _enlarged(before: KeysValues | None, new: KeysValues, size: int) -> KeysValues:
    """Room for ``size`` tokens, which begins with those before."""
    keys, values = (x.new_empty(*x.shape[:2], size, x.shape[3]) for x in new)
    if before is not None:
        for room, old in zip((keys, values), before, strict=True):
            room[:, :, : old.shape[2]] = old
    return keys, values


class Cache:
    """Cache of a trunk during decoding: pass only new tokens, and the same cache again.

    Args:
        layers: layers of the trunk.
        size: tokens to make room for at first; more are taken, at the price of copying those before.
    """

    def __init__(self, layers: int, size: int = 64) -> None:
        if size < 1:
            raise ValueError(f"a cache has room for 1 token at least, not {size}")
        self.layers = [LayerCache(size) for _ in range(layers)]
        self.seen: Seen | None = None

    def place(self, tokens: Tokens) -> Tensor:
        """The coordinates of new tokens, continuing those before if they have none; all are kept, with the padding.

        Raises:
            ValueError: the tokens have edges, which a cache does not keep, or other items or axes than those before.
        """
        if tokens.edges is not None:
            raise ValueError("tokens are decoded step by step without a graph: a cache keeps no edges")
        before = 0 if self.seen is None else self.seen.coords.shape[-2]
        coords, mask = tokens.coords, tokens.mask
        if coords is None:
            coords = torch.arange(before, before + tokens.x.shape[1], device=tokens.x.device).unsqueeze(-1)
        self.seen = Seen(coords, mask) if self.seen is None else _continued(self.seen, coords, mask, tokens.x)
        return coords

    def reorder(self, rows: Tensor) -> None:
        """Reorder the items by index ``int64[B]``, as in a beam search."""
        for layer in self.layers:
            layer.reorder(rows)
        if self.seen is not None:
            coords, mask = self.seen.coords, self.seen.mask
            self.seen = Seen(coords if coords.dim() == 2 else coords[rows], None if mask is None else mask[rows])


def _continued(seen: Seen, coords: Tensor, mask: Tensor | None, x: Tensor) -> Seen:
    items, before = len(x), seen.coords.shape[-2]
    if seen.coords.dim() != coords.dim() or seen.coords.shape[-1] != coords.shape[-1]:
        raise ValueError(
            f"coordinates int64{list(coords.shape)} do not continue int64{list(seen.coords.shape)} of the tokens before"
        )
    if mask is not None or seen.mask is not None:
        real = torch.ones(items, 1, dtype=torch.bool, device=x.device)
        old = real.expand(-1, before) if seen.mask is None else seen.mask
        mask = torch.cat([old, real.expand(-1, x.shape[1]) if mask is None else mask], dim=1)
    return Seen(torch.cat([seen.coords, coords], dim=-2), mask)
