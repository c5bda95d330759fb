"""Every pattern in every backend equals attention written out pair by pair."""

import math

import pytest
import torch
from torch import Tensor

from deepconsensus_py.attention import core, patterns, plan
from deepconsensus_py.attention.cost import largest_tensor
from deepconsensus_py.attention.patterns import BlockLocal, Full, Pattern
from deepconsensus_py.attention.position import Additive

BACKENDS = sorted({*plan.BACKENDS} - {"flex"})

PATTERNS: list[Pattern] = [
    Full(),
    Full(causal=True),
    BlockLocal(4),
    BlockLocal(4, (2, 0)),
    BlockLocal(5, 3, exact=3),
    BlockLocal(3, 1, causal=True),
]
SIZES = [1, 2, 7, 13]


def oracle(q: Tensor, k: Tensor, v: Tensor, allowed: Tensor, added: Tensor | None = None) -> Tensor:
    """Attention row by row, over the allowed keys alone; ``allowed`` is ``bool[B, n_q, n_k]``."""
    out = torch.zeros(*q.shape[:-1], v.shape[-1], dtype=q.dtype)
    for b in range(q.shape[0]):
        for h in range(q.shape[1]):
            for i in range(q.shape[2]):
                keys = allowed[b, i].nonzero().flatten()
                scores = k[b, h, keys] @ q[b, h, i] / math.sqrt(q.shape[-1])
                if added is not None:
                    scores = scores + added[i, keys]
                exps = (scores - scores.max()).exp() if len(keys) else scores
                out[b, h, i] = (exps / exps.sum()) @ v[b, h, keys] if len(keys) else 0.0
    return out


def tensors(n: int, n_k: int | None = None, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    n_k = n if n_k is None else n_k
    return tuple(  # type: ignore[return-value]
        torch.randn(2, 3, rows, d, generator=random, dtype=torch.float64) for rows, d in ((n, 5), (n_k, 5), (n_k, 4))
    )


def counted(pattern: Pattern, n: int) -> Tensor:
    places = torch.arange(n).unsqueeze(-1)
    return pattern.allowed(places, places)


def equal(a: Tensor, b: Tensor) -> None:
    torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
class TestOracle:
    def test_plain(self, pattern: Pattern, n: int, backend: str) -> None:
        q, k, v = tensors(n)
        equal(
            core.attend(q, k, v, pattern=pattern, backend=backend), oracle(q, k, v, counted(pattern, n).expand(2, n, n))
        )

    def test_padding_and_rows_without_keys(self, pattern: Pattern, n: int, backend: str) -> None:
        q, k, v = tensors(n)
        mask = torch.rand(2, n, generator=torch.Generator().manual_seed(1)) > 0.6
        mask[1] = False
        allowed = counted(pattern, n) & mask[:, None, :]
        out = core.attend(q, k, v, pattern=pattern, mask=mask, backend=backend)
        equal(out, oracle(q, k, v, allowed))
        assert (out.transpose(1, 2)[~allowed.any(-1)] == 0).all()

    def test_coordinates_per_item(self, pattern: Pattern, n: int, backend: str) -> None:
        q, k, v = tensors(n)
        coords = torch.stack([torch.arange(n) * 2, torch.arange(n).flip(0)]).unsqueeze(-1)
        allowed = pattern.allowed(coords, coords).expand(2, n, n)
        equal(
            core.attend(q, k, v, pattern=pattern, coords_q=coords, coords_k=coords, backend=backend),
            oracle(q, k, v, allowed),
        )

    def test_additive_bias(self, pattern: Pattern, n: int, backend: str) -> None:
        q, k, v = tensors(n)
        added = torch.randn(n, n, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
        equal(
            core.attend(q, k, v, pattern=pattern, bias=Additive(added), backend=backend),
            oracle(q, k, v, counted(pattern, n).expand(2, n, n), added),
        )


def test_every_registered_pattern_is_held_to_the_oracle() -> None:
    with_edges = {patterns.Edges}  # and all biases of any pattern: test_oracle.py
    assert {type(pattern) for pattern in PATTERNS} == set(patterns.PATTERNS.values()) - with_edges


class Product:
    """A bias that is a product of the query with a table by key."""

    query_dependent, by_token = True, False

    def __init__(self, table: Tensor) -> None:
        self.table = table

    def scores(self, q: Tensor, coords_q: Tensor, coords_k: Tensor) -> Tensor:
        return q @ self.table[coords_k[:, 0]].T


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_query_dependent_bias_is_scaled_as_the_scores_are(backend: str) -> None:
    q, k, v = tensors(7)
    table = torch.randn(7, 5, dtype=torch.float64)
    out = core.attend(q, k, v, pattern=Full(), bias=Product(table), backend=backend)
    equal(out, core.attend(q, k + table, v, pattern=Full(), backend="dense"))


@pytest.mark.parametrize("backend", BACKENDS)
def test_fewer_queries_than_keys(backend: str) -> None:
    q, k, v = tensors(9)
    whole = core.attend(q, k, v, pattern=Full(causal=True), backend=backend)
    equal(core.attend(q[:, :, -2:], k, v, pattern=Full(causal=True), backend=backend), whole[:, :, -2:])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("pattern", [p for p in PATTERNS if getattr(p, "causal", False)], ids=str)
def test_causal_patterns_do_not_leak(pattern: Pattern, backend: str) -> None:
    q, k, v = tensors(11)
    before = core.attend(q, k, v, pattern=pattern, backend=backend)
    for j in range(1, 11):
        changed = [x.clone() for x in (q, k, v)]
        for x in changed:
            x[:, :, j] += 3.0
        after = core.attend(*changed, pattern=pattern, backend=backend)
        assert torch.equal(after[:, :, :j], before[:, :, :j])
        assert not torch.equal(after[:, :, j], before[:, :, j])


@pytest.mark.parametrize("backend", BACKENDS)
def test_gradients_equal_those_of_the_oracle_and_are_finite_where_no_key_is(backend: str) -> None:
    given = [x.requires_grad_() for x in tensors(7)]
    mask = torch.tensor([[True] * 5 + [False] * 2, [False] * 7])
    core.attend(*given, pattern=BlockLocal(3, 1), mask=mask, backend=backend).square().sum().backward()
    ours = [x.grad for x in given]
    wanted = [x.detach().clone().requires_grad_() for x in given]
    oracle(*wanted, counted(BlockLocal(3, 1), 7) & mask[:, None, :]).square().sum().backward()
    for a, b in zip(ours, wanted, strict=True):
        assert a is not None
        assert b.grad is not None
        equal(a, b.grad)


@pytest.mark.parametrize("backend", BACKENDS)
def test_half_precision_stays_near(backend: str) -> None:
    q, k, v = tensors(13)
    exact = core.attend(q, k, v, pattern=BlockLocal(5, 3, exact=3))
    low = core.attend(*(x.bfloat16() for x in (q, k, v)), pattern=BlockLocal(5, 3, exact=3), backend=backend)
    torch.testing.assert_close(low.double(), exact, rtol=0, atol=0.05)


def test_a_mask_first_made_while_predicting_serves_training() -> None:
    plan._counted.cache_clear()
    q, k, v = (x.float() for x in tensors(6))
    with torch.inference_mode():
        core.attend(q, k, v, pattern=BlockLocal(2, 1))
    q.requires_grad_()
    core.attend(q, k, v, pattern=BlockLocal(2, 1)).sum().backward()
    assert q.grad is not None


@pytest.mark.parametrize("backend", BACKENDS)
def test_dropout_drops_weights_and_keeps_their_mean(backend: str) -> None:
    torch.manual_seed(0)
    q, k = torch.zeros(1, 1, 500, 4), torch.zeros(1, 1, 500, 4)
    v = torch.ones(1, 1, 500, 2)
    out = core.attend(q, k, v, pattern=Full(), dropout=0.5, backend=backend)
    assert out.std() > 0.01
    assert out.mean().item() == pytest.approx(1.0, abs=0.02)


def test_weights_mix_the_values() -> None:
    q, k, v = tensors(7)
    plan = core.plan(q, k, pattern=BlockLocal(3, 1), bias=None, coords=(None, None), mask=None)
    weights = core.weights(q, k, plan)
    equal(weights @ v, core.attend(q, k, v, pattern=BlockLocal(3, 1)))
    equal(weights.sum(-1), torch.ones(2, 3, 7, dtype=torch.float64))


def test_unknown_backends_are_named() -> None:
    with pytest.raises(ValueError, match="'magic'; known are auto, dense, sdpa"):
        core.attend(*tensors(2), pattern=Full(), backend="magic")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_gpu_equals_cpu(pattern: Pattern) -> None:
    q, k, v = tensors(13)
    out = core.attend(q.cuda(), k.cuda(), v.cuda(), pattern=pattern)
    equal(out.cpu(), core.attend(q, k, v, pattern=pattern, backend="dense"))


@pytest.mark.parametrize(
    ("n", "width", "gradients", "chosen"),
    [
        (25, 16, False, "dense"),
        (32, 16, False, "sdpa"),
        (25, 64, False, "sdpa"),
        (25, 16, True, "sdpa"),
        (100, 256, True, "dense"),
        (100, 256, False, "sdpa"),
        (600, 256, True, "sdpa"),
    ],
)
def test_width_and_length_choose_the_backend_and_the_batch_does_not(
    n: int, width: int, gradients: bool, chosen: str
) -> None:
    for items in (1, 64):
        q = torch.empty(items, 1, n, width, requires_grad=gradients)
        assert plan.choose_backend("auto", q, q, Full(), whole=False, fused=True) == chosen
        assert plan.choose_backend("auto", q, q, Full(), whole=False, fused=False) == "dense"


@pytest.mark.parametrize("pattern", [Full(), Full(causal=True), BlockLocal(20, 12, exact=12)], ids=str)
@pytest.mark.parametrize("n", [25, 100, 300])
@pytest.mark.parametrize("width", [16, 140])
def test_an_item_has_the_same_bits_in_any_batch(pattern: Pattern, n: int, width: int) -> None:
    q, k, v = torch.randn(3, 8, 2, n, width, generator=torch.Generator().manual_seed(0))
    together = core.attend(q, k, v, pattern=pattern)
    alone = [core.attend(q[i : i + 1], k[i : i + 1], v[i : i + 1], pattern=pattern) for i in range(8)]
    assert torch.equal(together, torch.cat(alone))


def test_causal_attention_makes_no_table_of_pairs() -> None:
    q = torch.randn(1, 1, 3000, 8, requires_grad=True)

    def run() -> None:
        core.attend(q, q, q, pattern=Full(causal=True)).sum().backward()

    assert largest_tensor(run) < 3000 * 3000 // 8
