"""Every pattern with every bias in every backend equals attention written out with vectors of pairs."""

import itertools
import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from deepconsensus_py.attention import core, plan
from deepconsensus_py.attention.cost import largest_tensor
from deepconsensus_py.attention.groups import group
from deepconsensus_py.attention.patterns import BlockLocal, Edges, Full
from deepconsensus_py.attention.position import Additive, Alibi, EdgeType
from deepconsensus_py.attention.relative import Rel2D, Relative, Shaw, Skew
from deepconsensus_py.attention.rotary import Rotary
from deepconsensus_py.attention.routing import PerHead, Routing

B, H, D = 2, 4, 8
BACKENDS = sorted({*plan.BACKENDS} - {"flex"})
BIASES = ["none", "additive", "shaw", "skew", "skew one-sided", "rel2d", "edge type", "alibi"]
PATTERNS = ["full", "causal", "blocks", "band", "causal blocks", "edges", "routing", "per head"]


def rand(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def make_pattern(name: str, n: int, dims: int, heads: int = H) -> Any:
    torch.manual_seed(3)
    blocks = BlockLocal((3,) * dims, (2, 1))
    made: dict[str, Any] = {
        "full": Full(),
        "causal": Full(causal=True),
        "blocks": blocks,
        "band": BlockLocal((4,) * dims, 2, exact=(2,) * dims),
        "causal blocks": BlockLocal((2,) * dims, (3, 0), causal=True),
        "edges": Edges(),
    }
    if name == "routing":
        return Routing(3, max(1, n // 2), heads=heads, d=D).double().eval()
    if name == "per head":
        return PerHead(blocks, make_pattern("routing", n, dims, heads // 2)).eval()
    return made[name]


def make_bias(name: str, n: int) -> Any:
    torch.manual_seed(4)
    made: dict[str, Any] = {
        "none": None,
        "additive": Additive(rand(H, n, n, seed=5)),
        "shaw": Shaw(D, 3).double(),
        "skew": Skew(D, 5).double(),
        "skew one-sided": Skew(D, 5, one_sided=True).double(),
        "rel2d": Rel2D(D, (2, 3)).double(),
        "edge type": EdgeType(3, heads=H).double(),
        "alibi": Alibi(H),
    }
    if name == "edge type":
        torch.nn.init.normal_(made[name].table)
    return made[name]


def make_edges(n: int) -> Tensor:
    random = torch.Generator().manual_seed(6)
    edges = torch.cat([torch.randint(n, (B, 3 * n, 2), generator=random)], 1)
    edges = torch.cat([edges, torch.randint(3, (B, 3 * n, 1), generator=random)], 2)
    edges[1, -n:] = -1
    return edges


def added(bias: Any, q: Tensor, coords: Tensor, edges: Tensor) -> Tensor:
    """The term of the scores, made with a vector, or a number, for every pair."""
    n, width = q.shape[2], math.sqrt(D)
    if bias is None:
        return torch.zeros(B, H, n, n, dtype=q.dtype)
    if isinstance(bias, Additive):
        return bias.values.expand(B, H, n, n)
    if isinstance(bias, EdgeType):
        out = torch.zeros(B, H, n, n, dtype=q.dtype)
        rows = [(item, *edge) for item, own in enumerate(edges.tolist()) for edge in own if edge[0] >= 0]
        for item, i, j, kind in rows:
            out[item, :, i, j] += bias.table[kind].detach()
        return out
    if isinstance(bias, Alibi):
        apart = (coords[None] - coords[:, None]).abs().sum(-1)
        return torch.stack([-apart / 4.0 ** (head + 1) for head in range(H)]).to(q.dtype).expand(B, H, n, n)
    assert isinstance(bias, Relative)
    offsets = coords[None] - coords[:, None]
    vectors = torch.zeros(n, n, D, dtype=q.dtype)
    for axis, (table, reach) in enumerate(zip(bias.tables, bias.reaches, strict=True), -len(bias.reaches)):
        own = table[(offsets[..., axis].clamp(-reach, reach) + reach).clamp(max=len(table) - 1)]
        later = (offsets[..., axis] > 0).unsqueeze(-1) & (len(table) == reach + 1)
        vectors = vectors + own.masked_fill(later, 0.0)
    return torch.einsum("bhid,ijd->bhij", q, vectors).detach() / width


def softmaxed(scores: Tensor, allowed: Tensor) -> Tensor:
    """Weights over the allowed keys, 0 in rows that have none."""
    exps = scores.exp() * allowed
    return exps / exps.sum(-1, keepdim=True).clamp(min=1e-300)


def oracle(q: Tensor, k: Tensor, v: Tensor, pattern: Any, term: Tensor, coords: Tensor, **given: Any) -> Tensor:
    mask, edges = given["mask"], given["edges"]
    if isinstance(pattern, PerHead):
        groups = pattern.groups(H)
        parts = [
            oracle(q[:, g], k[:, g], v[:, g], part, term[:, g], coords, **given)
            for part, g in zip(pattern.parts, groups, strict=True)
        ]
        return torch.cat(parts, 1)
    scores = q @ k.transpose(-1, -2) / math.sqrt(D) + term
    if isinstance(pattern, Routing):
        allowed = pattern.allowed(q, k, mask)
        shares = softmaxed(scores.unsqueeze(2), allowed)
        return (shares.sum(2) / allowed.any(-1).sum(2).clamp(min=1).unsqueeze(-1)) @ v
    met = pattern.allowed(coords, coords, edges).unsqueeze(1) if isinstance(pattern, Edges) else None
    met = pattern.allowed(coords, coords) if met is None else met
    return softmaxed(scores, met if mask is None else met & mask[:, None, None]) @ v


def turned(x: Tensor, coords: Tensor) -> Tensor:
    """Pairs of channels as complex numbers, each times that of its angle; axes share the channels."""
    axes, n = coords.shape[-1], x.shape[2]
    pairs = D // axes // 2
    parts = x.view(B, -1, n, axes, 2, pairs)
    angles = coords[..., None] / 10_000.0 ** (torch.arange(pairs, dtype=x.dtype) / pairs)
    whole = torch.complex(parts[..., 0, :], parts[..., 1, :]) * torch.exp(1j * angles)
    return torch.stack([whole.real, whole.imag], dim=-2).view(x.shape)


def compare(
    pattern_name: str,
    bias_name: str,
    backend: str,
    shape: tuple[int, ...],
    *,
    padded: bool,
    kv_heads: int = H,
    rotary: bool = False,
) -> None:
    n = math.prod(shape)
    coords = torch.tensor(list(itertools.product(*map(range, shape))))
    q, k, v = (rand(B, heads, n, D, seed=i) for i, heads in enumerate((H, kv_heads, kv_heads)))
    mask = rand(B, n, seed=9) > 0 if padded else None
    if mask is not None:
        mask[1] &= torch.arange(n) > n // 2
    pattern, bias, edges = make_pattern(pattern_name, n, len(shape)), make_bias(bias_name, n), make_edges(n)
    given = {"mask": mask, "edges": edges}
    real_q, real_k = (turned(x, coords) for x in (q, k)) if rotary else (q, k)
    every = (x.repeat_interleave(H // kv_heads, 1) for x in (real_k, v))
    wanted = oracle(real_q, *every, pattern, added(bias, real_q, coords, edges), coords, **given)
    q, k = (Rotary(D)(x, coords) for x in (q, k)) if rotary else (q, k)
    # Sines of rotary positions are those of single precision.
    near = 1e-6 if rotary else 1e-10
    # Tokens in a row are counted if they have no coordinates, which is computed in other ways.
    for places in [coords] if len(shape) > 1 else [coords, None]:
        where: dict[str, Any] = {"coords_q": places, "coords_k": places}
        out = core.attend(q, k, v, pattern=pattern, bias=bias, backend=backend, **where, **given)
        torch.testing.assert_close(out, wanted, rtol=0, atol=near)
        assert out.abs().max() > 0 or n < 3 or padded


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_grid(pattern: str, bias: str, backend: str) -> None:
    shapes = [(3, 5), (1, 1), (2, 7)] if bias == "rel2d" else [(1,), (2,), (13,), (3, 5)]
    for shape, padded in itertools.product(shapes, (False, True)):
        compare(pattern, bias, backend, shape, padded=padded)


@pytest.mark.parametrize("backend", ["auto", *BACKENDS])
@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_shared_heads_and_turned_ones(pattern: str, bias: str, backend: str) -> None:
    shape = (3, 4) if bias == "rel2d" else (9,)
    for kv_heads, rotary in ((1, False), (2, True), (H, True)):
        compare(pattern, bias, backend, shape, padded=True, kv_heads=kv_heads, rotary=rotary)
        compare(pattern, bias, backend, (1,) * len(shape), padded=False, kv_heads=kv_heads, rotary=rotary)


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("bias", ["none", "additive", "skew", "edge type", "alibi"])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_flex(pattern: str, bias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Without a GPU it runs unfused, not compiled: what its closures say is what is tested.
    from torch.nn.attention import flex_attention

    monkeypatch.setattr(flex_attention, "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG", True)
    with torch.no_grad():
        for shape, padded in itertools.product([(1,), (13,), (3, 5)], (False, True)):
            compare(pattern, bias, "flex", shape, padded=padded)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_blocks_of_any_shape(data: st.DataObject, shape: list[int]) -> None:
    numbers = st.integers(0, 3)
    pattern = BlockLocal(
        tuple(data.draw(st.integers(1, 4)) for _ in shape),
        (data.draw(numbers), data.draw(numbers)),
        data.draw(st.none() | numbers),
        data.draw(st.booleans()),
    )
    coords = torch.tensor(list(itertools.product(*map(range, shape)))) + data.draw(st.integers(-5, 5))
    coords = coords[torch.randperm(len(coords), generator=torch.Generator().manual_seed(0))]
    q, k, v = (rand(1, 2, len(coords), D, seed=i) for i in range(3))
    options: dict[str, Any] = {"pattern": pattern, "coords_q": coords, "coords_k": coords}
    dense, blocked = (core.attend(q, k, v, backend=backend, **options) for backend in ("dense", "blocked"))
    torch.testing.assert_close(blocked, dense, rtol=0, atol=1e-10)
    met = group(q, k, pattern=pattern, coords=(coords, coords), mask=None)
    if met is not None:
        assert int(met.allowed.sum()) == int(pattern.allowed(coords, coords).sum())


def test_blocks_are_cut_where_they_can_be() -> None:
    q = rand(1, 1, 100, D)
    counted = group(q, q, pattern=BlockLocal(20, 12), coords=(None, None), mask=None)
    assert counted is not None
    assert counted.allowed.shape == (5, 20, 44)
    scattered = torch.arange(100).unsqueeze(-1) * 1000
    assert group(q, q, pattern=BlockLocal(20, 12), coords=(scattered, scattered), mask=None) is None
    assert group(q, q, pattern=Full(), coords=(None, None), mask=None) is None


@pytest.mark.parametrize("bias", ["none", "shaw", "skew", "skew one-sided"])
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("pattern", ["causal", "causal blocks"])
def test_causal_patterns_do_not_leak_through_biases(pattern: str, backend: str, bias: str) -> None:
    n = 9
    given = [rand(B, H, n, D, seed=i) for i in range(3)]
    options: dict[str, Any] = {
        "pattern": make_pattern(pattern, n, 1),
        "bias": make_bias(bias, n),
        "backend": backend,
    }
    before = core.attend(*given, **options)
    for j in range(1, n):
        changed = [x.clone() for x in given]
        for x in changed:
            x[:, :, j] += 3.0
        after = core.attend(*changed, **options)
        assert torch.equal(after[:, :, :j], before[:, :, :j])
        assert not torch.equal(after[:, :, j], before[:, :, j])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_scaling_the_queries_changes_the_output(pattern: str, backend: str) -> None:
    q, k, v = (rand(B, H, 13, D, seed=i) for i in range(3))
    made, edges = make_pattern(pattern, 13, 1), make_edges(13)
    out = [core.attend(x, k, v, pattern=made, edges=edges, backend=backend) for x in (q, 2 * q)]
    assert (out[0] - out[1]).abs().max() > 1e-3


@pytest.mark.parametrize("bias", BIASES[2:5])
@pytest.mark.parametrize("pattern", ["blocks", "routing", "per head"])
def test_gradients_of_groups_equal_those_of_dense(pattern: str, bias: str) -> None:
    mask = rand(B, 13, seed=9) > 0
    grads = []
    for backend in ("dense", "blocked"):
        q, k, v = (rand(B, H, 13, D, seed=i).requires_grad_() for i in range(3))
        made, term = make_pattern(pattern, 13, 1), make_bias(bias, 13)
        core.attend(q, k, v, pattern=made, bias=term, mask=mask, backend=backend).square().sum().backward()
        grads.append([x.grad for x in (q, k, v, term.tables[0])])
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_weights_mix_the_values(pattern: str) -> None:
    q, k, v = (rand(B, H, 7, D, seed=i) for i in range(3))
    maps: list[Tensor] = []
    out = core.attend(q, k, v, pattern=make_pattern(pattern, 7, 1), edges=make_edges(7), need_weights=maps)
    (weights,) = maps
    assert weights.shape == (B, H, 7, 7)
    torch.testing.assert_close(weights @ v, out, rtol=0, atol=1e-12)
    rows = weights.sum(-1)
    torch.testing.assert_close(rows, (rows > 0).double())


def test_gradients_along_edges_equal_those_of_dense() -> None:
    grads = []
    for backend in ("dense", "blocked"):
        q, k, v = (rand(B, H, 13, D, seed=i).requires_grad_() for i in range(3))
        term, edges = make_bias("edge type", 13), make_edges(13)
        core.attend(q, k, v, pattern=Edges(), bias=term, edges=edges, backend=backend).square().sum().backward()
        grads.append([x.grad for x in (q, k, v, term.table)])
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


def test_large_graphs_make_no_table_of_pairs() -> None:
    n = 3000
    q = torch.randn(1, 1, n, 8)
    edges = torch.randint(n, (1, 4 * n, 3))
    edges[..., 2] = 0
    made = largest_tensor(lambda: core.attend(q, q, q, pattern=Edges(), edges=edges))
    assert made < n * n // 8


def test_weights_of_all_pairs_are_there_in_dense_alone() -> None:
    q = rand(1, 1, 3, D)
    with pytest.raises(ValueError, match="in dense alone, not in sdpa"):
        core.attend(q, q, q, pattern=Full(), backend="sdpa", need_weights=[])
    with pytest.raises(ValueError, match="in dense alone, not in blocked"):
        core.attend(q, q, q, pattern=BlockLocal(2), backend="blocked", bias=Shaw(D, value=True).double())
