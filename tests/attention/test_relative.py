"""Relative terms are what vectors of pairs would give, wherever tokens lie."""

import math

import pytest
import torch
from torch import Tensor

from deepconsensus_py.attention import core
from deepconsensus_py.attention.patterns import BlockLocal, Full
from deepconsensus_py.attention.relative import Rel2D, Relative, Shaw, Skew, skew

D = 5


def rand(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def row(n: int, first: int = 0) -> Tensor:
    return torch.arange(first, first + n).unsqueeze(-1)


@pytest.mark.parametrize("one_sided", [False, True])
@pytest.mark.parametrize("reach", [0, 3, 20])
@pytest.mark.parametrize(("n_q", "n_k", "first"), [(1, 1, 0), (7, 7, 0), (3, 9, 0), (9, 3, 0), (4, 9, 5), (4, 3, -8)])
def test_shifting_rows_equals_looking_up(n_q: int, n_k: int, first: int, reach: int, one_sided: bool) -> None:
    bias, q = Skew(D, reach, one_sided=one_sided).double(), rand(2, 3, n_q, D)
    coords = row(n_q, first), row(n_k)
    torch.testing.assert_close(bias.scores(q, *coords), Relative.scores(bias, q, *coords), rtol=0, atol=1e-12)


def test_skew_shifts_each_row_by_one_more() -> None:
    products = torch.arange(3 * 5).view(3, 5)
    assert skew(products, 3).tolist() == [[2, 3, 4], [6, 7, 8], [10, 11, 12]]


def test_tokens_that_are_not_consecutive_are_looked_up() -> None:
    bias, q = Skew(D, 4).double(), rand(1, 1, 6, D)
    order = torch.tensor([3, 0, 5, 1, 2, 4])
    inside = bias.scores(q[:, :, order], row(6)[order], row(6)[order])
    whole = Relative.scores(bias, q, row(6), row(6))
    torch.testing.assert_close(inside, whole[:, :, order][..., order], rtol=0, atol=1e-12)


def test_shaw_equals_vectors_added_to_keys_and_values() -> None:
    bias, n = Shaw(D, 2, value=True).double(), 7
    q, k, v = (rand(2, 3, n, D, seed=i) for i in range(3))
    offsets = (row(n).T - row(n)).clamp(-2, 2) + 2
    assert bias.value is not None
    for pattern in (Full(), Full(causal=True), BlockLocal(3, 1)):
        keys = k.unsqueeze(2) + bias.tables[0][offsets]
        scores = torch.einsum("bhid,bhijd->bhij", q, keys) / math.sqrt(D)
        shares = scores.masked_fill(~pattern.allowed(row(n), row(n)), -math.inf).softmax(-1)
        wanted = torch.einsum("bhij,bhijd->bhid", shares, v.unsqueeze(2) + bias.value[offsets])
        out = core.attend(q, k, v, pattern=pattern, bias=bias)
        torch.testing.assert_close(out, wanted, rtol=0, atol=1e-10)


@pytest.mark.parametrize("bias", [Shaw(D, 3, value=True), Skew(D, 9)])
def test_shifting_the_tokens_inside_padding_shifts_the_output(bias: Relative) -> None:
    bias, x = bias.double(), rand(1, 2, 6, D)
    outs = []
    for shift in (0, 4):
        padded = torch.zeros(1, 2, 12, D, dtype=x.dtype)
        padded[:, :, shift : shift + 6] = x
        mask = torch.zeros(1, 12, dtype=torch.bool)
        mask[:, shift : shift + 6] = True
        out = core.attend(padded, padded, padded, pattern=Full(), bias=bias, mask=mask)
        outs.append(out[:, :, shift : shift + 6])
    torch.testing.assert_close(outs[0], outs[1], rtol=0, atol=1e-12)


def test_rel2d_reads_the_last_two_coordinates() -> None:
    bias, q = Rel2D(D, (2, 3)).double(), rand(1, 1, 12, D)
    cells = torch.cartesian_prod(torch.arange(3), torch.arange(4))
    rows, columns = bias.tables
    scores = bias.scores(q, cells, cells)
    assert bias.rows == len(rows) + len(columns) == 5 + 7
    for i, j in ((0, 11), (11, 0), (5, 5), (2, 9)):
        dy, dx = (cells[j] - cells[i]).tolist()
        torch.testing.assert_close(scores[0, 0, i, j], q[0, 0, i] @ (rows[dy + 2] + columns[dx + 3]))
    types = torch.cat([torch.full((12, 1), 9), cells], 1)
    assert torch.equal(bias.scores(q, types, types), scores)


@pytest.mark.parametrize("backend", ["dense", "blocked"])
@pytest.mark.parametrize("bias", [Shaw(D, 3), Skew(D, 3), Skew(D, 3, one_sided=True), Rel2D(D, (2, 2))])
def test_coordinates_per_item(bias: Relative, backend: str) -> None:
    q, k, v = (rand(2, 2, 6, D, seed=i) for i in range(3))
    coords = torch.stack([torch.stack([row(6)[:, 0], row(6)[:, 0] // 2], 1), torch.randint(9, (6, 2))])
    options = {"pattern": BlockLocal((3, 3), 1), "bias": bias.double(), "backend": backend}
    both = core.attend(q, k, v, coords_q=coords, coords_k=coords, **options)
    for i in range(2):
        one = core.attend(q[i : i + 1], k[i : i + 1], v[i : i + 1], coords_q=coords[i], coords_k=coords[i], **options)
        torch.testing.assert_close(both[i : i + 1], one, rtol=0, atol=1e-12)
