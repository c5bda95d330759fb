"""Patterns mean what their definitions say, at every size and in every number of dimensions."""

import itertools
import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepconsensus_py.attention.patterns import (
    PATTERNS,
    BlockLocal,
    Edges,
    Full,
    Pattern,
    pattern_from_dict,
    pattern_to_dict,
)

shapes = st.lists(st.integers(1, 5), min_size=1, max_size=3)


def grid(shape: list[int]) -> torch.Tensor:
    """Coordinates ``int64[n, dims]`` of a grid in row-major order."""
    return torch.tensor(list(itertools.product(*map(range, shape))))


@st.composite
def block_local(draw: st.DrawFn, dims: int) -> BlockLocal:
    reach = st.none() | st.integers(0, 4)
    return BlockLocal(
        tuple(draw(st.integers(1, 5)) for _ in range(dims)),
        (draw(st.integers(0, 4)), draw(st.integers(0, 4))),
        draw(reach | st.tuples(*[reach] * dims)),
        draw(st.booleans()),
    )


@settings(max_examples=50)
@given(st.data(), shapes)
def test_block_local_is_its_definition(data: st.DataObject, shape: list[int]) -> None:
    pattern = data.draw(block_local(len(shape)))
    assert isinstance(pattern.block, tuple)
    assert isinstance(pattern.halo, tuple)
    lo, hi = pattern.halo
    cells = list(itertools.product(*map(range, shape)))
    allowed = pattern.allowed(grid(shape), grid(shape)).tolist()
    for (i, query), (j, key) in itertools.product(enumerate(cells), repeat=2):
        near = all(
            b * math.floor(q / b) - lo <= k < b * math.floor(q / b) + b + hi and (exact is None or abs(q - k) <= exact)
            for q, k, b, exact in zip(query, key, pattern.block, pattern.exacts, strict=True)
        )
        assert allowed[i][j] == (near and (j <= i or not pattern.causal))


@given(st.data(), shapes)
def test_pairs_counts_what_is_allowed(data: st.DataObject, shape: list[int]) -> None:
    pattern: Pattern = data.draw(block_local(len(shape)) | st.builds(Full, st.booleans()))
    assert pattern.pairs(shape) == pattern.allowed(grid(shape), grid(shape)).sum().item()


@pytest.mark.parametrize(
    ("pattern", "shape", "pairs"),
    [
        (Full(), (100,), 10_000),
        (Full(causal=True), (100,), 5_050),
        (BlockLocal(20, 12), (100,), 3_920),
        (BlockLocal(20, 12, exact=12), (100,), 2_344),
        (BlockLocal((20, 10), 12), (20, 100), 1_248_000),
        (BlockLocal((20, 10), 12, exact=(None, 12)), (20, 100), 937_600),
        (BlockLocal((1, 1), 3), (20, 100), 88_064),
    ],
)
def test_published_pair_counts(pattern: Pattern, shape: tuple[int, ...], pairs: int) -> None:
    assert pattern.pairs(shape) == pairs


@pytest.mark.parametrize("block", [1, 7, 20, 100])
def test_a_band_does_not_depend_on_the_block(block: int) -> None:
    places = torch.arange(100).unsqueeze(-1)
    band = (places - places.T).abs() <= 12
    assert torch.equal(BlockLocal(block, 12, exact=12).allowed(places, places), band)


def test_the_queries_of_a_causal_pattern_are_the_last_of_the_keys() -> None:
    keys = torch.arange(6).unsqueeze(-1)
    everything = Full(causal=True).allowed(keys, keys)
    assert torch.equal(Full(causal=True).allowed(keys[-2:], keys), everything[-2:])


def test_causality_follows_the_token_index_not_the_coordinates() -> None:
    backwards = torch.arange(5).flip(0).unsqueeze(-1)
    assert torch.equal(BlockLocal(5, causal=True).allowed(backwards, backwards), torch.ones(5, 5).tril().bool())


@given(st.data(), st.integers(1, 6), st.integers(1, 3))
def test_edges_join_what_they_name(data: st.DataObject, n: int, items: int) -> None:
    row = st.tuples(st.integers(-1, n - 1), st.integers(-1, n - 1), st.integers(0, 2))
    drawn = data.draw(st.lists(st.lists(row, min_size=4, max_size=4), min_size=items, max_size=items))
    edges, places = torch.tensor(drawn), torch.arange(n).unsqueeze(-1)
    allowed = Edges().allowed(places, places, edges)
    assert {tuple(index) for index in allowed.nonzero().tolist()} == {
        (item, q, k) for item, rows in enumerate(drawn) for q, k, _ in rows if min(q, k) >= 0
    }
    assert Edges().pairs((n,), edges) == allowed.sum()


def test_edges_must_be_given() -> None:
    with pytest.raises(ValueError, match="reads the edges of a graph, and none were given"):
        Edges().pairs((3,))


@given(st.data(), st.integers(1, 3))
def test_patterns_survive_plain_values(data: st.DataObject, dims: int) -> None:
    pattern: Pattern = data.draw(block_local(dims) | st.builds(Full, st.booleans()) | st.builds(Edges))
    values = pattern_to_dict(pattern)
    values = {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}  # as in JSON
    assert pattern_from_dict(values) == pattern


def test_unknown_patterns_are_named() -> None:
    with pytest.raises(ValueError, match="'stripes'; known are full, block_local"):
        pattern_from_dict({"kind": "stripes"})
    with pytest.raises(ValueError, match="not a registered pattern"):
        pattern_to_dict(None)  # type: ignore[arg-type]
    assert set(PATTERNS) == {"full", "block_local", "edges"}


@pytest.mark.parametrize(
    "fields",
    [{"block": 0}, {"block": 4, "halo": -1}, {"block": 4, "exact": -1}, {"block": (4, 4), "exact": (None, -1)}],
)
def test_impossible_blocks_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="blocks start at 1 token"):
        BlockLocal(**fields)


def test_dimensions_must_agree() -> None:
    with pytest.raises(ValueError, match="zip"):
        BlockLocal((2, 2)).allowed(torch.zeros(3, 1), torch.zeros(3, 1))
