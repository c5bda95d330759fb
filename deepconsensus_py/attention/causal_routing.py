"""Clusters in which tokens attend to earlier ones alone, for models that write token by token (Roy et al. 2021).

Which tokens a centroid takes must not depend on tokens to come, as it does in ``Routing``, whose centroids choose among
all of a sequence. Here each token chooses its centroid, and attends to the last few tokens that chose the same one.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from deepconsensus_py.attention import core
from deepconsensus_py.attention.blocks import Block, Trunk
from deepconsensus_py.attention.config import AttentionConfig
from deepconsensus_py.attention.multihead import MultiHead
from deepconsensus_py.attention.patterns import BlockLocal
from deepconsensus_py.attention.routing import PerHead, Routing
from deepconsensus_py.attention.tokens import LayerCache, Seen, Tokens


class CausalRouting(Routing):
    """Every token joins its nearest centroid and attends to itself and to those that joined shortly before.

    Queries are the keys, as published for this form, so that a token is in one cluster. ``attend_within`` computes it;
    ``core.attend`` does so with the backend ``dense`` alone, slowly, by the definition.

    Args:
        clusters: centroids per head.
        size: keys of a query at most, itself counted.
        heads: heads.
        d: width of a head.
        decay: share of a centroid that one step of training leaves as it is.
    """

    def __init__(self, clusters: int, size: int, *, heads: int, d: int, decay: float = 0.999) -> None:
        super().__init__(clusters, size, heads=heads, d=d, decay=decay)
        self.window = BlockLocal(size, (size, 0), exact=size - 1, causal=True)

    def places(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Where tokens lie if clusters are laid side by side, ``int64[B, h, n]``.

        Members of a cluster are numbered in token order. Clusters begin with a block of ``size`` places, an empty block
        apart, so that blocks depend on earlier members alone. Padding is a cluster of its own.

        Args:
            x: ``[B, h, n, d]``.
            mask: ``bool[B, n]``, True at real tokens.
        """
        own, clusters = self._nearness(x).argmax(2), self.centroids.shape[1]
        own = own if mask is None else own.where(mask.unsqueeze(1), clusters)
        joined = nn.functional.one_hot(own, clusters + 1)
        room = ((joined.sum(2) + self.size - 1) // self.size + 1) * self.size
        first = room.cumsum(-1) - room
        rank = joined.cumsum(2).gather(-1, own.unsqueeze(-1)).squeeze(-1) - 1
        return first.gather(-1, own) + rank

    def members(self, q: Tensor, k: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """There are none that all attend to each other.

        Raises:
            ValueError: always, so that this pattern is not taken for the other.
        """
        del q, k, mask
        raise ValueError("clusters of earlier tokens are computed by causal_routing.attend_within, not by core.attend")

    def allowed(self, q: Tensor, k: Tensor, mask: Tensor | None = None) -> Tensor:
        """The definition, ``bool[B, h, 1, n, n]``; the keys ``k`` are not looked at."""
        del k
        places = self.places(q, mask)
        back = places.unsqueeze(-1) - places.unsqueeze(-2)
        meet = (back >= 0) & (back < self.size)
        real = True if mask is None else (mask.unsqueeze(-1) & mask.unsqueeze(-2)).unsqueeze(1)
        return (meet & real).unsqueeze(2)

    def pairs(self, shape: Sequence[int]) -> int:
        """Pairs of a head at most: those of a single cluster of all tokens."""
        n = int(torch.Size(shape).numel())
        return BlockLocal(1, (self.size - 1, 0)).pairs((n,))


def attend_within(
    routing: CausalRouting, q: Tensor, v: Tensor, *, mask: Tensor | None = None, **options: Any
) -> Tensor:
    """Mix the values of earlier tokens of the same cluster.

    Args:
        routing: the clusters; in training its centroids move.
        q: ``[B, h, n, d]``, queries and keys.
        v: ``[B, h, n, d_v]``.
        mask: ``bool[B, n]``, True at real tokens.
        options: ``backend`` and ``dropout`` of ``core.attend``.

    Returns:
        ``[B, h, n, d_v]``; 0 for padding.
    """
    if routing.training:
        routing.follow(q, q, mask)
    items, heads = q.shape[:2]
    # To the core each head is an item, whose tokens lie where its clusters put them.
    places = routing.places(q, mask).flatten(0, 1).unsqueeze(-1)
    asked, mixed = q.flatten(0, 1).unsqueeze(1), v.flatten(0, 1).unsqueeze(1)
    real = None if mask is None else mask.repeat_interleave(heads, 0)
    found = core.attend(
        asked, asked, mixed, pattern=routing.window, coords_q=places, coords_k=places, mask=real, **options
    )
    return found.view(items, heads, *found.shape[2:])


class CausalRoutedHeads(MultiHead):
    """Half of the heads see what came just before, the others their cluster.

    Args:
        d: width of the tokens.
        heads: number of heads, an even one.
        local: what the first half sees; causal.
        clusters: centroids of each of the others.
        size: keys of a query at most.
        decay: see ``CausalRouting``.
    """

    def __init__(self, *, d: int, heads: int, local: BlockLocal, clusters: int, size: int, decay: float) -> None:
        super().__init__(d=d, heads=heads, attention=AttentionConfig(local))
        if heads % 2 or not local.causal:
            raise ValueError(
                f"half of {heads} heads cannot see {local}: an even number and a causal pattern are needed"
            )
        routing = CausalRouting(clusters, size, heads=heads // 2, d=self.width, decay=decay)
        self.pattern = PerHead(local, routing)
        self.key = nn.Linear(d, d // 2, bias=False)  # the keys of a cluster are its queries
        nn.init.xavier_uniform_(self.key.weight)

    def forward(
        self,
        x: Tensor,
        tokens: Tokens | None = None,
        memory: Tokens | None = None,
        cache: LayerCache | None = None,
        seen: Seen | None = None,  # noqa: ARG002 - that of a cache, and there is none
        *,
        first: int | None = None,
    ) -> Tensor:
        """``[B, n, d]`` to the same, of tokens in a row.

        Raises:
            ValueError: there is a memory or a cache, or tokens have coordinates.
        """
        if memory is not None or cache is not None or first is not None or (tokens and tokens.coords is not None):
            raise ValueError("clusters of earlier tokens are of whole sequences of tokens in a row, without a cache")
        assert isinstance(self.pattern, PerHead)
        local, routing = self.pattern.parts
        assert isinstance(routing, CausalRouting)
        mask = None if tokens is None else tokens.mask
        q, v, half = self.queries(x), self.split(self.value(x)), self.heads // 2
        near = core.attend(q[:, :half], self.keys(x), v[:, :half], pattern=local, mask=mask)
        far = attend_within(routing, q[:, half:], v[:, half:], mask=mask)
        mixed: Tensor = self.out(torch.cat([near, far], 1).transpose(1, 2).flatten(2))
        return mixed


def with_clusters(trunk: Trunk, *, clusters: int, size: int, decay: float = 0.999) -> Trunk:
    """A trunk of causal local attention whose layers give half of their heads to clusters; it is changed."""
    for block in trunk.encoder.blocks:
        assert isinstance(block, Block)
        attending = block.attention.layer
        assert isinstance(attending, MultiHead)
        if not isinstance(attending.pattern, BlockLocal):
            raise ValueError(f"clusters stand beside local attention, not beside {attending.pattern}")
        block.attention.layer = CausalRoutedHeads(
            d=trunk.config.d,
            heads=trunk.config.heads,
            local=attending.pattern,
            clusters=clusters,
            size=size,
            decay=decay,
        )
    return trunk
