"""Masked modelling: nothing of a hidden column is seen, and what is learned serves the correction."""

import torch
from heads import example_correct
from heads.example_pretrain import EXAMPLE, batch, build

from deepconsensus_py.heads.correct import Correct
from deepconsensus_py.heads.pretrain import Masked, hide

COLUMNS = ("bases", "pulse_widths", "inter_pulse_durations", "draft", "draft_quality")


def test_a_hidden_column_is_hidden_whole() -> None:
    torch.manual_seed(0)
    head, windows = build(EXAMPLE.trunk), batch(1)
    out = head(windows)
    for name in COLUMNS:
        changed = {**windows, name: windows[name].clone()}
        changed[name][..., 3] = (changed[name][..., 3] + 1) % 5
        assert torch.equal(head(changed), out), name
        changed[name][..., 4] = (changed[name][..., 4] + 1) % 5
        assert not torch.equal(head(changed), out), name


def test_only_hidden_cells_of_passes_that_are_there_count() -> None:
    head, windows = build(EXAMPLE.trunk), batch(1)
    out = torch.zeros(2, example_correct.COLUMNS, 2, 5)
    there = windows["strands"][0] > 0
    out[..., 0, :].scatter_(-1, windows["draft"].long().unsqueeze(-1), 50.0)
    assert head.metrics(out, windows)["draft"] == 1
    shown = {**windows, "bases": windows["bases"].clone()}
    shown["bases"][0, ~there] = 4
    shown["bases"][..., 0] = 4
    torch.testing.assert_close(head.loss(out, shown), head.loss(out, windows))
    shown["bases"][0, 0, 2] = (shown["bases"][0, 0, 2] + 1) % 5
    right = out.clone()
    right[..., 1, :].scatter_(-1, windows["bases"][:, 0].long().unsqueeze(-1), 50.0)
    assert head.loss(right, shown) > head.loss(right, windows)


def test_what_it_learns_is_handed_on() -> None:
    masked = build(EXAMPLE.trunk)
    assert isinstance(masked, Masked)
    correct = Correct(masked.trunk, masked.columns)
    fresh = example_correct.build(EXAMPLE.trunk)
    fresh.trunk.load_state_dict(masked.trunk.state_dict(), strict=True)
    assert correct.trunk is masked.trunk
    assert correct(example_correct.batch(1)).shape == (2, example_correct.COLUMNS, 5)


def test_columns_are_hidden_with_the_share_that_is_asked() -> None:
    hidden = hide((400, 100), 0.15, torch.Generator().manual_seed(1))
    assert abs(float(hidden.float().mean()) - 0.15) < 0.01
    assert torch.equal(hidden, hide((400, 100), 0.15, torch.Generator().manual_seed(1)))
