"""Which queries may attend to which keys.

A pattern sees integer coordinates only (a column, a (pass, column) cell, a pixel), so one definition serves every
kind of token. Causality is the exception: it follows the token index, because the order in which tokens are
generated need not be that of their coordinates.
"""

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from deepconsensus_py.attention.checks import real_edges


class Pattern(Hashable, Protocol):
    """The contract of all patterns; they are frozen and hashable, so that their masks can be kept."""

    @property
    def unrestricted(self) -> bool:
        """True where every pair is allowed, so that no mask need be made."""
        ...

    def allowed(self, coords_q: Tensor, coords_k: Tensor) -> Tensor:
        """The definition: ``bool[..., n_q, n_k]`` from ``int64[..., n_q, dims]`` and ``int64[..., n_k, dims]``."""
        ...

    def pairs(self, shape: Sequence[int]) -> int:
        """Allowed pairs among tokens that fill a grid of this shape in row-major order, borders counted exactly."""
        ...


def before(n_q: int, n_k: int, device: torch.device) -> Tensor:
    """The causal mask ``bool[n_q, n_k]``; the queries are the last ``n_q`` of the keys."""
    return torch.ones(n_q, n_k, dtype=torch.bool, device=device).tril(n_k - n_q)


@dataclass(frozen=True, slots=True)
class Full:
    """Every key, or with ``causal`` every key up to the query itself."""

    causal: bool = False

    @property
    def unrestricted(self) -> bool:
        """See ``Pattern``."""
        return not self.causal

    def allowed(self, coords_q: Tensor, coords_k: Tensor) -> Tensor:
        """See ``Pattern``."""
        n_q, n_k = coords_q.shape[-2], coords_k.shape[-2]
        if self.causal:
            return before(n_q, n_k, coords_q.device)
        return torch.ones(n_q, n_k, dtype=torch.bool, device=coords_q.device)

    def pairs(self, shape: Sequence[int]) -> int:
        """See ``Pattern``."""
        n = math.prod(shape)
        return n * (n + 1) // 2 if self.causal else n * n


@dataclass(frozen=True, slots=True)
class BlockLocal:
    """The query's own block of each axis and a halo around it; with ``exact`` only keys that near the query.

    Key k is allowed for query q iff on every axis ``b * (q // b) - lo <= k < b * (q // b) + b + hi`` and, where
    ``exact`` is given, ``|q - k| <= exact``. Block and halo shape the computation, ``exact`` makes a band of it.

    Attributes:
        block: tokens of a block: one number for one axis, or one number per axis.
        halo: tokens beyond the block on both sides of every axis, or (before, after).
        exact: half-width of the band, or None: one for all axes, or one per axis.
        causal: only keys up to the query in token order.
    """

    block: int | tuple[int, ...]
    halo: int | tuple[int, int] = 0
    exact: int | tuple[int | None, ...] | None = None
    causal: bool = False

    def __post_init__(self) -> None:
        if not self.blocks or len(self.exacts) != len(self.blocks) or len(self.halos) != 2:
            raise ValueError(f"{self}: a block an axis, a band for all axes or one an axis, a halo or (before, after)")
        if min(self.blocks) < 1 or min(self.halos) < 0 or min(exact or 0 for exact in self.exacts) < 0:
            raise ValueError(f"{self}: blocks start at 1 token, halo and band at 0")

    @property
    def blocks(self) -> tuple[int, ...]:
        """Tokens of a block on each axis."""
        return (self.block,) if isinstance(self.block, int) else self.block

    @property
    def halos(self) -> tuple[int, int]:
        """Tokens before and after the block, on every axis."""
        return (self.halo, self.halo) if isinstance(self.halo, int) else self.halo

    @property
    def exacts(self) -> tuple[int | None, ...]:
        """Half-width of the band on each axis."""
        return self.exact if isinstance(self.exact, tuple) else (self.exact,) * len(self.blocks)

    @property
    def unrestricted(self) -> bool:
        """See ``Pattern``."""
        return False

    def allowed(self, coords_q: Tensor, coords_k: Tensor) -> Tensor:
        """See ``Pattern``."""
        lo, hi = self.halos
        result = Full(self.causal).allowed(coords_q, coords_k)
        places = zip(coords_q.unsqueeze(-2).unbind(-1), coords_k.unsqueeze(-3).unbind(-1), strict=True)
        for block, exact, (q, k) in zip(self.blocks, self.exacts, places, strict=True):
            start = q.div(block, rounding_mode="floor") * block
            result = result & (k >= start - lo) & (k < start + block + hi)
            if exact is not None:
                result &= (q - k).abs() <= exact
        return result

    def pairs(self, shape: Sequence[int]) -> int:
        """See ``Pattern``.

        The axes are independent, so all pairs are a product. A key precedes a query in row-major order iff they
        agree on the first axes and the key is smaller on the next one, whatever the axes after it.

        Raises:
            ValueError: the shape has other axes than the pattern.
        """
        if len(shape) != len(self.blocks):
            raise ValueError(
                f"tokens in the shape {tuple(shape)} have {len(shape)} axes, and {self} {len(self.blocks)}"
            )
        counts = [self._axis_pairs(*axis) for axis in zip(shape, self.blocks, self.exacts, strict=True)]
        if not self.causal:
            return math.prod(every for every, _ in counts)
        total = math.prod(shape)
        for axis, (_, smaller) in enumerate(counts):
            total += math.prod(shape[:axis]) * smaller * math.prod(every for every, _ in counts[axis + 1 :])
        return total

    def _axis_pairs(self, n: int, block: int, exact: int | None) -> tuple[int, int]:
        """Pairs of one axis: all of them, and those whose key is smaller than the query."""
        spans = list(self._spans(n, block, n if exact is None else exact))
        return sum(end - start for _, start, end in spans), sum(q - start for q, start, _ in spans)

    def _spans(self, n: int, block: int, reach: int) -> Iterator[tuple[int, int, int]]:
        lo, hi = self.halos
        for q in range(n):
            start = q // block * block
            yield q, max(0, start - lo, q - reach), min(n, start + block + hi, q + reach + 1)


@dataclass(frozen=True, slots=True)
class Edges:
    """The keys that a graph joins to the query; the edges come with each batch, as ``int64[B, e, 3]``.

    A row is (query, key, type) by token index; a row below 0 is padding, a token that is not there a ``ValueError``.
    """

    @property
    def unrestricted(self) -> bool:
        """See ``Pattern``."""
        return False

    def allowed(self, coords_q: Tensor, coords_k: Tensor, edges: Tensor | None = None) -> Tensor:
        """``bool[B, n_q, n_k]``; see ``Pattern``."""
        n_q, n_k = coords_q.shape[-2], coords_k.shape[-2]
        cells = edge_cells(edges, n_q, n_k)
        joined = torch.zeros(len(cells), n_q * n_k + 1, dtype=torch.bool, device=cells.device).scatter(1, cells, True)
        return torch.unflatten(joined[:, :-1], 1, (n_q, n_k))

    def pairs(self, shape: Sequence[int], edges: Tensor | None = None) -> int:
        """Distinct pairs, of all items together; see ``Pattern``."""
        n = math.prod(shape)
        cells = edge_cells(edges, n, n)
        items = torch.arange(len(cells), device=cells.device).unsqueeze(1) * n * n
        return int(torch.unique((cells + items)[cells < n * n]).numel())


def edge_cells(edges: Tensor | None, n_q: int, n_k: int) -> Tensor:
    """Where edges lie in the flattened table of pairs, ``int64[B, e]``; padding in one cell beyond it."""
    real = real_edges(edges, n_q, n_k)
    assert edges is not None
    return (edges[..., 0] * n_k + edges[..., 1]).where(real, n_q * n_k)


PATTERNS: dict[str, type[Full] | type[BlockLocal] | type[Edges]] = {
    "full": Full,
    "block_local": BlockLocal,
    "edges": Edges,
}


def pattern_to_dict(pattern: Pattern) -> dict[str, Any]:
    """A pattern as plain JSON values: its registered kind and its fields."""
    for kind, cls in PATTERNS.items():
        if isinstance(pattern, cls):
            return {"kind": kind, **asdict(pattern)}
    raise ValueError(f"{pattern} is not a registered pattern ({', '.join(PATTERNS)})")


def pattern_from_dict(values: Mapping[str, Any]) -> Pattern:
    """The pattern of ``pattern_to_dict``."""
    fields: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
    kind = fields.pop("kind", None)
    if kind not in PATTERNS:
        raise ValueError(f"unknown attention pattern {kind!r}; known are {', '.join(PATTERNS)}")
    return PATTERNS[kind](**fields)
