"""Positions: absolute ones added to tokens, and terms added to the scores of given pairs."""

import math
from functools import lru_cache
from typing import Protocol

import torch
from torch import Tensor, nn

from deepconsensus_py.attention.checks import real_edges
from deepconsensus_py.attention.patterns import edge_cells

KEPT_NUMBERS = 2**21  # numbers of a table that is kept from call to call
LONGEST_TIMESCALE = 10_000.0  # positions per radian of the slowest wave (Vaswani et al. 2017, section 3.5)


def sinusoid(positions: Tensor, d: int) -> Tensor:
    """Sinusoidal positions: the first half of the channels sines, the second half cosines of the same angles.

    Args:
        positions: integers of any shape.
        d: channels, even; timescales run geometrically from 1 to ``LONGEST_TIMESCALE``.

    Returns:
        ``float32[..., d]``, as the layer ``RelativePositionEmbedding`` of the TensorFlow model garden.
    """
    if d % 2 or d < 4:
        raise ValueError(f"sinusoidal positions need an even number of channels from 4 up, not {d}")
    steps = torch.arange(d // 2, device=positions.device, dtype=torch.float32)
    rates = torch.exp(steps * (-math.log(LONGEST_TIMESCALE) / (d // 2 - 1)))
    angles = positions.to(torch.float32).unsqueeze(-1) * rates
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


class Learned(nn.Module):
    """A learned vector for every place on each axis of the coordinates, to be added to the tokens.

    Args:
        sizes: places on each axis.
        d: width of the tokens.
    """

    def __init__(self, sizes: tuple[int, ...], d: int) -> None:
        super().__init__()
        self.tables = nn.ParameterList(torch.randn(size, d) * 0.02 for size in sizes)

    def forward(self, coords: Tensor) -> Tensor:
        """``float[..., d]`` of ``int64[..., dims]``.

        Raises:
            ValueError: a place is not on its axis, or there are other axes.
        """
        sizes = [len(table) for table in self.tables]
        if coords.shape[-1] != len(sizes):
            raise ValueError(f"coordinates have {coords.shape[-1]} axes, and there are places on {len(sizes)}")
        if ((coords < 0) | (coords >= torch.tensor(sizes, device=coords.device))).any():
            raise ValueError(f"a place lies outside of {sizes}, the places on the axes")
        rows = [table[places] for table, places in zip(self.tables, coords.unbind(-1), strict=True)]
        return torch.stack(rows).sum(0)


class Bias(Protocol):
    """A term added to the scores of pairs.

    Some have more: ``counted(q, n_q, n_k)``, the same as ``scores`` for tokens in a row; ``by_offset``, True where only
    offsets of coordinates matter, so that blocks share a term; ``by_head``, True where heads differ.
    """

    @property
    def query_dependent(self) -> bool:
        """A product with the query, so divided by the square root of the head's width as the scores are."""
        ...

    @property
    def by_token(self) -> bool:
        """Read by token index, so always made for all pairs; others are made for the pairs of any queries and keys."""
        ...

    def scores(self, q: Tensor, coords_q: Tensor, coords_k: Tensor) -> Tensor:
        """The term ``[..., n_q, n_k]`` from q ``[..., n_q, d_k]`` and coordinates ``int64[..., n, dims]``."""
        ...


class Additive:
    """Given numbers added to the scores.

    Args:
        values: broadcastable to ``[B, h, n_q, n_k]``.
    """

    query_dependent, by_token = False, True

    def __init__(self, values: Tensor) -> None:
        self.values = values

    def scores(self, q: Tensor, coords_q: Tensor, coords_k: Tensor) -> Tensor:  # noqa: ARG002
        """See ``Bias``."""
        return self.values


class Alibi:
    """A fixed slope per head times the distance, subtracted from the scores (Press et al. 2022).

    Slopes fall geometrically, by ``2 ** (-8 / heads)`` from one head to the next, as in the paper for powers of two and
    here for any number. Distances of several axes add up.

    Args:
        heads: heads of the queries.
    """

    query_dependent, by_token, by_head, by_offset = False, False, True, True

    def __init__(self, heads: int) -> None:
        self.slopes = tuple(2 ** (-8 * (head + 1) / heads) for head in range(heads))

    def of_heads(self, heads: slice) -> "Alibi":
        """That of some of the heads."""
        part = Alibi(1)
        part.slopes = self.slopes[heads]
        return part

    def scores(self, q: Tensor, coords_q: Tensor, coords_k: Tensor) -> Tensor:
        """See ``Bias``."""
        apart = (coords_q.unsqueeze(-2) - coords_k.unsqueeze(-3)).abs().sum(-1)
        slopes = torch.tensor(self.slopes, dtype=q.dtype, device=q.device)
        return apart * -slopes.view(-1, *[1] * (q.dim() - 2))

    def counted(self, q: Tensor, n_q: int, n_k: int) -> Tensor:
        """``scores`` of tokens in a row, kept from call to call."""
        few = len(self.slopes) * n_q * n_k <= KEPT_NUMBERS
        make = _kept_slopes if few else _kept_slopes.__wrapped__
        return make(self.slopes, n_q, n_k, q.dtype, q.device)


@lru_cache(maxsize=16)
def _kept_slopes(slopes: tuple[float, ...], n_q: int, n_k: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    # Kept tensors outlive inference mode, whose tensors cannot be used for training.
    with torch.inference_mode(False):
        apart = (torch.arange(n_q, device=device).unsqueeze(-1) - torch.arange(n_k, device=device)).abs()
        return apart * -torch.tensor(slopes, dtype=dtype, device=device).view(-1, 1, 1)


class EdgeType(nn.Module):
    """A learned number per type of edge and head, 0 where no edge is; edges as those of the pattern ``Edges``."""

    query_dependent, by_token = False, True

    def __init__(self, types: int, *, heads: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(types, heads))

    def scores(self, q: Tensor, coords_q: Tensor, coords_k: Tensor, edges: Tensor | None = None) -> Tensor:
        """See ``Bias``; edges that join the same pair add up."""
        n_q, n_k = coords_q.shape[-2], coords_k.shape[-2]
        real_edges(edges, n_q, n_k, types=len(self.table))
        cells = edge_cells(edges, n_q, n_k).unsqueeze(1).expand(-1, self.table.shape[1], -1)
        assert edges is not None
        values = self.table.to(q.dtype)[edges[..., 2].clamp(min=0)].transpose(1, 2)
        table = values.new_zeros(*cells.shape[:2], n_q * n_k + 1).scatter_add(-1, cells, values)
        return torch.unflatten(table[..., :-1], -1, (n_q, n_k))
