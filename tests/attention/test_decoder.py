"""Decoders: memories, caches, biases and patterns that a configuration names."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.config import AttentionConfig, BiasConfig, PerHeadConfig, RoutingConfig, TrunkConfig
from deepconsensus_py.attention.patterns import BlockLocal, Edges, Full
from deepconsensus_py.attention.position import Learned
from deepconsensus_py.attention.routing import Routing
from deepconsensus_py.attention.tokens import Tokens

CAUSAL = Full(causal=True)
DECODER = TrunkConfig(3, 16, 2, 32, (AttentionConfig(CAUSAL),), norm="layer", cross=True)
BIASES = {
    "none": None,
    "shaw": BiasConfig("shaw", (3,)),
    "skew": BiasConfig("skew", (5,), one_sided=True),
    "alibi": BiasConfig("alibi"),
}


def drawn(config: TrunkConfig) -> Trunk:
    torch.manual_seed(0)
    module = Trunk(config)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return module.eval()


def values(n: int, seed: int = 0, items: int = 2) -> Tensor:
    return torch.randn(items, n, 16, generator=torch.Generator().manual_seed(seed))


MEMORY = Tokens(values(5, 1), mask=torch.tensor([[True] * 5, [True] * 3 + [False] * 2]))


@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("position", ["sinusoid", "rotary", "none"])
@pytest.mark.parametrize(("shared", "kv_heads", "grad"), [(False, 0, False), (True, 2, True), (False, 1, False)])
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("backend", ["auto", "dense"])
def test_steps_with_a_cache_are_one_pass_without(
    bias: str, position: str, shared: bool, kv_heads: int, grad: bool, padded: bool, backend: str
) -> None:
    attention = (
        AttentionConfig(CAUSAL, backend, bias=BIASES[bias]),
        AttentionConfig(BlockLocal(3, (4, 0), causal=True), backend),
    )
    config = replace(DECODER, attention=attention, position=position, shared=shared, heads=4, kv_heads=kv_heads)
    module, x = drawn(config), values(7)
    mask = torch.tensor([[True] * 7, [False, True, True, False, True, True, False]]) if padded else None
    steps, cache = [slice(0, 2), slice(2, 3), slice(3, 4), slice(4, 7)], module.new_cache(1)
    masks = [None if mask is None else mask[:, at] for at in steps]
    with torch.set_grad_enabled(grad):
        found = torch.cat(
            [module(Tokens(x[:, at], mask=own), MEMORY, cache) for at, own in zip(steps, masks, strict=True)], 1
        )
        wanted = module(Tokens(x, mask=mask), MEMORY)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)
    if grad:
        for given in (found, wanted):
            module.zero_grad()
            given.square().sum().backward()
            grads = [weight.grad for weight in module.parameters() if weight.grad is not None]
            assert all(one.isfinite().all() for one in grads)


def test_gradients_through_a_cache_are_those_of_one_pass() -> None:
    module, x, cache = drawn(DECODER), values(4), None
    grads = []
    for steps in ([slice(0, 4)], [slice(0, 3), slice(3, 4)]):
        cache = module.new_cache()
        module.zero_grad()
        torch.cat([module(Tokens(x[:, at]), MEMORY, cache) for at in steps], 1).square().sum().backward()
        grads.append([weight.grad.clone() for weight in module.parameters() if weight.grad is not None])
    for one, other in zip(*grads, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_a_cache_keeps_its_room_until_it_is_full() -> None:
    module, x = drawn(replace(DECODER, cross=False)), values(9)
    cache = module.new_cache(4)
    rooms = []
    for at in range(9):
        module(Tokens(x[:, at : at + 1]), cache=cache)
        room = cache.layers[0].room
        assert room is not None
        rooms.append((room[0].data_ptr(), room[0].shape[2]))
    assert [size for _, size in rooms] == [4] * 4 + [10] * 5
    assert len(set(rooms)) == 2


def test_a_cache_filled_while_predicting_goes_on_elsewhere() -> None:
    module, x, cache = drawn(replace(DECODER, cross=False)), values(4), None
    cache = module.new_cache()
    with torch.inference_mode():
        module(Tokens(x[:, :2]), cache=cache)
    with torch.no_grad():
        rest = module(Tokens(x[:, 2:]), cache=cache)
        torch.testing.assert_close(rest, module(Tokens(x))[:, 2:], rtol=0, atol=1e-5)


def test_what_does_not_continue_a_cache_is_refused() -> None:
    module = drawn(replace(DECODER, cross=False))
    with pytest.raises(ValueError, match="a cache keeps no edges"):
        module(Tokens(values(3), edges=torch.zeros(2, 1, 3, dtype=torch.int64)), cache=module.new_cache())
    with pytest.raises(ValueError, match="room for 1 token at least, not 0"):
        module.new_cache(0)
    cache = module.new_cache()
    module(Tokens(values(2)), cache=cache)
    with pytest.raises(ValueError, match=r"int64\[2, 1, 1\] do not continue int64\[2, 1\]"):
        module(Tokens(values(1), torch.zeros(2, 1, 1, dtype=torch.int64)), cache=cache)
    with pytest.raises(ValueError, match=r"tokens of this trunk are \[B, n, 16\], not \[2, 3, 8\]"):
        module(Tokens(values(3)[..., :8]))
    with pytest.raises(ValueError, match=r"mask of tokens is bool\[2, 3\], not \[2, 1\]"):
        module(Tokens(values(3), mask=torch.ones(2, 1, dtype=torch.bool)))


def test_the_memory_is_projected_once(monkeypatch: pytest.MonkeyPatch) -> None:
    module, cache, calls = drawn(DECODER), None, []
    cache = module.new_cache()
    key = module.encoder.blocks[0].cross.layer.key
    key.register_forward_hook(lambda *_: calls.append(1))
    for at in range(3):
        module(Tokens(values(3)[:, at : at + 1]), MEMORY, cache)
    assert len(calls) == 1


def test_reordered_caches_go_on_with_other_items() -> None:
    module, x, cache = drawn(DECODER), values(4), None
    cache = module.new_cache()
    module(Tokens(x[:, :3]), MEMORY, cache)
    rows = torch.tensor([1, 1])
    cache.reorder(rows)
    after = module(Tokens(x[rows, 3:]), Tokens(MEMORY.x[rows], mask=MEMORY.mask[rows]), cache)
    torch.testing.assert_close(after, module(Tokens(x), MEMORY)[[1, 1], 3:], rtol=0, atol=1e-5)


def test_decoders_read_the_real_part_of_their_memory() -> None:
    module, x = drawn(DECODER), values(4)
    other = MEMORY.x.clone()
    other[1, 3:] = 9.0
    assert torch.equal(module(Tokens(x), MEMORY), module(Tokens(x), replace(MEMORY, x=other)))
    other[1, 0] = 9.0
    changed = (module(Tokens(x), MEMORY) - module(Tokens(x), replace(MEMORY, x=other))).abs().amax((1, 2))
    assert changed[0] == 0
    assert changed[1] > 1e-3


def test_memories_belong_to_decoders() -> None:
    with pytest.raises(ValueError, match="decoder"):
        drawn(DECODER)(Tokens(values(3)))
    with pytest.raises(ValueError, match="memory"):
        drawn(replace(DECODER, cross=False))(Tokens(values(3)), MEMORY)


def test_shared_blocks_are_one_for_all_layers() -> None:
    deep, shared = Trunk(replace(DECODER, layers=6)), Trunk(replace(DECODER, layers=6, shared=True))
    block = sum(weight.numel() for weight in shared.encoder.blocks.parameters())
    assert sum(weight.numel() for weight in deep.encoder.blocks.parameters()) == 6 * block
    seen: list[int] = []
    shared.encoder.blocks[0].register_forward_hook(lambda *_: seen.append(1))
    shared(Tokens(values(3)), MEMORY)
    assert len(seen) == 6


def test_each_layer_learns_its_own_biases_and_centroids() -> None:
    parts = PerHeadConfig((BlockLocal(4, 2), RoutingConfig(3, 4)))
    attention = (AttentionConfig(parts, bias=BiasConfig("shaw", (4,))),)
    module = Trunk(TrunkConfig(2, 16, 4, 32, attention, norm="layer"))
    first, second = (block.attention.layer for block in module.encoder.blocks)
    assert first.bias.tables[0] is not second.bias.tables[0]
    routed = [part for part in first.pattern.parts if isinstance(part, Routing)]
    assert routed[0].centroids.shape == (2, 3, 4)
    before = routed[0].centroids.clone()
    module.train()(Tokens(values(9))).sum().backward()
    assert not torch.equal(routed[0].centroids, before)
    assert second.bias.tables[0].grad is not None


def test_edges_reach_the_layers() -> None:
    module = drawn(
        replace(DECODER, cross=False, attention=(AttentionConfig(Edges(), bias=BiasConfig("edge_type", types=2)),))
    )
    edges = torch.tensor([[[0, 0, 0], [1, 1, 0], [1, 0, 1], [2, 2, 0]]] * 2)
    x = values(3)
    other = x.clone()
    other[:, 0] += 1
    before, after = (module(Tokens(v, edges=edges)) for v in (x, other))
    assert torch.equal(before[:, 2], after[:, 2])
    assert not torch.equal(before[:, 1], after[:, 1])


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "cosine"},
        {"kind": "alibi", "reach": (3,)},
        {"kind": "shaw"},
        {"kind": "rel2d", "reach": (3,)},
        {"kind": "edge_type"},
        {"kind": "skew", "reach": (3,), "types": 2},
    ],
)
def test_biases_that_do_not_exist_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"known are|one reach"):
        BiasConfig(**given)  # type: ignore[arg-type]


def test_learned_places_add_up_over_axes() -> None:
    places = Learned((3, 4), 8)
    coords = torch.tensor([[2, 3], [0, 1]])
    torch.testing.assert_close(places(coords)[0], places.tables[0][2] + places.tables[1][3])
