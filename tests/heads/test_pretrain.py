"""Masked modelling: nothing of a hidden column is seen, and what is learned serves the correction."""

import torch
from heads import example_correct
from heads.example_pretrain import EXAMPLE, batch, build

from deepconsensus_py.heads.correct import Correct
from deepconsensus_py.heads.pretrain import HIDDEN, MASKED, UNDRAFTED, Masked, hide

COLUMNS = ("bases", "pulse_widths", "inter_pulse_durations", "draft", "draft_quality")
HIDDEN_COLUMN, UNDRAFTED_COLUMN, SHOWN_COLUMN = 3, 8, 4


def test_a_hidden_column_is_hidden_whole_and_a_draft_alone_where_only_it_is() -> None:
    torch.manual_seed(0)
    head, windows = build(EXAMPLE.trunk), batch(1)
    out = head(windows)
    for name in COLUMNS:
        for column, shown in ((HIDDEN_COLUMN, False), (UNDRAFTED_COLUMN, "draft" not in name), (SHOWN_COLUMN, True)):
            changed = {**windows, name: windows[name].clone()}
            changed[name][..., column] = (changed[name][..., column] + 1) % 5
            assert torch.equal(head(changed), out) != shown, (name, column)


def test_what_is_to_be_told_is_what_was_hidden() -> None:
    head, windows = build(EXAMPLE.trunk), batch(1)
    there = windows["strands"][0] > 0
    out = torch.zeros(2, example_correct.COLUMNS, 2, 5)
    out[..., 0, :].scatter_(-1, windows["draft"].long().unsqueeze(-1), 50.0)
    assert head.metrics(out, windows)["undrafted"] == 1
    wrong = {**windows, "draft": windows["draft"].clone()}
    wrong["draft"][0, UNDRAFTED_COLUMN] = (wrong["draft"][0, UNDRAFTED_COLUMN] + 1) % 5
    assert head.metrics(out, wrong)["undrafted"] == 0.5
    absent = {**windows, "bases": windows["bases"].clone()}
    absent["bases"][0, ~there] = 4
    right = out.clone()
    right[..., 1, :].scatter_(-1, windows["bases"][:, 0].long().unsqueeze(-1), 50.0)
    torch.testing.assert_close(head.loss(right, absent), head.loss(right, windows))
    absent["bases"][0, 0] = (absent["bases"][0, 0] + 1) % 5
    assert head.loss(right, absent) > head.loss(right, windows) + 1


def test_what_it_learns_is_handed_on() -> None:
    masked = build(EXAMPLE.trunk)
    assert isinstance(masked, Masked)
    correct = Correct(masked.trunk, masked.columns)
    assert correct.trunk is masked.trunk
    assert correct(example_correct.batch(1)).shape == (2, example_correct.COLUMNS, 5)


def test_columns_are_hidden_with_the_shares_that_are_asked() -> None:
    windows = {"draft": torch.zeros(400, 100, dtype=torch.uint8)}
    masked = hide(windows, torch.Generator().manual_seed(1))[MASKED]
    assert abs(float((masked == HIDDEN).float().mean()) - 0.15) < 0.01
    without = (masked == UNDRAFTED).any(1)
    assert abs(float(without.float().mean()) - 0.5) < 0.1
    assert (masked[without] > 0).all()
    assert torch.equal(masked, hide(windows, torch.Generator().manual_seed(1))[MASKED])
