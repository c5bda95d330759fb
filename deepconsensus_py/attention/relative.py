"""Relative positions: products of the query with learned vectors by offset between key and query."""

import math
from functools import lru_cache

import torch
from torch import Tensor, nn


class Relative(nn.Module):
    """One table of vectors for each of the last axes of the coordinates; shared by all heads.

    Offsets are clipped to the tables' reach. Products are computed with the tables, a row per offset, and then looked
    up for every pair, so that no ``n_q n_k d_k`` tensor is needed.

    Args:
        d: width of a head.
        reaches: largest offset of each axis.
        later: whether later keys have vectors too; elsewhere they get 0.
    """

    query_dependent, by_token, by_offset = True, False, True

    def __init__(self, d: int, reaches: tuple[int, ...], *, later: bool = True) -> None:
        super().__init__()
        self.reaches, self.later = reaches, later
        sizes = [2 * reach + 1 if later else reach + 1 for reach in reaches]
        self.tables = nn.ParameterList(torch.randn(size, d) / math.sqrt(d) for size in sizes)

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.shape[-2] for table in self.tables)

    def scores(self, q: Tensor, coords_q: Tensor, coords_k: Tensor) -> Tensor:
        """See ``position.Bias``."""
        terms = []
        for axis in range(len(self.reaches)):
            offsets = _offsets(coords_q, coords_k, axis - len(self.reaches))
            term = _looked_up(self._products(q, axis), self._row(offsets, axis))
            terms.append(term if self.later else term.masked_fill(offsets > 0, 0.0))
        return terms[0] if len(terms) == 1 else terms[0] + terms[1]

    def counted(self, q: Tensor, n_q: int, n_k: int) -> Tensor:
        """``scores`` of tokens in a row, whose offsets are kept from call to call."""
        rows = _rows_in_a_row(n_q, n_k, self.reaches[0], self.later, q.device)
        term = _looked_up(self._products(q, 0), rows)
        return term if self.later else term.tril()

    def _products(self, q: Tensor, axis: int) -> Tensor:
        products: Tensor = q @ self.tables[axis].to(q.dtype).T
        return products

    def _row(self, offsets: Tensor, axis: int) -> Tensor:
        reach = self.reaches[axis]
        return offsets.clamp(-reach, reach if self.later else 0) + reach


KEPT_ROWS = 2**20


def _looked_up(products: Tensor, rows: Tensor) -> Tensor:
    return products.gather(-1, rows.expand(*products.shape[:-1], rows.shape[-1]))


def _rows_in_a_row(n_q: int, n_k: int, reach: int, later: bool, device: torch.device) -> Tensor:
    make = _kept_rows if n_q * n_k <= KEPT_ROWS else _kept_rows.__wrapped__
    return make(n_q, n_k, reach, later, device)


@lru_cache(maxsize=16)
def _kept_rows(n_q: int, n_k: int, reach: int, later: bool, device: torch.device) -> Tensor:
    # Kept tensors outlive inference mode, whose tensors cannot be used for training.
    with torch.inference_mode(False):
        offsets = torch.arange(n_k, device=device) - torch.arange(n_q, device=device).unsqueeze(-1)
        return offsets.clamp(-reach, reach if later else 0) + reach


def _offsets(coords_q: Tensor, coords_k: Tensor, axis: int) -> Tensor:
    return coords_k[..., axis].unsqueeze(-2) - coords_q[..., axis].unsqueeze(-1)


class Shaw(Relative):
    """A vector per clipped offset joins the key, and with ``value`` one joins the value (Shaw et al. 2018).

    The value term needs the weights of all pairs, so only the backend ``dense`` computes it.
    """

    def __init__(self, d: int, reach: int = 16, *, value: bool = False) -> None:
        super().__init__(d, (reach,))
        self.value = nn.Parameter(torch.randn(2 * reach + 1, d) / math.sqrt(d)) if value else None

    def mixed(self, weights: Tensor, coords_q: Tensor, coords_k: Tensor) -> Tensor:
        """What the value term adds, ``[B, h, n_q, d]``, from the weights ``[B, h, n_q, n_k]``."""
        assert self.value is not None
        index = self._row(_offsets(coords_q, coords_k, -1), 0).expand(weights.shape)
        sums = weights.new_zeros(*weights.shape[:-1], len(self.value)).scatter_add(-1, index, weights)
        return sums @ self.value.to(weights.dtype)


class Rel2D(Relative):
    """A vector per offset of rows and one of columns join the key (Bello et al. 2019); coordinates end in these two."""

    def __init__(self, d: int, reach: tuple[int, int]) -> None:
        super().__init__(d, reach)


class Halves(Relative):
    """As ``Rel2D``, but each head has its own vectors, which half of its channels use for rows, half for columns."""

    by_head = True

    def __init__(self, d: int, reach: tuple[int, int], *, heads: int) -> None:
        super().__init__(d // 2, reach)
        self.tables = nn.ParameterList(torch.randn(heads, *table.shape) / math.sqrt(d) for table in self.tables)

    def _products(self, q: Tensor, axis: int) -> Tensor:
        table = self.tables[axis].to(q.dtype)
        products: Tensor = q.chunk(2, dim=-1)[axis] @ table.view(len(table), *[1] * (q.dim() - 4), *table.shape[1:]).mT
        return products


class Skew(Relative):
    """The key term of ``Shaw`` by shifted rows, without a look-up, where tokens are consecutive (Huang et al. 2019).

    Args:
        d: width of a head.
        reach: largest offset; larger ones use the last vector.
        one_sided: keys after the query get 0, for causal attention; half the vectors.
    """

    def __init__(self, d: int, reach: int, *, one_sided: bool = False) -> None:
        super().__init__(d, (reach,), later=not one_sided)

    def scores(self, q: Tensor, coords_q: Tensor, coords_k: Tensor) -> Tensor:
        """See ``position.Bias``."""
        if not (_consecutive(coords_q) and _consecutive(coords_k)):
            return super().scores(q, coords_q, coords_k)
        return self._shifted(q, len(coords_q), len(coords_k), int(coords_k[0, -1] - coords_q[0, -1]))

    def counted(self, q: Tensor, n_q: int, n_k: int) -> Tensor:
        """See ``Relative.counted``."""
        return self._shifted(q, n_q, n_k, 0)

    def _shifted(self, q: Tensor, n_q: int, n_k: int, first: int) -> Tensor:
        """The products, where the first key lies ``first`` after the first query."""
        width = n_q + n_k - 1 if self.later else min(n_q + n_k - 1, max(n_q - first, n_k))
        offsets = torch.arange(width, device=q.device) + first - (n_q - 1)
        vectors = self.tables[0].to(q.dtype)[self._row(offsets, 0)]
        skewed = skew(q @ vectors.T, n_k)
        return skewed if self.later else skewed.tril(-first)


def _consecutive(coords: Tensor) -> bool:
    return coords.dim() == 2 and bool((coords[:, -1].diff() == 1).all())


def skew(products: Tensor, n_k: int) -> Tensor:
    """Shift row i of ``[..., n_q, width]`` left by ``n_q - 1 - i`` and keep ``n_k`` columns.

    One column of padding makes rows of width + 1 numbers; read in rows of width, they slip by one each. What slips in
    from the row below is only right of the columns that the caller asked products for.
    """
    n_q, width = products.shape[-2:]
    flat = nn.functional.pad(products, (0, 1)).flatten(-2)[..., n_q - 1 :]
    return torch.unflatten(flat[..., : n_q * width], -1, (n_q, width))[..., :n_k]
