"""Blocks, encoder and trunk."""

import itertools
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from deepconsensus_py.attention import core
from deepconsensus_py.attention.blocks import Block, Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import NORMS, AttentionConfig, TrunkConfig
from deepconsensus_py.attention.multihead import MultiHead
from deepconsensus_py.attention.patterns import BlockLocal, Full
from deepconsensus_py.attention.position import sinusoid
from deepconsensus_py.attention.tokens import Tokens

CONFIG = TrunkConfig(layers=3, d=16, heads=2, ff=32, attention=(AttentionConfig(Full()),))
CAUSAL = (AttentionConfig(BlockLocal(3, 1, causal=True)), AttentionConfig(Full(causal=True)))


def trunk(config: TrunkConfig, seed: int = 0) -> Trunk:
    """A trunk with weights drawn at random, alphas among them."""
    torch.manual_seed(seed)
    module = Trunk(config)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return module.eval()


def tokens(n: int = 9, seed: int = 0) -> Tensor:
    return torch.randn(2, n, 16, generator=torch.Generator().manual_seed(seed))


def test_rezero_starts_as_the_identity() -> None:
    block = Block(CONFIG, CONFIG.attention[0])
    x = tokens()
    assert torch.equal(block(x), x)


@pytest.mark.parametrize("norm", NORMS)
def test_sublayers_are_added_to_their_input(norm: str) -> None:
    module = trunk(replace(CONFIG, norm=norm))
    block, x = module.encoder.blocks[0], tokens()
    sublayer = block.attention
    inner = sublayer.layer(sublayer.norm(x)) if norm == "layer" else sublayer.alpha * sublayer.layer(x)
    torch.testing.assert_close(sublayer(x), x + inner)


def test_each_block_takes_the_output_of_the_one_before() -> None:
    module, seen = trunk(CONFIG), []
    for block in module.encoder.blocks:
        block.register_forward_hook(lambda _, args, out: seen.append((args[0], out)))
    module(Tokens(tokens()))
    assert all(later[0] is earlier[1] for earlier, later in itertools.pairwise(seen))
    assert len(seen) == CONFIG.layers


def test_attention_is_taken_in_turn_over_the_layers() -> None:
    module = Trunk(replace(CONFIG, attention=CAUSAL))
    assert [block.attention.layer.attention for block in module.encoder.blocks] == [*CAUSAL, CAUSAL[0]]


def test_causal_trunks_do_not_leak() -> None:
    module = trunk(replace(CONFIG, attention=CAUSAL))
    x = tokens()
    before = module(Tokens(x))
    for j in range(1, 9):
        changed = x.clone()
        changed[:, j] += 1.0
        after = module(Tokens(changed))
        assert torch.equal(after[:, :j], before[:, :j])
        assert not torch.equal(after[:, j], before[:, j])


@pytest.mark.parametrize("projection", ["query", "key", "value", "out"])
def test_every_projection_matters(projection: str) -> None:
    module = trunk(replace(CONFIG, attention=(AttentionConfig(BlockLocal(3, 1)),)))
    before = module(Tokens(tokens()))
    with torch.no_grad():
        getattr(module.encoder.blocks[0].attention.layer, projection).weight.mul_(2)
    assert (module(Tokens(tokens())) - before).abs().max() > 1e-3


def test_masked_tokens_change_nothing_for_the_others() -> None:
    module, x = trunk(CONFIG), tokens()
    mask = torch.ones(2, 9, dtype=torch.bool)
    mask[:, 6:] = False
    changed = x.clone()
    changed[:, 6:] = 100.0
    kept, other = (module(Tokens(value, mask=mask))[:, :6] for value in (x, changed))
    assert torch.equal(kept, other)
    torch.testing.assert_close(kept, module(Tokens(x[:, :6])))


def test_positions_come_from_the_first_coordinate() -> None:
    with_positions, without = trunk(CONFIG), trunk(replace(CONFIG, position="none"))
    x, coords = tokens(), torch.arange(9).flip(0).unsqueeze(-1)
    torch.testing.assert_close(
        with_positions(Tokens(x, coords)), without(Tokens(x + sinusoid(coords[:, 0], 16), coords))
    )
    torch.testing.assert_close(with_positions(Tokens(x)), with_positions(Tokens(x, coords.flip(0))))


def test_without_positions_order_does_not_matter() -> None:
    module, x = trunk(replace(CONFIG, position="none")), tokens()
    order = torch.randperm(9, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(module(Tokens(x[:, order])), module(Tokens(x))[:, order], rtol=0, atol=1e-5)


@pytest.mark.parametrize("norm", NORMS)
def test_every_parameter_receives_a_finite_gradient(norm: str) -> None:
    module = trunk(replace(CONFIG, norm=norm)).train()
    module(Tokens(tokens())).square().sum().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


def test_all_attention_goes_through_attend(monkeypatch: pytest.MonkeyPatch) -> None:
    module, x, calls = trunk(CONFIG), tokens(), []
    original, before = core.attend, module(Tokens(tokens()))

    def noisy(*args: Tensor, **options: object) -> Tensor:
        calls.append(options)
        return original(*args, **options) + 0.1  # type: ignore[arg-type]

    monkeypatch.setattr(core, "attend", noisy)
    assert not torch.equal(module(Tokens(x)), before)
    assert len(calls) == CONFIG.layers


def test_dropout_acts_in_training_alone() -> None:
    attention = AttentionConfig(Full(), dropout=0.5)
    layer = MultiHead(d=16, heads=2, attention=attention)
    x = tokens()
    assert not torch.equal(layer.train()(x), layer(x))
    assert torch.equal(layer.eval()(x), layer(x))


def test_projection_biases_are_a_choice() -> None:
    names = dict(MultiHead(d=16, heads=2, attention=CONFIG.attention[0], bias=True).named_parameters())
    assert {name for name in names if name.endswith("bias")} == {f"{p}.bias" for p in ("query", "key", "value", "out")}
    assert not any(
        "bias" in name for name, _ in MultiHead(d=16, heads=2, attention=CONFIG.attention[0]).named_parameters()
    )


def test_heads_must_share_the_width() -> None:
    with pytest.raises(ValueError, match="width of 16 cannot be shared by 3 heads"):
        MultiHead(d=16, heads=3, attention=CONFIG.attention[0])


@pytest.mark.parametrize("name", ["causal", "image1d", "music"])
def test_causal_presets_do_not_leak(name: str) -> None:
    module = trunk(replace(CONFIG, attention=preset(name)))
    x = tokens(30)
    before = module(Tokens(x))
    for j in (1, 13, 29):
        changed = x.clone()
        changed[:, j] += 1.0
        after = module(Tokens(changed))
        assert torch.equal(after[:, :j], before[:, :j])
        assert not torch.equal(after[:, j], before[:, j])


def test_a_shared_block_goes_on_for_as_long_as_it_is_asked() -> None:
    shared = trunk(replace(CONFIG, shared=True, layers=2))
    deeper = trunk(replace(CONFIG, shared=True, layers=5))
    deeper.load_state_dict(shared.state_dict())
    x = Tokens(tokens())
    assert torch.equal(shared(x, layers=5), deeper(x))
    assert torch.equal(shared(x, layers=2), shared(x))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", ["full", "banded12", "shaw"])
def test_the_first_tokens_alone_are_the_same(name: str, norm: str) -> None:
    module = trunk(replace(CONFIG, attention=preset(name), norm=norm))
    x, mask = tokens(), torch.rand(2, 9, generator=torch.Generator().manual_seed(1)) < 0.7
    for coords in (None, torch.arange(9).unsqueeze(1)):
        given = Tokens(x, coords, mask)
        torch.testing.assert_close(module(given, first=2), module(given)[:, :2], rtol=0, atol=1e-5)


def test_a_causal_trunk_has_no_first_tokens_alone() -> None:
    with pytest.raises(ValueError, match="the queries are the last tokens"):
        trunk(replace(CONFIG, attention=CAUSAL))(Tokens(tokens()), first=1)
