"""What does not fit together is refused by every backend alike: never stretched, wrapped or misread."""

from typing import Any

import pytest
import torch
from torch import Tensor

from deepconsensus_py.attention.config import AttentionConfig, BiasConfig, PerHeadConfig
from deepconsensus_py.attention.core import attend
from deepconsensus_py.attention.multihead import MultiHead
from deepconsensus_py.attention.patterns import BlockLocal, Edges, Full
from deepconsensus_py.attention.plan import BACKENDS
from deepconsensus_py.attention.position import EdgeType, Learned
from deepconsensus_py.attention.relative import Rel2D
from deepconsensus_py.attention.rotary import Rotary
from deepconsensus_py.attention.routing import PerHead
from deepconsensus_py.attention.tokens import Tokens

ITEMS, HEADS, N, D = 2, 2, 4, 8


def mixed(n_k: int = N, **given: Any) -> Tensor:
    torch.manual_seed(0)
    q, k, v = (torch.randn(ITEMS, HEADS, n, D) for n in (N, n_k, n_k))
    return attend(q, k, v, **({"pattern": Full()} | given))


def edges(*rows: tuple[int, int, int]) -> Tensor:
    """Those of the second item; the first has one sound edge and padding."""
    padded = [(0, 0, 0)] + [(-1, -1, -1)] * (len(rows) - 1)
    return torch.tensor([padded, rows])


@pytest.mark.parametrize("backend", ["auto", *BACKENDS])
@pytest.mark.parametrize("row", [(0, 7, 0), (0, 4, 0), (4, 0, 0), (9, 9, 0)])
def test_an_edge_to_a_node_that_is_not_there_is_refused(backend: str, row: tuple[int, int, int]) -> None:
    with pytest.raises(
        ValueError, match=rf"edge \({row[0]}, {row[1]}, 0\) .* not there: there are 4 queries and 4 keys"
    ):
        mixed(pattern=Edges(), edges=edges((1, 2, 0), row), backend=backend)


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("backend", ["auto", *BACKENDS])
def test_an_edge_is_counted_among_queries_and_keys_of_their_own(backend: str) -> None:
    assert mixed(6, pattern=Edges(), edges=edges((3, 5, 0)), backend=backend)[1, :, 3].abs().sum() > 0
    with pytest.raises(ValueError, match="4 queries and 6 keys"):
        mixed(6, pattern=Edges(), edges=edges((5, 3, 0)), backend=backend)


@pytest.mark.parametrize("pattern", [Full(), Edges()])
@pytest.mark.parametrize("backend", ["dense", "sdpa", "blocked"])
@pytest.mark.parametrize("kind", [-1, 3])
def test_an_edge_of_no_known_type_is_refused(pattern: Full | Edges, backend: str, kind: int) -> None:
    bias = EdgeType(3, heads=HEADS)
    with pytest.raises(ValueError, match=rf"edge \(0, 1, {kind}\) .* is of none of the 3 types"):
        mixed(pattern=pattern, bias=bias, edges=edges((0, 1, kind)), backend=backend)


def test_pairs_of_edges_are_not_counted_where_there_are_none() -> None:
    with pytest.raises(ValueError, match="not there"):
        Edges().pairs((4,), edges((0, 7, 0)))


LINE, PLANE = torch.arange(N).unsqueeze(-1), torch.cartesian_prod(torch.arange(2), torch.arange(2))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"pattern": Edges(), "edges": torch.zeros(1, 2, 3, dtype=torch.int64)}, r"edges are int64\[2, e, 3\], not"),
        ({"pattern": Edges(), "edges": torch.zeros(2, 2, 2, dtype=torch.int64)}, r"not int64\[2, 2, 2\]"),
        ({"pattern": Edges(), "edges": torch.zeros(2, 2, 3)}, r"not float32\[2, 2, 3\]"),
        ({"coords_q": LINE[:1]}, r"coordinates of queries are int64\[4, dims\] .*, not int64\[1, 1\]"),
        ({"coords_k": LINE.expand(3, -1, -1)}, r"coordinates of keys are .*, not int64\[3, 4, 1\]"),
        ({"coords_k": LINE.double()}, r"coordinates of keys are .*, not float64\[4, 1\]"),
        ({"pattern": BlockLocal(2), "coords_q": PLANE, "coords_k": PLANE}, "queries have 2 axes, and the pattern 1"),
        ({"pattern": BlockLocal((2, 2)), "coords_q": LINE, "coords_k": LINE}, "queries have 1 axes, and the pattern 2"),
        ({"mask": torch.ones(2, 1, dtype=torch.bool)}, r"mask of keys is bool\[2, 4\], not bool\[2, 1\]"),
        ({"mask": torch.ones(1, 4, dtype=torch.bool)}, r"mask of keys is bool\[2, 4\], not bool\[1, 4\]"),
        ({"mask": torch.ones(2, 4)}, r"mask of keys is bool\[2, 4\], not float32\[2, 4\]"),
    ],
)
def test_what_has_another_size_is_refused(given: dict[str, Any], message: str, backend: str) -> None:
    with pytest.raises(ValueError, match=message):
        mixed(backend=backend, **given)


def test_keys_and_values_of_other_sizes_are_refused() -> None:
    q, k = torch.zeros(2, 2, 4, 8), torch.zeros(2, 2, 5, 8)
    for keys, values in ((k, q), (k[:1], k), (k[:, :1], k), (k[..., :4], k)):
        with pytest.raises(ValueError, match="do not fit together"):
            attend(q, keys, values, pattern=Full())
    with pytest.raises(ValueError, match=r"queries, keys and values are \[B, h, n, d\], not float32\[2, 4, 8\]"):
        attend(q[0], k, k, pattern=Full())
    with pytest.raises(ValueError, match="2 heads of queries cannot share 3 heads of keys"):
        attend(q, *[torch.zeros(2, 3, 5, 8)] * 2, pattern=Full())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"pattern": BlockLocal((2, 2))}, "queries are counted, which is one axis, and the pattern 2"),
        ({"pattern": BlockLocal((2, 2)), "coords_q": PLANE}, "keys are counted, which is one axis, and the pattern 2"),
        ({"bias": Rel2D(D, (1, 1))}, "queries are counted, which is one axis, and the bias reads 2"),
        ({"bias": Rel2D(D, (1, 1)), "coords_q": PLANE, "coords_k": LINE}, "keys have 1 axes, and the bias reads 2"),
        ({"pattern": PerHead(Full(), BlockLocal((2, 2)))}, "queries are counted, which is one axis"),
        ({"pattern": PerHead(*[Full()] * 3)}, "2 heads cannot be shared by 3 patterns"),
    ],
)
def test_axes_that_are_not_there_are_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mixed(**given)


def test_what_is_made_of_too_few_or_too_many_parts_is_refused() -> None:
    for given in (((2, 2), 1, (1,)), ((), 1), (2, (1, 1, 1))):
        with pytest.raises(ValueError, match="a block an axis"):
            BlockLocal(*given)
    with pytest.raises(ValueError, match=r"tokens in the shape \(4, 4\) have 2 axes, and BlockLocal.* 1"):
        BlockLocal(2).pairs((4, 4))
    with pytest.raises(ValueError, match="coordinates have 1 axes, and there are places on 2"):
        Learned((9, 5), 8)(LINE)
    for make in (PerHead, lambda: PerHeadConfig(())):
        with pytest.raises(ValueError, match="needs at least one"):
            make()
    with pytest.raises(ValueError, match="4 heads cannot be shared by 3 patterns"):
        MultiHead(d=8, heads=4, attention=AttentionConfig(PerHeadConfig((Full(),) * 3)))
    with pytest.raises(ValueError, match="4 heads of queries cannot share 3 heads"):
        MultiHead(d=8, heads=4, attention=AttentionConfig(Full()), kv_heads=3)
    with pytest.raises(ValueError, match="a head has 3"):
        Rotary(3)
    with pytest.raises(ValueError, match="2 axes cannot share the pairs of 6 channels of a head of 6"):
        Rotary(6)(torch.zeros(1, 1, 4, 6), PLANE)


@pytest.mark.parametrize("place", [-1, 5])
def test_a_place_off_its_axis_is_refused(place: int) -> None:
    learned = Learned((9, 5), 8)
    assert learned(torch.tensor([[8, 4]])).shape == (1, 8)
    with pytest.raises(ValueError, match=r"outside of \[9, 5\]"):
        learned(torch.tensor([[0, place]]))


@pytest.mark.parametrize("backend", ["dense", "blocked"])
def test_tokens_that_do_not_ask_have_no_edges(backend: str) -> None:
    torch.manual_seed(0)
    layer = MultiHead(d=8, heads=2, attention=AttentionConfig(Edges(), backend, bias=BiasConfig("edge_type", types=2)))
    tokens = Tokens(torch.randn(ITEMS, N, 8), edges=edges((0, 3, 1), (1, 2, 0), (2, 0, 1), (3, 1, 1)))
    first = layer(tokens.x, tokens, first=2)
    torch.testing.assert_close(first, layer(tokens.x, tokens)[:, :2])
