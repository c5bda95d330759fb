"""The column network: what it reads, what it ignores, and that all of it can learn."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from deepconsensus_py.attention.config import AttentionConfig
from deepconsensus_py.attention.patterns import BlockLocal
from deepconsensus_py.errors import ModelError
from deepconsensus_py.models.column_network import ColumnConfig, ColumnNetwork

Make = Callable[[ColumnConfig], ColumnNetwork]
Windows = dict[str, Tensor]
BAND = (AttentionConfig(BlockLocal(4, 2, exact=2)),)


def test_one_row_of_logits_per_column(config: ColumnConfig, make_network: Make, windows: Windows) -> None:
    assert make_network(config)(windows).shape == (5, 12, 5)


def test_windows_do_not_see_each_other(config: ColumnConfig, make_network: Make, windows: Windows) -> None:
    network = make_network(config)
    alone = torch.cat([network({name: x[i : i + 1] for name, x in windows.items()}) for i in range(5)])
    torch.testing.assert_close(network(windows), alone)


@pytest.mark.parametrize("name", ["bases", "pulse_widths", "inter_pulse_durations", "draft", "draft_quality"])
def test_a_column_moves_only_its_neighbourhood(
    config: ColumnConfig, make_network: Make, windows: Windows, name: str
) -> None:
    network = make_network(replace(config, trunk=replace(config.trunk, layers=1, attention=BAND)))
    changed = {**windows, name: windows[name].clone()}
    changed[name][..., 7] = (changed[name][..., 7] + 1) % 5
    moved = (network(changed) != network(windows)).any(-1)
    assert moved[:, 5:10].all()
    assert not moved[:, :5].any()
    assert not moved[:, 10:].any()


@pytest.mark.parametrize("name", ["strands", "snr"])
def test_what_is_constant_over_the_window_moves_every_column(
    config: ColumnConfig, make_network: Make, windows: Windows, name: str
) -> None:
    network = make_network(config)
    changed = {**windows, name: (windows[name] + 1) % 3}
    assert (network(changed) != network(windows)).any(-1).all()


def test_code_0_embeds_as_zeros(config: ColumnConfig, make_network: Make, windows: Windows) -> None:
    nothing = {name: torch.zeros_like(x) for name, x in windows.items()}
    nothing["draft_quality"] -= 1
    assert not make_network(config).embed(nothing).any()


def test_signal_to_noise_is_truncated_and_clipped(config: ColumnConfig, make_network: Make, windows: Windows) -> None:
    network = make_network(config)

    def embedded(values: list[float]) -> Tensor:
        return network.embed({**windows, "snr": torch.tensor([values] * 5)})

    assert torch.equal(embedded([12.97, 0.99, -3.0, 700.0]), embedded([12.0, 0.0, 0.0, 500.0]))
    assert not torch.equal(embedded([12.97, 0.99, 1.0, 700.0]), embedded([13.0, 0.0, 1.0, 500.0]))


def test_draft_qualities_are_shifted_by_one_and_capped(
    config: ColumnConfig, make_network: Make, windows: Windows
) -> None:
    network = make_network(config)

    def embedded(value: int) -> Tensor:
        at = 3 * (4 + 3 + 5 + 2) + 4
        return network.embed({**windows, "draft_quality": torch.full((5, 12), value, dtype=torch.int16)})[0, 0, at:][:6]

    table = network.tables["draft_quality"].weight * 6**0.5
    assert torch.equal(embedded(-1), torch.zeros(6))
    assert torch.equal(embedded(0), table[1])
    assert torch.equal(embedded(93), table[94])
    assert torch.equal(embedded(120), table[94])


def test_letters_that_are_no_base_say_nothing(config: ColumnConfig, make_network: Make, windows: Windows) -> None:
    network = make_network(config)
    for name in ("bases", "draft"):
        as_n = windows[name].clone()
        as_n[as_n == 2] = 5
        as_gap = as_n.clone()
        as_gap[as_gap == 5] = 0
        assert torch.equal(network({**windows, name: as_n}), network({**windows, name: as_gap}))


def test_integers_of_any_kind_say_the_same(config: ColumnConfig, make_network: Make, windows: Windows) -> None:
    network = make_network(config)
    as_int64 = {name: x if name == "snr" else x.long() for name, x in windows.items()}
    assert torch.equal(network(as_int64), network(windows))


def test_every_parameter_receives_a_gradient(config: ColumnConfig, make_network: Make, windows: Windows) -> None:
    network = make_network(config).train()
    network(windows).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name
        if name.startswith("tables."):
            assert not parameter.grad[0].any(), "code 0 must stay zeros"


def test_fresh_networks_embed_with_unit_variance_and_call_from_the_columns(config: ColumnConfig) -> None:
    torch.manual_seed(0)
    network = ColumnNetwork(config)
    table = network.tables["pulse_widths"]
    assert table(torch.arange(1, 256)).std().item() == pytest.approx(1.0, abs=0.1)
    assert not table(torch.zeros(3, dtype=torch.int32)).any()
    assert not network.output.bias.any()


@pytest.mark.parametrize("qualities", [True, False])
def test_without_condenser_embeddings_are_padded_to_an_even_width(
    config: ColumnConfig, make_network: Make, windows: Windows, qualities: bool
) -> None:
    embeddings = {**config.embeddings, "draft_quality": 7}
    config = replace(config, use_draft_qualities=qualities, embeddings=embeddings, condense=False)
    d = config.embedded + config.embedded % 2
    network = make_network(replace(config, trunk=replace(config.trunk, d=d)))
    tokens = network.tokens(windows)
    assert tokens.shape == (5, 12, d)
    assert torch.equal(tokens[..., : config.embedded], network.embed(windows))
    assert not tokens[..., config.embedded :].any()


def test_widths_that_cannot_be_joined_are_refused(config: ColumnConfig) -> None:
    with pytest.raises(ModelError, match="a trunk 16 wide cannot take 56 channels uncondensed"):
        ColumnNetwork(replace(config, condense=False))


def test_windows_of_other_passes_are_refused(config: ColumnConfig, make_network: Make, windows: Windows) -> None:
    with pytest.raises(ModelError, match="takes 4 passes, the windows have 3"):
        make_network(replace(config, max_passes=4))(windows)
