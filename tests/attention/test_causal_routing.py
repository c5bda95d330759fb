"""Tokens attend to earlier ones of their cluster, and no token to come changes what they see."""

import pytest
import torch
from torch import Tensor

from deepconsensus_py.attention import core
from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.causal_routing import CausalRouting, attend_within, with_clusters
from deepconsensus_py.attention.config import AttentionConfig, TrunkConfig
from deepconsensus_py.attention.patterns import BlockLocal, Full
from deepconsensus_py.attention.tokens import Tokens

MASK = torch.tensor([[True] * 40, [True] * 25 + [False] * 15])


def rand(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def routing(clusters: int, size: int) -> CausalRouting:
    torch.manual_seed(0)
    return CausalRouting(clusters, size, heads=3, d=5).double().eval()


def by_hand(pattern: CausalRouting, q: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """Token by token: the nearest centroid, and the last of those that it is nearest to."""
    out = torch.zeros_like(v)
    normed = torch.nn.functional.layer_norm(q, (q.shape[-1],))
    for item in range(len(q)):
        for head in range(q.shape[1]):
            earlier: dict[int, list[int]] = {}
            for token in range(q.shape[2]):
                if mask is not None and not mask[item, token]:
                    continue
                own = int((pattern.centroids[head] @ normed[item, head, token]).argmax())
                seen = earlier.setdefault(own, [])
                seen.append(token)
                keys = seen[-pattern.size :]
                weights = torch.softmax(q[item, head, keys] @ q[item, head, token] / q.shape[-1] ** 0.5, 0)
                out[item, head, token] = weights @ v[item, head, keys]
    return out


@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "padded"])
@pytest.mark.parametrize(("clusters", "size"), [(1, 40), (1, 3), (4, 5), (7, 1), (50, 6)])
@pytest.mark.parametrize("backend", ["dense", "sdpa", "blocked", "auto"])
def test_it_is_what_it_says(clusters: int, size: int, mask: Tensor | None, backend: str) -> None:
    pattern, q, v = routing(clusters, size), rand(2, 3, 40, 5), rand(2, 3, 40, 4, seed=1)
    wanted = by_hand(pattern, q, v, mask)
    torch.testing.assert_close(attend_within(pattern, q, v, mask=mask, backend=backend), wanted, rtol=0, atol=1e-10)
    by_definition = core.attend(q, q, v, pattern=pattern, mask=mask, backend="dense")
    torch.testing.assert_close(by_definition, wanted, rtol=0, atol=1e-10)


def test_long_sequences_are_cut_into_blocks() -> None:
    pattern, q, v = routing(16, 20), rand(1, 3, 400, 5), rand(1, 3, 400, 4, seed=1)
    wanted = core.attend(q, q, v, pattern=pattern, backend="dense")
    torch.testing.assert_close(attend_within(pattern, q, v), wanted, rtol=0, atol=1e-10)


def test_one_cluster_of_all_tokens_is_causal_attention() -> None:
    q, v = rand(2, 3, 21, 5), rand(2, 3, 21, 4, seed=1)
    wanted = core.attend(q, q, v, pattern=Full(causal=True))
    torch.testing.assert_close(attend_within(routing(1, 21), q, v), wanted, rtol=0, atol=1e-10)


@pytest.mark.parametrize("token", [0, 17, 39])
def test_no_token_changes_earlier_ones(token: int) -> None:
    pattern, q, v = routing(3, 6), rand(2, 3, 40, 5), rand(2, 3, 40, 4, seed=1)
    before = attend_within(pattern, q, v, backend="dense")
    q[:, :, token], v[:, :, token] = -3 * q[:, :, token], v[:, :, token] + 1
    after = attend_within(pattern, q, v, backend="dense")
    assert torch.equal(before[:, :, :token], after[:, :, :token])
    assert not torch.equal(before[:, :, token], after[:, :, token])


def test_a_later_token_changes_which_blocks_there_are_but_not_earlier_logits() -> None:
    config = TrunkConfig(2, 32, 4, 64, (AttentionConfig(BlockLocal(16, (16, 0), causal=True)),), norm="layer")
    torch.manual_seed(0)
    trunk = with_clusters(Trunk(config), clusters=20, size=20).eval()
    x = torch.randn(1, 400, 32)
    before = trunk(Tokens(x))
    x[:, 300:] = torch.randn(1, 100, 32)
    after = trunk(Tokens(x))
    torch.testing.assert_close(before[:, :300], after[:, :300], rtol=0, atol=1e-5)
    assert (before[:, 300:] - after[:, 300:]).abs().max() > 0.1


@pytest.mark.parametrize(("clusters", "size"), [(1, 7), (4, 3)])
def test_pairs_are_those_of_one_cluster_at_most(clusters: int, size: int) -> None:
    pattern = routing(clusters, size)
    met = pattern.allowed(rand(2, 3, 20, 5), rand(2, 3, 20, 5)).flatten(2).sum(-1)
    most = sum(min(token + 1, size) for token in range(20))
    assert pattern.pairs((20,)) == most
    assert (met == most).all() if clusters == 1 else (met < most).all()


def test_centroids_follow_in_training_alone_and_every_weight_learns() -> None:
    config = TrunkConfig(1, 16, 2, 32, (AttentionConfig(BlockLocal(4, (4, 0), causal=True)),), norm="layer")
    trunk = with_clusters(Trunk(config), clusters=3, size=4, decay=0.9)
    (centroids,) = trunk.buffers()
    before = centroids.clone()
    trunk.eval()(Tokens(torch.randn(2, 30, 16)))
    assert torch.equal(before, centroids)
    trunk.train()(Tokens(torch.randn(2, 30, 16), mask=torch.ones(2, 30, dtype=torch.bool))).square().sum().backward()
    assert not torch.equal(before, centroids)
    assert [name for name, weight in trunk.named_parameters() if weight.grad is None] == []


def test_what_it_cannot_do_is_refused() -> None:
    q = rand(1, 3, 300, 5)
    with pytest.raises(ValueError, match="not by core"):
        core.attend(q, q, q, pattern=routing(2, 5))
    with pytest.raises(ValueError, match="an even number and a causal pattern"):
        with_clusters(Trunk(TrunkConfig(1, 16, 2, 32, preset("banded12"))), clusters=2, size=4)
    with pytest.raises(ValueError, match="beside local attention"):
        with_clusters(Trunk(TrunkConfig(1, 16, 2, 32, preset("causal"))), clusters=2, size=4)
    causal = TrunkConfig(1, 16, 2, 32, (AttentionConfig(BlockLocal(4, (4, 0), causal=True)),))
    trunk = with_clusters(Trunk(causal), clusters=2, size=4)
    with pytest.raises(ValueError, match="without a cache"):
        trunk(Tokens(torch.randn(1, 3, 16)), cache=trunk.new_cache())
