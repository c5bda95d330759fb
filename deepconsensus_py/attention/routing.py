"""Patterns with state, or of several parts: content-based clusters, and a pattern for each group of heads."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from deepconsensus_py.attention.patterns import Pattern


class Routing(nn.Module):
    """Every centroid selects its nearest queries and keys, which attend to each other (Roy et al. 2021).

    Queries and keys are of the same tokens. A token in several clusters gets the mean of what it gets in each; one in
    none, or with no real key in any, gets 0.

    Args:
        clusters: centroids per head.
        size: queries, and keys, that a centroid takes.
        heads: heads.
        d: width of a head.
        decay: share of a centroid that one step of training leaves as it is.
    """

    centroids: Tensor

    def __init__(self, clusters: int, size: int, *, heads: int, d: int, decay: float = 0.999) -> None:
        super().__init__()
        if min(clusters, size, heads, d) < 1:
            raise ValueError("clusters, their size, heads and their width start at 1")
        self.size, self.decay = size, decay
        self.register_buffer("centroids", torch.randn(heads, clusters, d))

    def members(self, q: Tensor, k: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The queries and the keys that each centroid takes, in token order: two of ``int64[B, h, clusters, size]``.

        Args:
            q: ``[B, h, n, d]``.
            k: ``[B, h, n, d]``.
            mask: ``bool[B, n]``, True at real tokens, which are taken before all others.
        """
        if q.shape[-2] != k.shape[-2]:
            raise ValueError(f"routing is among the same tokens, not from {q.shape[-2]} to {k.shape[-2]}")
        taken = []
        for x in (q, k):
            near = self._nearness(x)
            near = near if mask is None else near.masked_fill(~mask[:, None, None, :], -torch.inf)
            taken.append(near.topk(min(self.size, x.shape[-2]), dim=-1).indices.sort(dim=-1).values)
        return taken[0], taken[1]

    def allowed(self, q: Tensor, k: Tensor, mask: Tensor | None = None) -> Tensor:
        """The definition: ``bool[B, h, clusters, n, n]``, the pairs that meet in each cluster."""
        shape = (*q.shape[:2], self.centroids.shape[1], q.shape[-2])
        none = torch.zeros(shape, dtype=torch.bool, device=q.device)
        taken_q, taken_k = (none.scatter(-1, index, True) for index in self.members(q, k, mask))
        meet = taken_q.unsqueeze(-1) & taken_k.unsqueeze(-2)
        if mask is None:
            return meet
        return meet & (mask.unsqueeze(-1) & mask.unsqueeze(-2))[:, None, None]

    def pairs(self, shape: Sequence[int]) -> int:
        """Pairs of a head, those met in several clusters counted in each; as of ``Pattern``."""
        return self.centroids.shape[1] * min(self.size, int(torch.Size(shape).numel())) ** 2

    @torch.no_grad()
    def follow(self, q: Tensor, k: Tensor, mask: Tensor | None = None) -> None:
        """Move the centroids towards the mean of the queries and of the keys nearest to them; a step of training."""
        means = torch.zeros_like(self.centroids)
        for x in (q, k):
            own = nn.functional.one_hot(self._nearness(x).argmax(2), self.centroids.shape[1]).to(means.dtype)
            own = own if mask is None else own * mask[:, None, :, None]
            total = torch.einsum("bhnc,bhnd->hcd", own, _normed(x).to(means.dtype))
            count = own.sum((0, 2)).unsqueeze(-1)
            means += torch.where(count > 0, total / count.clamp(min=1), self.centroids) / 2
        self.centroids.lerp_(means, 1 - self.decay)

    def _nearness(self, x: Tensor) -> Tensor:
        """``[B, h, clusters, n]``."""
        return self.centroids.to(x.dtype) @ _normed(x).transpose(-1, -2)


def _normed(x: Tensor) -> Tensor:
    return nn.functional.layer_norm(x, x.shape[-1:])


class PerHead(nn.Module):
    """A pattern for each of several groups of neighbouring heads, as many heads in one as in another.

    Args:
        parts: the patterns, from the first heads to the last.
    """

    def __init__(self, *parts: Pattern | Routing) -> None:
        super().__init__()
        if not parts:
            raise ValueError("a pattern for each of several groups of heads needs at least one")
        self.parts = parts
        self.learning = nn.ModuleList(part for part in parts if isinstance(part, nn.Module))

    def groups(self, heads: int) -> list[slice]:
        """The heads of each part."""
        if heads % len(self.parts):
            raise ValueError(f"{heads} heads cannot be shared by {len(self.parts)} patterns")
        step = heads // len(self.parts)
        return [slice(start, start + step) for start in range(0, heads, step)]

    def pairs(self, shape: Sequence[int]) -> int:
        """Pairs of one head of each part, together; as of ``Pattern``."""
        return sum(part.pairs(shape) for part in self.parts)


AnyPattern = Pattern | Routing | PerHead
