"""Scaled dot-product attention, the one place where scores become weights.

``attend`` joins a pattern (which pairs meet), a bias (added to their scores) and a backend; all equal ``dense``.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from deepconsensus_py.attention.patterns import Pattern
from deepconsensus_py.attention.position import Bias

BACKENDS = ("dense", "sdpa")
Coords = tuple[Tensor | None, Tensor | None]  # of the queries and of the keys

# Up to here plain batched products are as fast on a CPU as the fused kernel, and faster than it with a mask in bf16.
DENSE_TOKENS = 256


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What pattern, bias and padding come to; both parts broadcast to ``[B, h, n_q, n_k]``, None says there is none."""

    allowed: Tensor | None  # bool
    added: Tensor | None  # float, added to the scaled scores


def attend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    pattern: Pattern,
    bias: Bias | None = None,
    coords_q: Tensor | None = None,
    coords_k: Tensor | None = None,
    mask: Tensor | None = None,
    backend: str = "auto",
    dropout: float = 0.0,
) -> Tensor:
    """Mix values by the softmax of ``q k^T / sqrt(d_k)`` over the allowed keys.

    Args:
        q: ``[B, h, n_q, d_k]``.
        k: ``[B, h, n_k, d_k]``.
        v: ``[B, h, n_k, d_v]``.
        pattern: which pairs are allowed.
        bias: what is added to the scores.
        coords_q: ``int64[n_q, dims]`` or ``int64[B, n_q, dims]``; None counts the tokens.
        coords_k: the same of the keys.
        mask: ``bool[B, n_k]``, True at real keys; None where all are real.
        backend: one of ``BACKENDS``, or ``auto``.
        dropout: probability that a weight is dropped; 0 outside training.

    Returns:
        ``[B, h, n_q, d_v]``; exactly 0 for a query with no allowed key, in every backend.
    """
    pairs = plan(q, k, pattern=pattern, bias=bias, coords=(coords_q, coords_k), mask=mask)
    if backend == "auto":
        backend = "dense" if q.device.type == "cpu" and k.shape[-2] <= DENSE_TOKENS else "sdpa"
    if backend == "dense":
        return F.dropout(weights(q, k, pairs), dropout, training=dropout > 0) @ v
    if backend == "sdpa":
        return _sdpa(q, k, v, pairs, dropout)
    raise ValueError(f"unknown attention backend {backend!r}; known are auto, {', '.join(BACKENDS)}")


def plan(q: Tensor, k: Tensor, *, pattern: Pattern, bias: Bias | None, coords: Coords, mask: Tensor | None) -> Plan:
    """The allowed pairs and the numbers added to their scores; arguments as those of ``attend``."""
    lengths = (q.shape[-2], k.shape[-2])
    places = [_count(n, q.device) if given is None else given for given, n in zip(coords, lengths, strict=True)]
    if pattern.unrestricted:
        allowed = None
    elif coords == (None, None):
        allowed = _counted(pattern, *lengths, q.device)
    else:
        allowed = pattern.allowed(*places).unsqueeze(-3)
    if mask is not None:
        real = mask[:, None, None, :]
        allowed = real if allowed is None else allowed & real
    if bias is None:
        return Plan(allowed, None)
    return Plan(allowed, bias.scores(q, *places) / (math.sqrt(q.shape[-1]) if bias.query_dependent else 1))


def _count(n: int, device: torch.device) -> Tensor:
    return torch.arange(n, device=device).unsqueeze(-1)


@lru_cache(maxsize=64)
def _counted(pattern: Pattern, n_q: int, n_k: int, device: torch.device) -> Tensor:
    # A mask first made while predicting is used again while training, which inference tensors forbid.
    with torch.inference_mode(False):
        return pattern.allowed(_count(n_q, device), _count(n_k, device))


def weights(q: Tensor, k: Tensor, plan: Plan) -> Tensor:
    """The weights ``[B, h, n_q, n_k]`` by which the reference mixes the values."""
    scores = (q / math.sqrt(q.shape[-1])) @ k.transpose(-1, -2)
    if plan.added is not None:
        scores = scores + plan.added
    if plan.allowed is None:
        return scores.softmax(dim=-1)
    forbidden = ~plan.allowed
    # The least finite number, not -inf: a query without keys gets numbers, and no NaN gradient, before they are zeroed.
    mixing = scores.masked_fill_(forbidden, torch.finfo(scores.dtype).min).softmax(dim=-1)
    return mixing.masked_fill(forbidden, 0.0) if forbidden.all(dim=-1).any() else mixing


def _sdpa(q: Tensor, k: Tensor, v: Tensor, plan: Plan, dropout: float) -> Tensor:
    if plan.allowed is None:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=plan.added, dropout_p=dropout)
    none = ~plan.allowed.any(dim=-1, keepdim=True)
    allowed = plan.allowed | none
    attn_mask = allowed if plan.added is None else plan.added.masked_fill(~allowed, -math.inf)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=attn_mask, dropout_p=dropout).masked_fill(none, 0.0)
