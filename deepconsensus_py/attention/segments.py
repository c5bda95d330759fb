"""Attention along the edges of a graph, from a list of pairs instead of a table."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from deepconsensus_py.attention.checks import real_edges
from deepconsensus_py.attention.plan import Coords, places
from deepconsensus_py.attention.position import Additive, Bias, EdgeType


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """The ``e`` allowed pairs of all items, ordered by query.

    Attributes:
        item: ``int64[e]``.
        query: ``int64[e]``.
        key: ``int64[e]``.
        rows: ``int64[e]`` item and query in one number, ``item n_q + query``.
        scores: ``float[e, h]``.
    """

    item: Tensor
    query: Tensor
    key: Tensor
    rows: Tensor
    scores: Tensor


def segments(
    q: Tensor, k: Tensor, edges: Tensor, bias: Bias | None, *, coords: Coords, mask: Tensor | None
) -> Segments:
    """The pairs of the edges, each once, and their scores; arguments as those of ``attend``."""
    n_q, n_k = q.shape[2], k.shape[2]
    item = torch.arange(len(edges), device=q.device).unsqueeze(1).expand(edges.shape[:2])
    there = real_edges(edges, n_q, n_k, types=len(bias.table) if isinstance(bias, EdgeType) else None)
    cells = ((item * n_q + edges[..., 0]) * n_k + edges[..., 1])[there]
    pairs, place = torch.unique(cells, return_inverse=True)
    rows, key = pairs.div(n_k, rounding_mode="floor"), pairs % n_k
    at, query = rows.div(n_q, rounding_mode="floor"), rows % n_q
    scores = (q[at, :, query] * k[at, :, key]).sum(-1) / math.sqrt(q.shape[-1])
    if isinstance(bias, EdgeType):
        scores = scores.index_add(0, place, bias.table.to(q.dtype)[edges[..., 2][there]])
    elif isinstance(bias, Additive):
        scores = scores + bias.values.expand(*q.shape[:2], n_q, n_k)[at, :, query, key]
    elif bias is not None:
        of_q, of_k = (x.expand(len(edges), 1, *x.shape[-2:]).squeeze(1) for x in places(q, k, coords))
        near = of_q[at, query][:, None, None], of_k[at, key][:, None, None]
        term = bias.scores(q[at, :, query].unsqueeze(2), *near)[..., 0, 0]
        scores = scores + (term / math.sqrt(q.shape[-1]) if bias.query_dependent else term)
    if mask is not None:
        real = mask[at, key]
        at, query, key, rows, scores = at[real], query[real], key[real], rows[real], scores[real]
    return Segments(at, query, key, rows, scores)
