"""Scaled dot-product attention, the one place where scores become weights.

``attend`` combines a pattern (allowed pairs), a bias (added to scores) and a backend; all backends equal ``dense``.
"""

import math
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from deepconsensus_py.attention.checks import check_shapes
from deepconsensus_py.attention.flexible import flex_plan, score_mod, table_mod
from deepconsensus_py.attention.groups import Groups, group, group_plan
from deepconsensus_py.attention.patterns import BlockLocal, Edges
from deepconsensus_py.attention.plan import Plan, bias_of_heads, choose_backend, places, plan
from deepconsensus_py.attention.position import Bias
from deepconsensus_py.attention.relative import Shaw
from deepconsensus_py.attention.routing import AnyPattern, PerHead, Routing
from deepconsensus_py.attention.segments import Segments, segments

__all__ = ["attend", "plan", "weights"]

SHORT_ROW = 16


def attend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    pattern: AnyPattern,
    bias: Bias | None = None,
    coords_q: Tensor | None = None,
    coords_k: Tensor | None = None,
    mask: Tensor | None = None,
    edges: Tensor | None = None,
    backend: str = "auto",
    dropout: float = 0.0,
    need_weights: list[Tensor] | None = None,
) -> Tensor:
    """Mix values by the softmax of ``q k^T / sqrt(d_k)`` over the allowed keys.

    Args:
        q: ``[B, h, n_q, d_k]``.
        k: ``[B, h, n_k, d_k]``.
        v: ``[B, h, n_k, d_v]``.
        pattern: which pairs are allowed.
        bias: added to the scores.
        coords_q: ``int64[n_q, dims]`` or ``int64[B, n_q, dims]``; None counts the tokens.
        coords_k: the same of the keys.
        mask: ``bool[B, n_k]``, True at real keys; None where all are real.
        edges: ``int64[B, e, 3]`` for the pattern ``Edges`` and the bias ``EdgeType``.
        backend: one of ``plan.BACKENDS``, or ``auto``; ``blocked`` falls back to ``sdpa`` without groups.
        dropout: probability that a weight is dropped; 0 outside training.
        need_weights: a list to append the weights ``[B, h, n_q, n_k]`` to; ``dense`` only.

    Returns:
        ``[B, h, n_q, d_v]``; exactly 0 for a query with no allowed key, in every backend.

    Raises:
        ValueError: arguments do not match, or an edge refers to a missing token.
    """
    coords = (coords_q, coords_k)
    axes = len(pattern.blocks) if isinstance(pattern, BlockLocal) else None
    check_shapes(q, k, v, coords, mask=mask, edges=edges, axes=axes)
    if isinstance(pattern, PerHead):
        maps: list[Tensor] = []
        mixed = [
            attend(
                *(q[:, own], k[:, own], v[:, own]),
                pattern=part,
                bias=bias_of_heads(bias, own, q, k, coords=coords, edges=edges),
                coords_q=coords_q,
                coords_k=coords_k,
                mask=mask,
                edges=edges,
                backend=backend,
                dropout=dropout,
                need_weights=None if need_weights is None else maps,
            )
            for part, own in zip(pattern.parts, pattern.groups(q.shape[1]), strict=True)
        ]
        if need_weights is not None:
            need_weights.append(torch.cat(maps, dim=1))
        return torch.cat(mixed, dim=1)
    shaw = bias if isinstance(bias, Shaw) and bias.value is not None else None
    backend = choose_backend(backend, q, k, pattern, whole=need_weights is not None or shaw is not None)
    if isinstance(pattern, Routing) and pattern.training:
        pattern.follow(q, k, mask)
    if backend == "blocked" and isinstance(pattern, Edges) and edges is not None:
        return _along(v, segments(q, k, edges, bias, coords=coords, mask=mask), q.shape[2], dropout)
    groups = group(q, k, pattern=pattern, coords=coords, mask=mask) if backend == "blocked" else None
    if groups is not None:
        return _grouped(q, k, v, groups, group_plan(groups, q, k, bias, coords=coords, edges=edges), dropout=dropout)
    if backend == "flex" and not dropout:
        flexible = flex_plan(q, k, pattern=pattern, bias=bias, coords=coords, mask=mask, edges=edges)
        return _flex(q, k, v, *flexible)
    pairs = plan(q, k, pattern=pattern, bias=bias, coords=coords, mask=mask, edges=edges)
    if backend != "dense":
        return _sdpa(q, k, v, pairs, dropout)
    mixing = weights(q, k, pairs)
    if need_weights is not None:
        need_weights.append(mixing)
    mixing = F.dropout(mixing, dropout, training=dropout > 0)
    return mixing @ v if shaw is None else mixing @ v + shaw.mixed(mixing, *places(q, k, coords))


def weights(q: Tensor, k: Tensor, plan: Plan) -> Tensor:
    """The attention weights ``[B, h, n_q, n_k]`` of the reference, averaged over clusters if there are any."""
    if plan.allowed is not None and plan.allowed.dim() > q.dim():
        shares = weights(q.unsqueeze(2).expand(-1, -1, plan.allowed.shape[2], -1, -1), k.unsqueeze(2), plan)
        return shares.sum(2) / plan.allowed.any(-1, keepdim=True).sum(2).clamp(min=1)
    scores = (q / math.sqrt(q.shape[-1])) @ k.transpose(-1, -2)
    scores = scores if plan.added is None else scores + plan.added
    if plan.allowed is None:
        return _softmax(scores)
    forbidden = ~plan.allowed
    # The least finite number, not -inf, which would give NaN, in gradients too, for a query without keys.
    mixing = _softmax(scores.masked_fill_(forbidden, torch.finfo(scores.dtype).min))
    return mixing.masked_fill(forbidden, 0.0) if forbidden.all(dim=-1).any() else mixing


def _softmax(scores: Tensor) -> Tensor:
    """Softmax over the keys; torch's is scalar for rows shorter than a vector register, and five times slower."""
    if scores.shape[-1] >= SHORT_ROW or scores.device.type != "cpu" or scores.requires_grad:
        return scores.softmax(dim=-1)
    exps = (scores - scores.amax(dim=-1, keepdim=True)).exp_()
    return exps.div_(exps.sum(dim=-1, keepdim=True))


def _grouped(q: Tensor, k: Tensor, v: Tensor, groups: Groups, plan: Plan, *, dropout: float) -> Tensor:
    mixing = weights(groups.gather(q, groups.queries), groups.gather(k, groups.keys), plan)
    mixed = F.dropout(mixing, dropout, training=dropout > 0) @ groups.gather(v, groups.keys)
    return groups.mean(mixed, q.shape[-2])


def _sdpa(q: Tensor, k: Tensor, v: Tensor, plan: Plan, dropout: float) -> Tensor:
    if plan.allowed is None:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=plan.added, dropout_p=dropout)
    # torch gives NaN for a query without keys: let it attend to all, and zero the result.
    none = ~plan.allowed.any(dim=-1, keepdim=True)
    allowed = plan.allowed | none
    attn_mask = allowed if plan.added is None else plan.added.masked_fill(~allowed, -math.inf)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=attn_mask, dropout_p=dropout).masked_fill(none, 0.0)


def _along(v: Tensor, pairs: Segments, n_q: int, dropout: float) -> Tensor:
    """Softmax over the keys of each query, from a list of allowed pairs."""
    items, heads, _, width = v.shape
    rows = pairs.rows.unsqueeze(1).expand_as(pairs.scores)
    none = pairs.scores.new_full((items * n_q, heads), -math.inf)
    # The maximum of each query keeps exp finite; it cancels, so that it needs no gradient.
    exps = (pairs.scores - none.scatter_reduce(0, rows, pairs.scores.detach(), "amax").gather(0, rows)).exp()
    sums = torch.zeros_like(none).scatter_add(0, rows, exps)
    mixing = F.dropout(exps / sums.gather(0, rows), dropout, training=dropout > 0)
    mixed = v.new_zeros(items * n_q, heads, width)
    mixed = mixed.index_add(0, pairs.rows, mixing.unsqueeze(-1) * v[pairs.item, :, pairs.key])
    return torch.unflatten(mixed, 0, (items, n_q)).transpose(1, 2)


def _flex(q: Tensor, k: Tensor, v: Tensor, plan: Plan, allowed: Any) -> Tensor:
    run, blocks = _flexible(q.device.type)
    shape = (*q.shape[:3], k.shape[2])
    if allowed is None and plan.allowed is not None:
        allowed = table_mod(plan.allowed, shape)
    mask = None if allowed is None else blocks(allowed, *shape, device=q.device)
    mixed: Tensor = run(q, k, v, score_mod=score_mod(plan, q), block_mask=mask)
    return mixed


@lru_cache(maxsize=2)
def _flexible(device: str) -> tuple[Any, Any]:
    from torch.nn.attention import flex_attention as flex  # noqa: PLC0415 - a second's worth of imports

    run = torch.compile(flex.flex_attention) if device == "cuda" else flex.flex_attention
    return run, flex.create_block_mask
