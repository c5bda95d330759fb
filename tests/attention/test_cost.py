"""The numbers of the cost table."""

from functools import partial

import pytest
import torch
from torch import nn

from deepconsensus_py.attention import core
from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.config import AttentionConfig, TrunkConfig
from deepconsensus_py.attention.cost import cost, largest_tensor, layer_cost
from deepconsensus_py.attention.patterns import BlockLocal, Edges, Full
from deepconsensus_py.attention.relative import Shaw, Skew
from deepconsensus_py.attention.routing import AnyPattern, PerHead, Routing
from deepconsensus_py.attention.tokens import Tokens

COLUMNS, CELLS = ((100,), 280, 2048), ((20, 100), 64, 256)
Trunks = tuple[tuple[int, ...], int, int]


@pytest.mark.parametrize(
    ("trunk", "pattern", "pairs", "flops", "percent"),
    [
        (COLUMNS, Full(), 10_000, 112_000, 3.7),
        (COLUMNS, BlockLocal(20, 12), 3_920, 43_904, 1.5),
        (COLUMNS, BlockLocal(20, 12, exact=12), 2_344, 26_253, 0.9),
        (CELLS, Full(), 4_000_000, 512_000, 84),
        (CELLS, BlockLocal((20, 10), 12), 1_248_000, 159_744, 62),
        (CELLS, BlockLocal((20, 10), 12, exact=(None, 12)), 937_600, 120_013, 55),
        (CELLS, Routing(45, 45, heads=1, d=64), 91_125, 11_664, 19),
        (CELLS, BlockLocal((1, 1), 3), 88_064, 11_272, 10),
    ],
)
def test_one_layer(trunk: Trunks, pattern: AnyPattern, pairs: int, flops: int, percent: float) -> None:
    shape, d, ff = trunk
    layer = layer_cost(pattern, shape, d=d, ff=ff)
    assert layer.pairs == pairs
    assert round(layer.attention) == flops
    assert layer.gemm == {280: 2_920_960, 64: 98_304}[d]
    own = layer.attention + layer.extra
    assert 100 * own / (own + layer.gemm) == pytest.approx(percent, abs=0.5 if percent > 5 else 0.05)


def test_axial_attention_needs_two_layers() -> None:
    shape, d, ff = CELLS
    layers = [layer_cost(BlockLocal(block), shape, d=d, ff=ff) for block in ((1, 100), (20, 1))]
    assert sum(layer.pairs for layer in layers) == 240_000
    assert sum(layer.attention for layer in layers) / 2 == 15_360


def test_what_is_needed_beside_the_pairs() -> None:
    shape, d, ff = CELLS
    routing = Routing(45, 45, heads=2, d=32)
    assert layer_cost(routing, shape, d=d, ff=ff).extra == 11_520
    assert layer_cost(PerHead(Full(), routing), shape, d=d, ff=ff).extra == 5_760
    assert layer_cost(PerHead(Full(), routing), shape, d=d, ff=ff).pairs == (4_000_000 + 91_125) / 2
    assert layer_cost(Full(), shape, d=d, ff=ff, rows=Shaw(32, 16).rows).extra == 2 * 64 * 33


def test_edges_cost_what_they_are() -> None:
    edges = torch.tensor([[[0, 1, 0], [0, 1, 1], [2, 2, 0], [-1, -1, -1]]])
    assert layer_cost(Edges(), (5,), d=8, ff=8, edges=edges).pairs == 2


def test_a_trunk_has_its_row() -> None:
    trunk = Trunk(TrunkConfig(2, 16, 2, 32, (AttentionConfig(Full(), "dense"),)))
    trunk.encoder.norm.requires_grad_(False)
    layers = [layer_cost(Full(), (50,), d=16, ff=32)] * 2
    x = torch.zeros(3, 50, 16)
    row = cost(lambda: trunk(Tokens(x)), trunk, layers, items=3, repeats=2)
    assert row.parameters == sum(p.numel() for p in trunk.parameters()) == row.trainable + 32
    assert row.weight_bytes == 4 * row.parameters
    assert row.gemm == 2 * 50 * (8 * 16**2 + 4 * 16 * 32)
    assert row.attention == 2 * 50 * 4 * 16 * 50
    assert row.pairs == 2 * 50 * 50
    assert row.largest_bytes == 3 * 2 * 50 * 50 * 4
    assert row.per_second == pytest.approx(3000 / row.ms)


def test_depth_that_shares_weights_has_a_sixth_of_the_parameters_and_all_the_operations() -> None:
    layers = [layer_cost(Full(), (4,), d=8, ff=8)] * 6
    shared, x = nn.Linear(8, 8), torch.zeros(4, 8)
    own = nn.ModuleList(nn.Linear(8, 8) for _ in range(6))
    rows = [cost(lambda: shared(x), module, layers, items=1, repeats=1) for module in (shared, own)]
    assert rows[1].parameters == 6 * rows[0].parameters
    assert rows[0].gemm == rows[1].gemm


@pytest.mark.parametrize("bias", [Shaw(64, 511), Skew(64, 511), Skew(64, 511, one_sided=True)])
def test_relative_terms_never_make_vectors_of_pairs(bias: Shaw | Skew) -> None:
    n = 512
    q = torch.zeros(1, 1, n, 64)
    largest = largest_tensor(lambda: core.attend(q, q, q, pattern=Full(causal=True), bias=bias, backend="dense"))
    assert n * n * 64 * 4 >= 50 / 4 * largest
    assert largest <= 8 * n * (2 * n + 1)


def test_blocks_never_make_scores_of_all_pairs() -> None:
    q = torch.zeros(1, 1, 1400, 8)
    band = BlockLocal(20, 12, exact=12)
    sizes = {}
    for backend in ("blocked", "dense"):
        run = partial(core.attend, q, q, q, pattern=band, backend=backend)
        run()  # what a pattern comes to at a length is kept
        sizes[backend] = largest_tensor(run)
    assert sizes["dense"] == 4 * 1400 * 1400
    assert sizes["blocked"] <= 4 * 1400 * 44
