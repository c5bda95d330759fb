"""Plan an attention call: allowed pairs, terms added to their scores, and the backend."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from deepconsensus_py.attention.patterns import BlockLocal, Edges, Full, Pattern
from deepconsensus_py.attention.position import Additive, Alibi, Bias, EdgeType
from deepconsensus_py.attention.routing import Routing

Coords = tuple[Tensor | None, Tensor | None]  # of the queries and of the keys

BACKENDS = ("dense", "sdpa", "blocked", "flex")

# Beyond this many keys, blocks cost less than all pairs of which some are masked (`python benchmarks/attention.py`).
LOCAL_TOKENS = 256

# Plain products are faster than the fused kernel of a CPU for wide heads with gradients, and without gradients for
# narrow heads and few tokens that do not fill its registers of 16 numbers (`python benchmarks/attention.py --table`).
# The batch plays no part, so that an item is computed in the same way in any batch.
WIDE, WIDE_TOKENS = 192, range(33, 513)
NARROW, NARROW_TOKENS, REGISTER = 32, range(48), 16

# Beyond this a graph's table of pairs costs more than lists of its edges.
DENSE_NODES = 1024

# Tables of fixed patterns are kept up to this many pairs; larger ones are made in each call, which takes longer still.
KEPT_PAIRS = 2**21
KEPT = 32


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Pattern, bias and padding combined; all of it broadcasts to the scores.

    Attributes:
        allowed: bool; None where all pairs are.
        added: float, the bias of the scaled scores; None where there is none.
        empty: ``bool[..., n_q, 1]``, queries without an allowed key; None where each is known to have one.
        numbers: float, bias and mask in one: -inf at pairs that are not allowed, but in rows of ``empty``, whose
            softmax would be NaN; None if nothing is to be added.
    """

    allowed: Tensor | None
    added: Tensor | None = None
    empty: Tensor | None = None
    numbers: Tensor | None = None


def combined(allowed: Tensor, term: Tensor | None, dtype: torch.dtype, *, certain: bool = False) -> Plan:
    """The plan of a table of pairs and a bias; with ``certain``, it is found out whether queries are without keys."""
    empty: Tensor | None = ~allowed.any(dim=-1, keepdim=True)
    assert empty is not None
    forbidden = ~(allowed | empty)
    zeros = torch.zeros((), dtype=dtype, device=allowed.device) if term is None else term
    numbers = zeros.masked_fill(forbidden, -math.inf)
    # Compiled code cannot be asked for what is in a tensor.
    known = certain and not torch.compiler.is_compiling() and not empty.any()
    return Plan(allowed, term, None if known else empty, numbers)


def places(q: Tensor, k: Tensor, coords: Coords) -> tuple[Tensor, Tensor]:
    """The coordinates of queries and keys, ``int64[n, dims]`` or ``int64[B, 1, n, dims]``; counted if not given."""
    of_q, of_k = (
        token_coords(x.shape[-2], x.device) if given is None else given if given.dim() == 2 else given.unsqueeze(1)
        for given, x in zip(coords, (q, k), strict=True)
    )
    return of_q, of_k


def token_coords(n: int, device: torch.device) -> Tensor:
    """Coordinates of tokens in a row, ``int64[n, 1]``."""
    return torch.arange(n, device=device).unsqueeze(-1)


def plan(
    q: Tensor,
    k: Tensor,
    *,
    pattern: Pattern | Routing,
    bias: Bias | None,
    coords: Coords,
    mask: Tensor | None,
    edges: Tensor | None = None,
) -> Plan:
    """All pairs, ``[B, h, n_q, n_k]``, or ``[B, h, clusters, n, n]``; arguments as those of ``attend``."""
    term = added(bias, q, k, coords, edges)
    if isinstance(pattern, Routing):
        allowed = pattern.allowed(q, k, mask)
        return combined(allowed, term if term is None or term.dim() < 3 else term.unsqueeze(-3), q.dtype)
    real = None if mask is None else mask[:, None, None, :]
    if pattern.unrestricted:
        return Plan(None, term, None, term) if real is None else combined(real, term, q.dtype)
    if isinstance(pattern, Edges):
        allowed = pattern.allowed(*places(q, k, coords), edges).unsqueeze(1)
    elif isinstance(pattern, Full) or coords == (None, None):
        kept = counted(pattern, q.shape[-2], k.shape[-2], q.dtype, q.device)
        if real is None:
            assert kept.numbers is not None
            return kept if term is None else Plan(kept.allowed, term, kept.empty, term + kept.numbers)
        assert kept.allowed is not None
        allowed = kept.allowed
    else:
        allowed = pattern.allowed(*places(q, k, coords))
    return combined(allowed if real is None else allowed & real, term, q.dtype)


def counted(pattern: Pattern, n_q: int, n_k: int, dtype: torch.dtype, device: torch.device) -> Plan:
    """The plan of a pattern of tokens in a row, without bias and padding; kept from call to call."""
    make = _counted if n_q * n_k <= KEPT_PAIRS else _counted.__wrapped__
    return make(pattern, n_q, n_k, dtype, device)


@lru_cache(maxsize=KEPT)
def _counted(pattern: Pattern, n_q: int, n_k: int, dtype: torch.dtype, device: torch.device) -> Plan:
    # A mask first made while predicting is used again while training, which inference tensors forbid.
    with torch.inference_mode(False):
        allowed = pattern.allowed(token_coords(n_q, device), token_coords(n_k, device))
        return combined(allowed, None, dtype, certain=True)


def choose_backend(asked: str, q: Tensor, k: Tensor, pattern: Pattern | Routing, *, whole: bool, fused: bool) -> str:
    """The backend that computes it.

    Args:
        asked: its name, or ``auto``.
        q: the queries.
        k: the keys.
        pattern: which pairs are allowed.
        whole: the weights of all pairs are needed.
        fused: torch has a fused kernel of a CPU: no weights are dropped, and values are as wide as keys.
    """
    if asked not in (*BACKENDS, "auto"):
        raise ValueError(f"unknown attention backend {asked!r}; known are auto, {', '.join(BACKENDS)}")
    if whole and asked not in ("dense", "auto"):
        raise ValueError(f"weights of all pairs, and the value term of Shaw, are there in dense alone, not in {asked}")
    if whole or asked != "auto":
        # Clusters have no mask of their own, so they are never one fused call.
        return (
            "blocked" if asked in ("sdpa", "flex") and isinstance(pattern, Routing) else asked.replace("auto", "dense")
        )
    if isinstance(pattern, Routing):
        return "blocked"
    if isinstance(pattern, BlockLocal) and k.shape[-2] > LOCAL_TOKENS and q.shape[-2] > 1:
        return "blocked"
    if isinstance(pattern, Edges) and k.shape[-2] > DENSE_NODES:
        return "blocked"
    if q.device.type != "cpu":
        return "sdpa"
    return "sdpa" if fused and not _products_are_faster(q, k) else "dense"


def _products_are_faster(q: Tensor, k: Tensor) -> bool:
    width, tokens = q.shape[-1], k.shape[-2]
    if q.requires_grad:
        return width >= WIDE and tokens in WIDE_TOKENS
    return q.dtype == torch.float32 and width <= NARROW and tokens in NARROW_TOKENS and tokens % REGISTER > 0


def learned(plan: Plan, q: Tensor) -> bool:
    """Whether the bias needs a gradient, which torch's fused kernels of a CPU do not give."""
    return q.device.type == "cpu" and plan.added is not None and plan.added.requires_grad and torch.is_grad_enabled()


def bias_of_heads(
    bias: Bias | None, heads: slice, q: Tensor, k: Tensor, *, coords: Coords, edges: Tensor | None
) -> Bias | None:
    """The bias as some of the heads see it; those that are not read by token, nor learned by head, all heads share."""
    if isinstance(bias, Alibi):
        return bias.of_heads(heads)
    if bias is None or not (bias.by_token or getattr(bias, "by_head", False)):
        return bias
    scores = added(bias, q, k, coords, edges)
    assert scores is not None
    return Additive(scores.expand(*q.shape[:2], q.shape[-2], k.shape[-2])[:, heads])


def added(bias: Bias | None, q: Tensor, k: Tensor, coords: Coords, edges: Tensor | None) -> Tensor | None:
    """What a bias adds to the scaled scores of queries ``[..., n_q, d]`` and keys ``[..., n_k, d]``."""
    if bias is None:
        return None
    if coords == (None, None) and (in_row := getattr(bias, "counted", None)) is not None:
        term: Tensor = in_row(_scaled(bias, q), q.shape[-2], k.shape[-2])
        return term
    return near(bias, q, places(q, k, coords), edges)


def near(bias: Bias, q: Tensor, spread: tuple[Tensor, Tensor], edges: Tensor | None = None) -> Tensor:
    """The same by coordinates ``int64[..., n, dims]`` of queries and keys."""
    given: tuple[Any, ...] = (edges,) if isinstance(bias, EdgeType) else ()
    return bias.scores(_scaled(bias, q), *spread, *given).to(q.dtype)


def _scaled(bias: Bias, q: Tensor) -> Tensor:
    """Queries as those whose products with the keys are the scaled scores."""
    return q / math.sqrt(q.shape[-1]) if bias.query_dependent else q
