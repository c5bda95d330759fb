"""Recorded maps are those that the layers mix by; rollout keeps all weight; occlusion finds the token that matters."""

import pytest
import torch

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.attention.explain import attention_map, occlusion, recorded_maps, rollout
from deepconsensus_py.attention.multihead import MultiHead
from deepconsensus_py.attention.tokens import Tokens


def make_trunk(attention: str, layers: int = 3) -> Trunk:
    torch.manual_seed(1)
    return Trunk(TrunkConfig(layers, 8, 2, 16, preset(attention), norm="layer", position="none")).eval()


@pytest.mark.parametrize("attention", ["full", "banded12"])
def test_maps_mix_the_values_into_what_the_layer_gives(attention: str) -> None:
    torch.manual_seed(0)
    layer = MultiHead(d=8, heads=2, attention=preset(attention)[0])
    x, mask = torch.randn(3, 30, 8), torch.rand(3, 30) < 0.7
    weights = attention_map(layer, x, Tokens(x, mask=mask))
    values = torch.unflatten(layer.value(x), -1, (2, -1)).transpose(1, 2)
    mixed = layer.out((weights @ values).transpose(1, 2).flatten(2))
    torch.testing.assert_close(mixed, layer(x, Tokens(x, mask=mask)))


def test_every_layer_is_recorded_and_none_afterwards() -> None:
    trunk, x = make_trunk("full"), torch.randn(2, 5, 8)
    with recorded_maps(trunk) as maps:
        seen = trunk(Tokens(x))
    assert [tuple(one.shape) for one in maps] == [(2, 2, 5, 5)] * 3
    torch.testing.assert_close(seen, trunk(Tokens(x)))
    assert len(maps) == 3


def test_hooks_are_gone_after_a_fault() -> None:
    trunk = make_trunk("full")
    with pytest.raises(ZeroDivisionError), recorded_maps(trunk):
        raise ZeroDivisionError
    assert not any(module._forward_hooks for module in trunk.modules())


def test_padding_gets_no_attention() -> None:
    trunk, x = make_trunk("full"), torch.randn(1, 6, 8)
    mask = torch.tensor([[True, True, True, True, False, False]])
    with recorded_maps(trunk) as maps:
        trunk(Tokens(x, mask=mask))
    assert all((one[..., 4:] == 0).all() for one in maps)
    assert (rollout(maps)[:, :4, 4:] == 0).all()


def test_rollout_keeps_all_weight_and_goes_through_layers() -> None:
    maps = list(torch.rand(3, 2, 4, 5, 5).softmax(dim=-1))
    torch.testing.assert_close(rollout(maps).sum(dim=-1), torch.ones(2, 5))
    # 0 looks at 1 in the last layer, 1 at 2 in the first: a quarter of 0 comes from 2.
    first, last = torch.eye(3), torch.eye(3)
    first[1] = torch.tensor([0.0, 0.0, 1.0])
    last[0] = torch.tensor([0.0, 1.0, 0.0])
    rolled = rollout([first[None, None], last[None, None]])[0]
    torch.testing.assert_close(rolled[0], torch.tensor([0.5, 0.25, 0.25]))


def test_occlusion_is_what_a_sum_loses() -> None:
    values = torch.tensor([[1.0, -2.0, 0.5], [0.0, 3.0, 4.0]])
    torch.testing.assert_close(occlusion(lambda there: (values * there).sum(dim=1), 3), values)
    assert occlusion(lambda there: values.sum(dim=1), 0).shape == (2, 0)


def test_occlusion_finds_the_cause_that_attention_looks_past() -> None:
    """Attention goes evenly to all tokens; the answer is the value of one."""
    torch.manual_seed(2)
    layer = MultiHead(d=4, heads=1, attention=preset("full")[0]).requires_grad_(False)
    layer.query.weight.zero_()
    x = torch.zeros(1, 6, 4)
    x[0, 4, 0] = 2.0

    def score(there: torch.Tensor) -> torch.Tensor:
        return layer(x, Tokens(x, mask=there[None]))[:, 0].norm(dim=-1)

    torch.testing.assert_close(attention_map(layer, x), torch.full((1, 1, 6, 6), 1 / 6))
    falls = occlusion(score, 6)[0]
    assert falls.argmax() == 4
    assert falls[4] > 3 * falls[[0, 1, 2, 3, 5]].abs().max()


@pytest.mark.parametrize("kv_heads", [0, 1])
def test_maps_are_of_turned_and_shared_heads(kv_heads: int) -> None:
    torch.manual_seed(0)
    layer = MultiHead(d=16, heads=4, attention=preset("causal")[0], kv_heads=kv_heads, rotary=True)
    x = torch.randn(2, 5, 16)
    tokens = Tokens(x, torch.arange(5).unsqueeze(-1) * 3)
    values = layer.split(layer.value(x))
    mixed = attention_map(layer, x, tokens) @ values.repeat_interleave(4 // values.shape[1], 1)
    torch.testing.assert_close(layer.out(mixed.transpose(1, 2).flatten(2)), layer(x, tokens))
    other = Tokens(x, tokens.coords + 100)
    torch.testing.assert_close(layer(x, other), layer(x, tokens), rtol=0, atol=1e-4)
    assert (layer(x) - layer(x, tokens)).abs().max() > 1e-3
