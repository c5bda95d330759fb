"""Clusters hold what is nearest to their centroids, and patterns are shared out among heads."""

import copy

import pytest
import torch
from torch import Tensor

from deepconsensus_py.attention import core
from deepconsensus_py.attention.patterns import BlockLocal, Full
from deepconsensus_py.attention.routing import PerHead, Routing


def rand(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def routing(clusters: int, size: int, seed: int = 0) -> Routing:
    torch.manual_seed(seed)
    return Routing(clusters, size, heads=2, d=5).double().eval()


@pytest.mark.parametrize(("clusters", "size", "n"), [(1, 1, 1), (3, 4, 13), (4, 9, 7), (2, 7, 7)])
def test_pairs_counts_what_is_allowed(clusters: int, size: int, n: int) -> None:
    pattern = routing(clusters, size)
    allowed = pattern.allowed(rand(3, 2, n, 5), rand(3, 2, n, 5, seed=1))
    assert (allowed.flatten(2).sum(-1) == pattern.pairs((n,))).all()
    halves = PerHead(pattern, BlockLocal(3, 1))
    assert halves.pairs((n,)) == pattern.pairs((n,)) + BlockLocal(3, 1).pairs((n,))


def test_one_cluster_of_all_tokens_is_full_attention() -> None:
    q, k, v = (rand(2, 2, 11, 5, seed=i) for i in range(3))
    for backend in ("dense", "blocked", "sdpa", "auto"):
        out = core.attend(q, k, v, pattern=routing(1, 11), backend=backend)
        torch.testing.assert_close(out, core.attend(q, k, v, pattern=Full()), rtol=0, atol=1e-10)


def test_centroids_take_what_is_nearest_real_tokens_first() -> None:
    pattern, x = routing(2, 3), rand(1, 2, 8, 5)
    mask = torch.tensor([[True, True, False, True, True, False, True, True]])
    taken, _ = pattern.members(x, x, mask)
    normed = (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()
    for head in range(2):
        for cluster in range(2):
            near = normed[0, head] @ pattern.centroids[head, cluster]
            ranked = near.masked_fill(~mask[0], -1e9).argsort(descending=True)[:3]
            assert taken[0, head, cluster].tolist() == sorted(ranked.tolist())


def test_tokens_in_no_cluster_get_0() -> None:
    pattern = routing(1, 3)
    q, k, v = (rand(1, 2, 9, 5, seed=i) for i in range(3))
    out = core.attend(q, k, v, pattern=pattern)
    taken, _ = pattern.members(q, k)
    for head in range(2):
        hit = torch.zeros(9, dtype=torch.bool).scatter(0, taken[0, head, 0], True)
        assert (out[0, head, ~hit] == 0).all()
        assert (out[0, head, hit] != 0).all()


def test_centroids_follow_the_tokens_in_training_alone() -> None:
    pattern = routing(3, 4)
    before = pattern.centroids.clone()
    q, k, v = (rand(2, 2, 12, 5, seed=i) for i in range(3))
    core.attend(q, k, v, pattern=pattern)
    assert torch.equal(pattern.centroids, before)
    core.attend(q, k, v, pattern=pattern.train())
    assert not torch.equal(pattern.centroids, before)
    pattern.decay = 0.5
    for _ in range(60):
        pattern.follow(q, q)
    near = (pattern.centroids @ torch.nn.functional.layer_norm(q, (5,)).transpose(-1, -2)).argmax(2)
    own = torch.nn.functional.layer_norm(q, (5,))[:, 0][near[:, 0] == 0]
    if len(own):
        torch.testing.assert_close(pattern.centroids[0, 0], own.mean(0), rtol=0, atol=1e-6)


def test_padding_does_not_move_centroids() -> None:
    x, mask = rand(1, 2, 8, 5), torch.arange(8)[None] < 6
    a, b = routing(3, 4), routing(3, 4)
    changed = x.clone()
    changed[:, :, 6:] = 50 * rand(1, 2, 2, 5, seed=7)
    a.follow(x, x, mask)
    b.follow(changed, changed, mask)
    assert torch.equal(a.centroids, b.centroids)


def test_each_group_of_heads_has_its_pattern() -> None:
    q, k, v = (rand(2, 4, 9, 5, seed=i) for i in range(3))
    pattern = PerHead(Full(), routing(2, 5)).eval()
    out = core.attend(q, k, v, pattern=pattern)
    parts = [
        core.attend(x[0], x[1], x[2], pattern=part)
        for x, part in zip([[t[:, :2] for t in (q, k, v)], [t[:, 2:] for t in (q, k, v)]], pattern.parts, strict=True)
    ]
    assert torch.equal(out, torch.cat(parts, 1))
    assert list(pattern.state_dict()) == ["learning.0.centroids"]
    other = copy.deepcopy(pattern)
    assert isinstance(other.parts[1], Routing)
    assert other.parts[1] is other.learning[0]
    with pytest.raises(ValueError, match="3 heads cannot be shared by 2 patterns"):
        core.attend(q[:, :3], k[:, :3], v[:, :3], pattern=pattern)


def test_routing_is_among_the_same_tokens() -> None:
    with pytest.raises(ValueError, match="among the same tokens, not from 2 to 3"):
        core.attend(rand(1, 2, 2, 5), rand(1, 2, 3, 5), rand(1, 2, 3, 5), pattern=routing(1, 2))
    with pytest.raises(ValueError, match="start at 1"):
        Routing(0, 1, heads=1, d=1)
