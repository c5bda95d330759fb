"""Scaled dot-product attention, the one place where scores become weights.

``attend`` combines a pattern (allowed pairs), a bias (added to scores) and a backend; all backends equal ``dense``.
"""

import math
import warnings
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from deepconsensus_py.attention.checks import check_axes, check_shapes
from deepconsensus_py.attention.flexible import flex_plan, score_mod, table_mod
from deepconsensus_py.attention.groups import Groups, group, group_plan
from deepconsensus_py.attention.patterns import BlockLocal, Edges, Full
from deepconsensus_py.attention.plan import (
    KEPT_PAIRS,
    Coords,
    Plan,
    bias_of_heads,
    choose_backend,
    learned,
    places,
    plan,
)
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
        k: ``[B, h, n_k, d_k]``, or with fewer heads that divide ``h``, each of which several of the queries' share.
        v: ``[B, h, n_k, d_v]``, with as many heads as ``k``.
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
    check_shapes(q, k, v, coords, mask=mask, edges=edges)
    check_axes(pattern, bias, coords)
    given: dict[str, Any] = {"bias": bias, "coords": coords, "mask": mask, "edges": edges}
    pattern = Full() if isinstance(pattern, Full) and q.shape[2] == 1 else pattern  # the last token sees all
    if k.shape[1] < q.shape[1]:
        if q.shape[2] == 1 and isinstance(pattern, Full | BlockLocal) and backend == "auto" and need_weights is None:
            return _one_query(q, k, v, plan(q, k, pattern=pattern, **given), dropout)
        k, v = (x.repeat_interleave(q.shape[1] // k.shape[1], dim=1) for x in (k, v))
    options: dict[str, Any] = {"backend": backend, "dropout": dropout, "need_weights": need_weights}
    if isinstance(pattern, PerHead):
        return _per_head(q, k, v, pattern, given, **options)
    return _attend(q, k, v, pattern, given, **options)


def _attend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    pattern: Any,
    given: dict[str, Any],
    *,
    backend: str,
    dropout: float,
    need_weights: list[Tensor] | None,
) -> Tensor:
    """By one pattern; ``given`` are bias, coordinates, mask and edges."""
    bias, coords, mask = given["bias"], given["coords"], given["mask"]
    whole = need_weights is not None or (isinstance(bias, Shaw) and bias.value is not None)
    fused = not dropout and q.shape[-1] == v.shape[-1]
    chosen = choose_backend(backend, q, k, pattern, whole=whole, fused=fused)
    if isinstance(pattern, Routing) and pattern.training:
        pattern.follow(q, k, mask)
    if chosen == "blocked":
        mixed = _blocked(q, k, v, pattern, given, dropout=dropout)
        if mixed is not None:
            return mixed
        _warn_of_all_pairs(q, k, asked=backend)
    if chosen == "flex" and not dropout:
        return _flex(q, k, v, *flex_plan(q, k, pattern=pattern, **given))
    if chosen != "dense" and pattern == Full(causal=True) and bias is mask is None and q.shape[2] == k.shape[2]:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=dropout)
    pairs = plan(q, k, pattern=pattern, **given)
    if chosen != "dense" and not (backend == "auto" and learned(pairs, q)):
        return _sdpa(q, k, v, pairs, dropout)
    return _dense(q, k, v, pairs, bias=bias, coords=coords, dropout=dropout, need_weights=need_weights)


def _warn_of_all_pairs(q: Tensor, k: Tensor, *, asked: str) -> None:
    n_q, n_k = q.shape[2], k.shape[2]
    if asked == "auto" and n_q * n_k > KEPT_PAIRS:
        warnings.warn(
            f"the tokens are too scattered to be cut into blocks, so all {n_q} x {n_k} pairs are computed", stacklevel=4
        )


def _per_head(q: Tensor, k: Tensor, v: Tensor, pattern: PerHead, given: dict[str, Any], **options: Any) -> Tensor:
    maps: list[Tensor] = []
    wanted = options["need_weights"]
    mixed = [
        attend(
            *(q[:, own], k[:, own], v[:, own]),
            pattern=part,
            bias=bias_of_heads(given["bias"], own, q, k, coords=given["coords"], edges=given["edges"]),
            coords_q=given["coords"][0],
            coords_k=given["coords"][1],
            mask=given["mask"],
            edges=given["edges"],
            **{**options, "need_weights": None if wanted is None else maps},
        )
        for part, own in zip(pattern.parts, pattern.groups(q.shape[1]), strict=True)
    ]
    if wanted is not None:
        wanted.append(torch.cat(maps, dim=1))
    return torch.cat(mixed, dim=1)


def _dense(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    pairs: Plan,
    *,
    bias: Bias | None,
    coords: Coords,
    dropout: float,
    need_weights: list[Tensor] | None,
) -> Tensor:
    mixing = weights(q, k, pairs)
    if need_weights is not None:
        need_weights.append(mixing)
    mixing = F.dropout(mixing, dropout, training=dropout > 0)
    if isinstance(bias, Shaw) and bias.value is not None:
        return mixing @ v + bias.mixed(mixing, *places(q, k, coords))
    return mixing @ v


def weights(q: Tensor, k: Tensor, plan: Plan) -> Tensor:
    """The attention weights ``[B, h, n_q, n_k]`` of the reference, averaged over clusters if there are any."""
    if plan.allowed is not None and plan.allowed.dim() > q.dim():
        shares = weights(q.unsqueeze(2).expand(-1, -1, plan.allowed.shape[2], -1, -1), k.unsqueeze(2), plan)
        return shares.sum(2) / plan.allowed.any(-1, keepdim=True).sum(2).clamp(min=1)
    scores = (q / math.sqrt(q.shape[-1])) @ k.transpose(-1, -2)
    mixing = _softmax(scores if plan.numbers is None else scores.add_(plan.numbers))
    return _emptied(mixing, plan.empty)


def _emptied(rows: Tensor, empty: Tensor | None) -> Tensor:
    """Rows with 0 for the queries that have no key."""
    if empty is None:
        return rows
    # Whether there are any is not worth waiting for on a GPU, and not to be asked in compiled code.
    ask = empty.device.type == "cpu" and not torch.compiler.is_compiling()
    return rows if ask and not empty.any() else rows.masked_fill(empty, 0.0)


def _softmax(scores: Tensor) -> Tensor:
    """Softmax over the keys; torch's is scalar for rows shorter than a vector register, and five times slower."""
    if scores.shape[-1] >= SHORT_ROW or scores.device.type != "cpu" or scores.requires_grad:
        return scores.softmax(dim=-1)
    exps = (scores - scores.amax(dim=-1, keepdim=True)).exp_()
    return exps.div_(exps.sum(dim=-1, keepdim=True))


def _blocked(q: Tensor, k: Tensor, v: Tensor, pattern: Any, given: dict[str, Any], *, dropout: float) -> Tensor | None:
    """By groups of tokens, or by lists of edges; None where there are none."""
    bias, coords, mask, edges = (given[name] for name in ("bias", "coords", "mask", "edges"))
    if isinstance(pattern, Edges) and edges is not None:
        return _along(v, segments(q, k, edges, bias, coords=coords, mask=mask), q.shape[2], dropout)
    groups = group(q, k, pattern=pattern, coords=coords, mask=mask)
    if groups is None:
        return None
    return _grouped(q, k, v, groups, group_plan(groups, q, k, bias, coords=coords, edges=edges), dropout=dropout)


def _grouped(q: Tensor, k: Tensor, v: Tensor, groups: Groups, plan: Plan, *, dropout: float) -> Tensor:
    mixing = weights(groups.gather(q, groups.queries), groups.gather(k, groups.keys), plan)
    mixed = F.dropout(mixing, dropout, training=dropout > 0) @ groups.gather(v, groups.keys)
    return groups.mean(mixed, q.shape[-2])


def _sdpa(q: Tensor, k: Tensor, v: Tensor, plan: Plan, dropout: float) -> Tensor:
    numbers = plan.numbers
    # torch's kernel takes two axes or four.
    numbers = numbers.unsqueeze(0) if numbers is not None and numbers.dim() == 3 else numbers
    mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=numbers, dropout_p=dropout)
    return _emptied(mixed, plan.empty)


def _one_query(q: Tensor, k: Tensor, v: Tensor, plan: Plan, dropout: float) -> Tensor:
    """The last token of a sequence: the heads that share keys are so many queries of them, and no key is copied."""
    items, heads, _, d = q.shape

    def shared(x: Tensor | None) -> Tensor | None:
        if x is None:
            return None
        return x.expand(items, heads, *x.shape[-2:]).reshape(items, k.shape[1], -1, x.shape[-1])

    folded = Plan(None, None, shared(plan.empty), shared(plan.numbers))
    return _sdpa(q.reshape(items, k.shape[1], -1, d), k, v, folded, dropout).reshape(items, heads, 1, -1)


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
