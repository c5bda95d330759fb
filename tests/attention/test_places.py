"""Tokens that share places, or have places of their own in each item, are cut into blocks as others are."""

import warnings
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from deepconsensus_py.attention import core, plan
from deepconsensus_py.attention.cost import largest_tensor
from deepconsensus_py.attention.groups import group
from deepconsensus_py.attention.patterns import BlockLocal
from deepconsensus_py.attention.position import Bias
from deepconsensus_py.attention.relative import Rel2D, Shaw

B, H, D = 2, 2, 6


def rand(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def drawn(n: int, dims: int, most: int, seed: int, *, items: int | None) -> Tensor:
    shape = (n, dims) if items is None else (items, n, dims)
    return torch.randint(-most, most + 1, shape, generator=torch.Generator().manual_seed(seed))


def both(pattern: BlockLocal, coords: tuple[Tensor, Tensor], bias: Bias | None, mask: Tensor | None) -> None:
    """Values and gradients of blocks and of all pairs."""
    found = []
    for backend in ("dense", "blocked"):
        q, k, v = (rand(B, H, of.shape[-2], D, seed=i).requires_grad_() for i, of in enumerate((*coords, coords[1])))
        options: dict[str, Any] = {"coords_q": coords[0], "coords_k": coords[1], "bias": bias, "mask": mask}
        out = core.attend(q, k, v, pattern=pattern, backend=backend, **options)
        out.square().sum().backward()
        found.append([out, q.grad, k.grad, v.grad])
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@settings(max_examples=80, deadline=None)
@given(st.data(), st.integers(1, 2), st.integers(1, 23), st.integers(0, 12))
def test_blocks_of_tokens_anywhere(data: st.DataObject, dims: int, n: int, most: int) -> None:
    numbers = st.integers(0, 3)
    pattern = BlockLocal(
        tuple(data.draw(st.integers(1, 4)) for _ in range(dims)),
        (data.draw(numbers), data.draw(numbers)),
        data.draw(st.none() | numbers),
        data.draw(st.booleans()),
    )
    items, of_keys = data.draw(st.tuples(*[st.sampled_from([None, B])] * 2))
    coords = (
        drawn(n, dims, most, 1, items=items),
        drawn(n + data.draw(numbers), dims, most, 2, items=of_keys),
    )
    mask = rand(B, coords[1].shape[-2], seed=9) > 0 if data.draw(st.booleans()) else None
    bias = data.draw(st.sampled_from([None, Shaw(D, 3).double(), *([Rel2D(D, (2, 3)).double()] if dims == 2 else [])]))
    both(pattern, coords, bias, mask)
    met = group(*(rand(B, H, of.shape[-2], D) for of in coords), pattern=pattern, coords=coords, mask=None)
    if met is not None:
        wanted = pattern.allowed(*coords)
        assert int(met.allowed.sum()) == int(wanted.sum())


N = 4000
GAPS = torch.randint(1, 3, (2, N, 1), generator=torch.Generator().manual_seed(0)).cumsum(1)
SHARED = torch.arange(N).unsqueeze(-1).clamp(min=1)
"""The first two tokens lie at one place."""


@pytest.mark.parametrize("coords", [GAPS, SHARED, GAPS.flip(1)], ids=["own of each item", "shared", "backwards"])
def test_no_table_of_all_pairs_is_made(coords: Tensor) -> None:
    q, pattern = torch.randn(2, 1, N, 8), BlockLocal(64, 32, exact=20)
    options: dict[str, Any] = {"pattern": pattern, "coords_q": coords, "coords_k": coords}
    with torch.inference_mode(), warnings.catch_warnings(action="error"):
        assert largest_tensor(lambda: core.attend(q, q, q, **options)) < N * N / 2
        few = {**options, "coords_q": coords[..., :300, :]}
        wanted = core.attend(q[:, :, :300], q, q, **few, backend="dense")
        torch.testing.assert_close(core.attend(q, q, q, **options)[:, :, :300], wanted, rtol=0, atol=1e-5)


def test_one_is_told_where_all_pairs_are_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "KEPT_PAIRS", 300**2 - 1)
    q, scattered = torch.randn(1, 1, 300, 8), torch.arange(300).unsqueeze(-1) * 1000
    options: dict[str, Any] = {"pattern": BlockLocal(20, 12), "coords_q": scattered, "coords_k": scattered}
    with pytest.warns(UserWarning, match="so all 300 x 300 pairs are computed") as told:
        core.attend(q, q, q, **options)
    assert len(told) == 1
    with warnings.catch_warnings(action="error"):
        core.attend(q, q, q, **options, backend="blocked")


def test_what_is_kept_of_a_pattern_is_of_its_lengths_type_and_band() -> None:
    calls = [(band, n, dtype) for band in (2, 5) for n in (300, 301) for dtype in (torch.float32, torch.float64)]
    for band, n, dtype in calls * 2:
        pattern = BlockLocal(20, 12, exact=band)
        q, k, v = (rand(1, 2, n, D, seed=i).to(dtype) for i in range(3))
        wanted = core.attend(*(x.double() for x in (q, k, v)), pattern=pattern, backend="dense")
        for backend in ("auto", "sdpa", "dense"):
            out = core.attend(q, k, v, pattern=pattern, backend=backend)
            assert out.dtype == dtype
            torch.testing.assert_close(out.double(), wanted, rtol=0, atol=1e-5)


def test_what_is_kept_is_bounded() -> None:
    for kept in (plan._counted, group.__globals__["_kept"]):
        assert kept.cache_info().maxsize * plan.KEPT_PAIRS * 5 < 2**29
    before = plan._counted.cache_info().currsize
    n = int(plan.KEPT_PAIRS**0.5) + 1
    plan.counted(BlockLocal(20, 12), n, n, torch.float32, torch.device("cpu"))
    assert plan._counted.cache_info().currsize == before
