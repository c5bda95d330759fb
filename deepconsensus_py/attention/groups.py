"""Cut tokens into groups, so that only pairs within a group are computed: blocks with halos, clusters of routing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from deepconsensus_py.attention.patterns import BlockLocal, Pattern
from deepconsensus_py.attention.plan import Coords, Plan, added, places, token_coords
from deepconsensus_py.attention.position import Bias
from deepconsensus_py.attention.routing import Routing


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Groups of queries and keys such that every allowed pair is in one.

    Attributes:
        queries: ``int64[g, n]``, or ``int64[B, h, g, n]`` where they differ; any value where there is no query.
        keys: the same of the keys.
        allowed: ``bool[..., g, n_q, n_k]``, False where there is no query or key.
    """

    queries: Tensor
    keys: Tensor
    allowed: Tensor

    def gather(self, x: Tensor, index: Tensor) -> Tensor:
        """``[B, h, n, d]`` to ``[B, h, g, members, d]``; ``index`` is ``queries`` or ``keys``."""
        if index.dim() == 2:
            return x[:, :, index]
        every = index.flatten(2).unsqueeze(-1).expand(-1, -1, -1, x.shape[-1])
        return torch.unflatten(x.gather(2, every), 2, index.shape[2:])

    def mean(self, mixed: Tensor, n: int) -> Tensor:
        """``[B, h, g, n_q, d]`` to ``[B, h, n, d]``: the mean over the groups of each query."""
        index = self.queries.expand(*mixed.shape[:-1]).flatten(2)
        met = self.allowed.any(-1).expand(*mixed.shape[:-1]).flatten(2).to(mixed.dtype)
        total = mixed.new_zeros(*mixed.shape[:2], n, mixed.shape[-1])
        total = total.scatter_add(2, index.unsqueeze(-1).expand(-1, -1, -1, mixed.shape[-1]), mixed.flatten(2, 3))
        times = mixed.new_zeros(*mixed.shape[:2], n).scatter_add(2, index, met)
        return total / times.clamp(min=1).unsqueeze(-1)


def group(q: Tensor, k: Tensor, *, pattern: Pattern | Routing, coords: Coords, mask: Tensor | None) -> Groups | None:
    """The groups of a pattern, or None if it has none or tokens do not fill a common grid."""
    if isinstance(pattern, Routing):
        queries, keys = pattern.members(q, k, mask)
        allowed = torch.ones((), dtype=torch.bool, device=q.device)
        groups = Groups(queries, keys, allowed.expand(*queries.shape, keys.shape[-1]))
        return groups if mask is None else _without_padding(groups, mask, queries=True)
    if not isinstance(pattern, BlockLocal):
        return None
    if coords == (None, None):
        blocks = _counted_blocks(pattern, q.shape[-2], k.shape[-2], q.device)
    else:
        of_q, of_k = places(q, k, coords)
        blocks = _blocks(pattern, of_q, of_k) if of_q.dim() == of_k.dim() == 2 else None
    return blocks if blocks is None or mask is None else _without_padding(blocks, mask)


def group_plan(
    groups: Groups, q: Tensor, k: Tensor, bias: Bias | None, *, coords: Coords, edges: Tensor | None
) -> Plan:
    """The plan of the scores ``[B, h, g, n_q, n_k]`` of all groups."""
    of_q, of_k = places(q, k, coords)
    if bias is None:
        return Plan(groups.allowed, None)
    if not bias.by_token:
        cut = _cut_places(of_q, groups.queries), _cut_places(of_k, groups.keys)
        return Plan(groups.allowed, added(bias, groups.gather(q, groups.queries), cut, edges))
    scores = added(bias, q, (of_q, of_k), edges)
    assert scores is not None
    scores = scores.expand(*q.shape[:2], q.shape[-2], k.shape[-2])
    item = torch.arange(q.shape[0], device=q.device).view(-1, 1, 1, 1, 1)
    head = torch.arange(q.shape[1], device=q.device).view(-1, 1, 1, 1)
    return Plan(groups.allowed, scores[item, head, groups.queries.unsqueeze(-1), groups.keys.unsqueeze(-2)])


@lru_cache(maxsize=64)
def _counted_blocks(pattern: BlockLocal, n_q: int, n_k: int, device: torch.device) -> Groups | None:
    # The cache outlives inference mode, whose tensors cannot be used for training.
    with torch.inference_mode(False):
        return _blocks(pattern, token_coords(n_q, device), token_coords(n_k, device))


def _without_padding(groups: Groups, mask: Tensor, *, queries: bool = False) -> Groups:
    """Exclude padded keys, and with ``queries`` padded queries, from groups."""

    def real(index: Tensor) -> Tensor:
        if index.dim() == 2:
            return mask[:, None, index]
        return mask[torch.arange(len(mask), device=mask.device).view(-1, 1, 1, 1), index]

    allowed = groups.allowed & real(groups.keys).unsqueeze(-2)
    return Groups(groups.queries, groups.keys, allowed & real(groups.queries).unsqueeze(-1) if queries else allowed)


def _cut_places(coords: Tensor, index: Tensor) -> Tensor:
    """Coordinates of the members, ``int64[..., g, members, dims]``."""
    if coords.dim() == 2:
        return coords[index]
    item = torch.arange(len(coords), device=coords.device).view(-1, 1, 1, 1)
    return coords.squeeze(1)[item, index]


def _blocks(pattern: BlockLocal, of_q: Tensor, of_k: Tensor) -> Groups | None:
    """Cut queries into blocks and keys into windows; None if tokens share a position or the grid is too sparse."""
    sizes, (lo, hi) = torch.tensor(pattern.blocks, device=of_q.device), pattern.halos
    ends = torch.cat([of_q, of_k])
    first = ends.amin(0).div(sizes, rounding_mode="floor")
    counts = (ends.amax(0).div(sizes, rounding_mode="floor") - first + 1).tolist()
    # More blocks than tokens would leave most of them empty.
    if math.prod(counts) > len(of_q):
        return None
    grid = [count * size for count, size in zip(counts, pattern.blocks, strict=True)]
    tables = _table(of_q - first * sizes, grid), _table(of_k - first * sizes + lo, [n + lo + hi for n in grid])
    if any(int((table >= 0).sum()) != len(of) for table, of in zip(tables, (of_q, of_k), strict=True)):
        return None
    queries = _windows(tables[0], pattern.blocks, pattern.blocks)
    keys = _windows(tables[1], [size + lo + hi for size in pattern.blocks], pattern.blocks)
    allowed = (queries >= 0).unsqueeze(-1) & (keys >= 0).unsqueeze(-2)
    for axis, exact in enumerate(pattern.exacts):
        if exact is not None:
            apart = of_q[:, axis][queries].unsqueeze(-1) - of_k[:, axis][keys].unsqueeze(-2)
            allowed &= apart.abs() <= exact
    if pattern.causal:
        allowed &= keys.unsqueeze(-2) <= queries.unsqueeze(-1) + (len(of_k) - len(of_q))
    return Groups(queries.clamp(min=0), keys.clamp(min=0), allowed)


def _table(coords: Tensor, shape: list[int]) -> Tensor:
    """Token index at each grid position, -1 where there is none."""
    table = torch.full(shape, -1, device=coords.device)
    table[coords.unbind(-1)] = torch.arange(len(coords), device=coords.device)
    return table


def _windows(table: Tensor, sizes: Sequence[int], steps: Sequence[int]) -> Tensor:
    """Overlapping windows of a table of any number of axes, ``[windows, members]``."""
    for axis, (size, step) in enumerate(zip(sizes, steps, strict=True)):
        table = table.unfold(axis, size, step)
    return table.flatten(len(sizes)).flatten(0, len(sizes) - 1)
