"""Cut tokens into groups, so that only pairs within a group are computed: blocks with halos, clusters of routing."""

from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from deepconsensus_py.attention.cells import Members, members
from deepconsensus_py.attention.patterns import BlockLocal, Pattern
from deepconsensus_py.attention.plan import KEPT, KEPT_PAIRS, Coords, Plan, added, combined, near, places
from deepconsensus_py.attention.position import Bias
from deepconsensus_py.attention.routing import Routing


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Groups of queries and keys such that every allowed pair is in one.

    Attributes:
        queries: ``int64[g, n]``, ``int64[B, 1, g, n]`` or ``int64[B, h, g, n]``; any value where there is no query.
        keys: the same of the keys.
        allowed: ``bool[..., g, n_q, n_k]``, False where there is no query or key.
        place: where each query is in the flattened groups, ``int64[n]`` or ``int64[B, n]``, or the first n of them;
            None where a query may be in several groups, or in none.
        kept: the plan without bias of a pattern that is the same in every call.
        frame: coordinates of queries and keys relative to their group, ``int64[n, 1]`` each, where they are the same in
            all groups.
    """

    queries: Tensor
    keys: Tensor
    allowed: Tensor
    place: Tensor | slice | None = None
    kept: Plan | None = None
    frame: tuple[Tensor, Tensor] | None = None

    def gather(self, x: Tensor, index: Tensor) -> Tensor:
        """``[B, h, n, d]`` to ``[B, h, g, members, d]``; ``index`` is ``queries`` or ``keys``."""
        if index.dim() == 2:
            return x[:, :, index]
        if index.shape[1] == 1:
            return x.transpose(1, 2)[_items(index, 3), index[:, 0]].permute(0, 3, 1, 2, 4)
        every = index.flatten(2).unsqueeze(-1).expand(-1, -1, -1, x.shape[-1])
        return torch.unflatten(x.gather(2, every), 2, index.shape[2:])

    def mean(self, mixed: Tensor, n: int) -> Tensor:
        """``[B, h, g, n_q, d]`` to ``[B, h, n, d]``: the mean over the groups of each query."""
        if self.place is not None:
            flat = mixed.flatten(2, 3)
            if isinstance(self.place, slice) or self.place.dim() == 1:
                return flat[:, :, self.place]
            return flat.transpose(1, 2)[_items(self.place, 2), self.place].transpose(1, 2)
        index = self.queries.expand(*mixed.shape[:-1]).flatten(2)
        met = self.allowed.any(-1).expand(*mixed.shape[:-1]).flatten(2).to(mixed.dtype)
        total = mixed.new_zeros(*mixed.shape[:2], n, mixed.shape[-1])
        total = total.scatter_add(2, index.unsqueeze(-1).expand(-1, -1, -1, mixed.shape[-1]), mixed.flatten(2, 3))
        times = mixed.new_zeros(*mixed.shape[:2], n).scatter_add(2, index, met)
        return total / times.clamp(min=1).unsqueeze(-1)


def _items(x: Tensor, dims: int) -> Tensor:
    """The item of each row of ``[B, ...]``, to index with."""
    return torch.arange(len(x), device=x.device).view(-1, *[1] * (dims - 1))


def group(q: Tensor, k: Tensor, *, pattern: Pattern | Routing, coords: Coords, mask: Tensor | None) -> Groups | None:
    """The groups of a pattern, or None if it has none or tokens are so scattered that all pairs are fewer."""
    if isinstance(pattern, Routing):
        queries, keys = pattern.members(q, k, mask)
        allowed = torch.ones((), dtype=torch.bool, device=q.device)
        groups = Groups(queries, keys, allowed.expand(*queries.shape, keys.shape[-1]))
        return groups if mask is None else _without_padding(groups, mask, queries=True)
    if not isinstance(pattern, BlockLocal):
        return None
    if coords == (None, None):
        blocks: Groups | None = _counted(pattern, q.shape[-2], k.shape[-2], q.dtype, q.device)
    else:
        found = members(pattern, *places(q, k, coords))
        blocks = None if found is None else _blocks(pattern, found, late=k.shape[-2] - q.shape[-2])
    return blocks if blocks is None or mask is None else _without_padding(blocks, mask)


def group_plan(
    groups: Groups, q: Tensor, k: Tensor, bias: Bias | None, *, coords: Coords, edges: Tensor | None
) -> Plan:
    """The plan of the scores ``[B, h, g, n_q, n_k]`` of all groups."""
    term = None
    if bias is not None and not bias.by_token:
        if groups.frame is not None and getattr(bias, "by_offset", False):
            cut = groups.frame
        else:
            of_q, of_k = places(q, k, coords)
            cut = _cut_places(of_q, groups.queries), _cut_places(of_k, groups.keys)
        term = near(bias, groups.gather(q, groups.queries), cut)
    elif bias is not None:
        scores = added(bias, q, k, coords, edges)
        assert scores is not None
        scores = scores.expand(*q.shape[:2], q.shape[-2], k.shape[-2])
        item, head = _items(q, 5), torch.arange(q.shape[1], device=q.device).view(-1, 1, 1, 1)
        term = scores[item, head, groups.queries.unsqueeze(-1), groups.keys.unsqueeze(-2)]
    if groups.kept is None:
        return combined(groups.allowed, term, q.dtype)
    assert groups.kept.numbers is not None
    return groups.kept if term is None else replace(groups.kept, added=term, numbers=term + groups.kept.numbers)


def _counted(pattern: BlockLocal, n_q: int, n_k: int, dtype: torch.dtype, device: torch.device) -> Groups:
    """Those of tokens in a row, without padding; kept from call to call."""
    pairs = (n_q // pattern.blocks[0] + 1) * pattern.blocks[0] * (pattern.blocks[0] + sum(pattern.halos))
    make = _kept if pairs <= KEPT_PAIRS else _kept.__wrapped__
    return make(pattern, n_q, n_k, dtype, device)


@lru_cache(maxsize=KEPT)
def _kept(pattern: BlockLocal, n_q: int, n_k: int, dtype: torch.dtype, device: torch.device) -> Groups:
    (block,), (lo, hi) = pattern.blocks, pattern.halos
    # The cache outlives inference mode, whose tensors cannot be used for training.
    with torch.inference_mode(False):
        starts = torch.arange(0, n_q, block, device=device).unsqueeze(-1)
        within, around = (torch.arange(first, block + more, device=device) for first, more in ((0, 0), (-lo, hi)))
        queries, keys = starts + within, starts + around
        queries, keys = queries.where(queries < n_q, -1), keys.where((keys >= 0) & (keys < n_k), -1)
        of_q, of_k = queries.unsqueeze(-1), keys.unsqueeze(-1)
        groups = _blocks(pattern, Members(queries, keys, of_q, of_k, slice(n_q)), late=n_k - n_q)
        plan = combined(groups.allowed, None, dtype)
        # What is mixed for queries beyond the last one is never read.
        assert plan.empty is not None
        bare = torch.compiler.is_compiling() or bool((plan.empty.squeeze(-1) & (queries >= 0)).any())
        frame = within.unsqueeze(-1), around.unsqueeze(-1)
        return replace(groups, kept=plan if bare else Plan(plan.allowed, None, None, plan.numbers), frame=frame)


def _blocks(pattern: BlockLocal, found: Members, *, late: int) -> Groups:
    """The groups of members of blocks; ``late`` is by how many tokens the keys are longer than the queries."""
    queries, keys = found.queries.unsqueeze(-1), found.keys.unsqueeze(-2)
    allowed = (queries >= 0) & (keys >= 0)
    for axis, exact in enumerate(pattern.exacts):
        if exact is not None:
            apart = found.of_queries[..., axis].unsqueeze(-1) - found.of_keys[..., axis].unsqueeze(-2)
            allowed &= apart.abs() <= exact
    if pattern.causal:
        allowed &= keys <= queries + late
    return Groups(found.queries.clamp(min=0), found.keys.clamp(min=0), allowed, found.place)


def _without_padding(groups: Groups, mask: Tensor, *, queries: bool = False) -> Groups:
    """Exclude padded keys, and with ``queries`` padded queries, from groups."""

    def real(index: Tensor) -> Tensor:
        return mask[:, None, index] if index.dim() == 2 else mask[_items(index, 4), index]

    allowed = groups.allowed & real(groups.keys).unsqueeze(-2)
    allowed = allowed & real(groups.queries).unsqueeze(-1) if queries else allowed
    return replace(groups, allowed=allowed, kept=None)


def _cut_places(coords: Tensor, index: Tensor) -> Tensor:
    """Coordinates of the members, ``int64[..., g, members, dims]``."""
    return coords[index] if coords.dim() == 2 else coords.squeeze(1)[_items(index, 4), index]
