"""Compiled trunks compute what others do; all but graphs in one piece."""

from typing import Any

import pytest
import torch

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import AttentionConfig, BiasConfig, TrunkConfig
from deepconsensus_py.attention.patterns import Full
from deepconsensus_py.attention.tokens import Tokens

ALIBI = (AttentionConfig(Full(causal=True), bias=BiasConfig("alibi")),)
PLANE = torch.cartesian_prod(torch.arange(8), torch.arange(8))
EDGES = torch.tensor([[[0, 1, 0], [1, 1, 0], [2, 2, 1]]] * 2)


def same(attention: tuple[AttentionConfig, ...], n: int, *, whole: bool = True, **given: Any) -> None:
    torch._dynamo.reset()
    torch.manual_seed(0)
    options = {name: given.pop(name) for name in ("position", "kv_heads") if name in given}
    trunk = Trunk(TrunkConfig(2, 16, 2, 32, attention, norm="layer", **options)).eval()
    for weight in trunk.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    compiled = torch.compile(trunk, fullgraph=whole, backend="aot_eager")
    tokens = Tokens(torch.randn(2, n, 16), **given)
    found = []
    for run in (trunk, compiled):
        trunk.zero_grad()
        out = run(tokens)
        out.square().sum().backward()
        found.append([out, *(weight.grad for weight in trunk.parameters() if weight.grad is not None)])
    assert len(found[0]) == len(found[1]) > 10
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("name", "n"), [("causal", 20), ("banded12", 50), ("banded12", 300), ("shaw", 20), ("music", 20), ("routing", 30)]
)
def test_compiled_trunks_are_in_one_piece(name: str, n: int) -> None:
    same(preset(name), n)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
def test_compiled_trunks_know_padding_places_and_graphs() -> None:
    mask = torch.ones(2, 20, dtype=torch.bool)
    mask[1, :5] = False
    same(ALIBI, 20, mask=mask, position="rotary", kv_heads=1)
    same(preset("halo"), 64, coords=PLANE)
    # Whether edges lead to nodes that are there is asked of their numbers, between two pieces.
    same(preset("edges"), 8, edges=EDGES, whole=False)
