"""Plan an attention call: allowed pairs, terms added to their scores, and the backend."""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from deepconsensus_py.attention.patterns import BlockLocal, Edges, Pattern
from deepconsensus_py.attention.position import Additive, Bias, EdgeType
from deepconsensus_py.attention.routing import Routing

Coords = tuple[Tensor | None, Tensor | None]  # of the queries and of the keys

BACKENDS = ("dense", "sdpa", "blocked", "flex")

# Up to here plain batched products are as fast on a CPU as the fused kernel, and faster than it with a mask in bf16.
DENSE_TOKENS = 256

# Beyond this a graph's table of pairs costs more than lists of its edges.
DENSE_NODES = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Pattern, bias and padding combined; both parts broadcast to the scores, None means absent."""

    allowed: Tensor | None  # bool
    added: Tensor | None  # float, added to the scaled scores


def places(q: Tensor, k: Tensor, coords: Coords) -> tuple[Tensor, Tensor]:
    """The coordinates of queries and keys, ``int64[n, dims]`` or ``int64[B, 1, n, dims]``; counted if not given."""
    of_q, of_k = (
        token_coords(x.shape[-2], x.device) if given is None else given if given.dim() == 2 else given.unsqueeze(1)
        for given, x in zip(coords, (q, k), strict=True)
    )
    return of_q, of_k


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
    spread = places(q, k, coords)
    if isinstance(pattern, Routing):
        allowed: Tensor | None = pattern.allowed(q, k, mask)
        term = added(bias, q, spread, edges)
        return Plan(allowed, term if term is None else term.unsqueeze(-3))
    if pattern.unrestricted:
        allowed = None
    elif isinstance(pattern, Edges):
        allowed = pattern.allowed(*spread, edges).unsqueeze(1)
    elif coords == (None, None):
        allowed = _counted(pattern, q.shape[-2], k.shape[-2], q.device)
    else:
        allowed = pattern.allowed(*spread)
    if mask is not None:
        real = mask[:, None, None, :]
        allowed = real if allowed is None else allowed & real
    return Plan(allowed, added(bias, q, spread, edges))


def choose_backend(asked: str, q: Tensor, k: Tensor, pattern: Pattern | Routing, *, whole: bool) -> str:
    """The backend that computes it; with ``whole``, one that makes the weights of all pairs."""
    if asked not in (*BACKENDS, "auto"):
        raise ValueError(f"unknown attention backend {asked!r}; known are auto, {', '.join(BACKENDS)}")
    if whole and asked not in ("dense", "auto"):
        raise ValueError(f"weights of all pairs, and the value term of Shaw, are there in dense alone, not in {asked}")
    short = k.shape[-2] <= DENSE_TOKENS
    if whole or asked != "auto":
        # Clusters have no mask of their own, so they are never one fused call.
        return (
            "blocked" if asked in ("sdpa", "flex") and isinstance(pattern, Routing) else asked.replace("auto", "dense")
        )
    if isinstance(pattern, Routing) or (isinstance(pattern, BlockLocal) and not short):
        return "blocked"
    if isinstance(pattern, Edges):
        return "dense" if k.shape[-2] <= DENSE_NODES else "blocked"
    return "dense" if q.device.type == "cpu" and short else "sdpa"


def bias_of_heads(
    bias: Bias | None, heads: slice, q: Tensor, k: Tensor, *, coords: Coords, edges: Tensor | None
) -> Bias | None:
    """The bias as some of the heads see it; those that are not read by token are shared by all heads."""
    if bias is None or not bias.by_token:
        return bias
    scores = added(bias, q, places(q, k, coords), edges)
    assert scores is not None
    return Additive(scores.expand(*q.shape[:2], q.shape[-2], k.shape[-2])[:, heads])


def added(bias: Bias | None, q: Tensor, spread: tuple[Tensor, Tensor], edges: Tensor | None) -> Tensor | None:
    """What a bias adds to the scaled scores of queries ``[..., n_q, d]``, by their and the keys' coordinates."""
    if bias is None:
        return None
    scores = bias.scores(q, *spread, edges) if isinstance(bias, EdgeType) else bias.scores(q, *spread)
    return scores / math.sqrt(q.shape[-1]) if bias.query_dependent else scores


def token_coords(n: int, device: torch.device) -> Tensor:
    """Coordinates of tokens in a row, ``int64[n, 1]``."""
    return torch.arange(n, device=device).unsqueeze(-1)


@lru_cache(maxsize=64)
def _counted(pattern: Pattern, n_q: int, n_k: int, device: torch.device) -> Tensor:
    # A mask first made while predicting is used again while training, which inference tensors forbid.
    with torch.inference_mode(False):
        return pattern.allowed(token_coords(n_q, device), token_coords(n_k, device))
