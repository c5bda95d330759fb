"""Which tokens lie in each block and in the halo around it, for tokens anywhere, on any number of axes.

Tokens are laid into a table of the grid that their coordinates span, several in a cell where they share a place, and
the table is cut into windows. Items of a batch may each have coordinates of their own.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from deepconsensus_py.attention.patterns import BlockLocal

FEW_PAIRS = 4096  # so many cost nothing, even where all pairs are fewer


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """Queries and keys of each block, -1 where there is none, with their coordinates (any where there is none).

    Attributes:
        queries: ``int64[g, n]``, or ``int64[B, 1, g, n]`` where items differ.
        keys: the same of the keys.
        of_queries: ``int64[..., g, n, dims]``.
        of_keys: the same of the keys.
        place: where each query is in the flattened ``queries``: ``int64[n_q]``, ``int64[B, n_q]``, or a slice.
    """

    queries: Tensor
    keys: Tensor
    of_queries: Tensor
    of_keys: Tensor
    place: Tensor | slice


def members(pattern: BlockLocal, of_q: Tensor, of_k: Tensor) -> Members | None:
    """The members of the blocks, or None where the pairs of blocks are more than all pairs.

    Args:
        pattern: its blocks and halos; band and causality are not looked at.
        of_q: coordinates of queries, ``int64[n, dims]``, or ``int64[B, 1, n, dims]`` where items differ.
        of_k: the same of the keys.
    """
    items = max(1 if of.dim() == 2 else len(of) for of in (of_q, of_k))
    of_q, of_k = ((of if of.dim() == 2 else of[:, 0]).expand(items, -1, -1) for of in (of_q, of_k))
    sizes, (lo, hi), spans = torch.tensor(pattern.blocks, device=of_q.device), pattern.halos, _spans(pattern)
    ends, limit = torch.cat([of_q, of_k], 1), max(of_q.shape[1] * of_k.shape[1], FEW_PAIRS)
    first = ends.amin(1, keepdim=True).div(sizes, rounding_mode="floor") * sizes
    counts = ((ends.amax(1, keepdim=True) - first).div(sizes, rounding_mode="floor") + 1).amax((0, 1)).tolist()
    windows = math.prod(counts)
    if windows * math.prod(spans) > limit:
        return None
    grid = [count * size for count, size in zip(counts, pattern.blocks, strict=True)]
    tables = _table(of_q - first, grid), _table(of_k - first + lo, [n + lo + hi for n in grid])
    if windows * math.prod(spans) * max(table.shape[-1] for table in tables) > limit:
        return None
    queries, keys = _windows(tables[0], pattern.blocks, pattern.blocks), _windows(tables[1], spans, pattern.blocks)
    if windows * queries.shape[-1] * keys.shape[-1] > limit:
        return None
    found = Members(queries, keys, _taken(of_q, queries), _taken(of_k, keys), _places(queries, of_q.shape[1]))
    return _of_one(found) if items == 1 else _of_each(found)


def _spans(pattern: BlockLocal) -> list[int]:
    return [size + sum(pattern.halos) for size in pattern.blocks]


def _table(coords: Tensor, shape: list[int]) -> Tensor:
    """Token indices at each grid position, ``int64[B, *shape, depth]``, -1 where there are no more."""
    items, n = coords.shape[:2]
    strides = torch.tensor([math.prod(shape[axis + 1 :]) for axis in range(len(shape))], device=coords.device)
    cells, order = (coords * strides).sum(-1).sort(dim=-1, stable=True)
    index = torch.arange(n, device=coords.device).expand(items, -1)
    # How manieth of its cell a token is: its distance from the last token that begins a cell.
    begins = torch.ones_like(cells, dtype=torch.bool)
    begins[:, 1:] = cells[:, 1:] != cells[:, :-1]
    rank = index - index.where(begins, 0).cummax(-1).values
    table = torch.full((items, math.prod(shape), int(rank.max()) + 1), -1, device=coords.device)
    table[torch.arange(items, device=coords.device).unsqueeze(1), cells, rank] = order
    return table.view(items, *shape, -1)


def _windows(table: Tensor, sizes: Sequence[int], steps: Sequence[int]) -> Tensor:
    """Overlapping windows of a table, ``int64[B, windows, members]``, as narrow as the fullest one allows."""
    axes = len(sizes)
    for axis, (size, step) in enumerate(zip(sizes, steps, strict=True), 1):
        table = table.unfold(axis, size, step)
    windows = table.flatten(1 + axes).flatten(1, axes)
    fullest = max(1, int((windows >= 0).sum(-1).amax()))
    if fullest == windows.shape[-1]:
        return windows
    beyond = int(windows.max()) + 1
    packed = windows.where(windows >= 0, beyond).sort(dim=-1).values[..., :fullest]
    return packed.where(packed < beyond, -1)


def _taken(coords: Tensor, index: Tensor) -> Tensor:
    """Coordinates of the members, ``int64[B, windows, members, dims]``; where there is none, the first token's."""
    items = torch.arange(len(coords), device=coords.device).view(-1, 1, 1)
    return coords[items, index.clamp(min=0)]


def _places(queries: Tensor, n: int) -> Tensor:
    """Where each of the ``n`` queries is in the flattened windows, ``int64[B, n]``."""
    slots = torch.arange(queries[0].numel(), device=queries.device).expand(len(queries), -1)
    # What is -1 goes to one place more than there are queries.
    return slots.new_zeros(len(queries), n + 1).scatter_(1, queries.flatten(1) % (n + 1), slots)[:, :n]


def _of_one(found: Members) -> Members:
    place = found.place if isinstance(found.place, slice) else found.place[0]
    return Members(found.queries[0], found.keys[0], found.of_queries[0], found.of_keys[0], place)


def _of_each(found: Members) -> Members:
    queries, keys, of_queries, of_keys = (
        x.unsqueeze(1) for x in (found.queries, found.keys, found.of_queries, found.of_keys)
    )
    return Members(queries, keys, of_queries, of_keys, found.place)
