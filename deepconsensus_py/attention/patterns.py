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
        exact: half-width of the band on every axis, or None.
        causal: only keys up to the query in token order.
    """

    block: int | tuple[int, ...]
    halo: int | tuple[int, int] = 0
    exact: int | None = None
    causal: bool = False

    def __post_init__(self) -> None:
        if min(self._blocks) < 1 or min(self._halo) < 0 or (self.exact or 0) < 0:
            raise ValueError(f"{self}: blocks start at 1 token, halo and band at 0")

    @property
    def _blocks(self) -> tuple[int, ...]:
        return (self.block,) if isinstance(self.block, int) else self.block

    @property
    def _halo(self) -> tuple[int, int]:
        return (self.halo, self.halo) if isinstance(self.halo, int) else self.halo

    @property
    def unrestricted(self) -> bool:
        """See ``Pattern``."""
        return False

    def allowed(self, coords_q: Tensor, coords_k: Tensor) -> Tensor:
        """See ``Pattern``."""
        lo, hi = self._halo
        pairs = [self._axis(q, k) for q, k in zip(coords_q.unbind(-1), coords_k.unbind(-1), strict=True)]
        result = before(coords_q.shape[-2], coords_k.shape[-2], coords_q.device) if self.causal else None
        for block, (q, k) in zip(self._blocks, pairs, strict=True):
            start = q.div(block, rounding_mode="floor") * block
            near = (k >= start - lo) & (k < start + block + hi)
            if self.exact is not None:
                near &= (q - k).abs() <= self.exact
            result = near if result is None else result & near
        assert result is not None
        return result

    @staticmethod
    def _axis(q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        return q.unsqueeze(-1), k.unsqueeze(-2)

    def pairs(self, shape: Sequence[int]) -> int:
        """See ``Pattern``.

        The axes are independent, so all pairs are a product. A key precedes a query in row-major order iff they
        agree on the first axes and the key is smaller on the next one, whatever the axes after it.
        """
        counts = [self._axis_pairs(n, block) for n, block in zip(shape, self._blocks, strict=True)]
        if not self.causal:
            return math.prod(every for every, _ in counts)
        total = math.prod(shape)
        for axis, (_, smaller) in enumerate(counts):
            total += math.prod(shape[:axis]) * smaller * math.prod(every for every, _ in counts[axis + 1 :])
        return total

    def _axis_pairs(self, n: int, block: int) -> tuple[int, int]:
        """Pairs of one axis: all of them, and those whose key is smaller than the query."""
        spans = list(self._spans(n, block))
        return sum(end - start for _, start, end in spans), sum(q - start for q, start, _ in spans)

    def _spans(self, n: int, block: int) -> Iterator[tuple[int, int, int]]:
        lo, hi = self._halo
        reach = n if self.exact is None else self.exact
        for q in range(n):
            start = q // block * block
            yield q, max(0, start - lo, q - reach), min(n, start + block + hi, q + reach + 1)


PATTERNS: dict[str, type[Full] | type[BlockLocal]] = {"full": Full, "block_local": BlockLocal}


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
