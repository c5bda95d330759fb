"""The planted column is what decides, and the area tells a ranking from chance."""

import pytest
import torch

from deepconsensus_py.lab.systems.inductive_bias.planted import (
    BASES,
    COLUMNS,
    area,
    judge_planted,
    occluded,
    planted_windows,
    shuffled,
)


def test_the_column_in_which_passes_disagree_has_the_answer() -> None:
    made = planted_windows(200, seed=1)
    shares = made.batch["image"].squeeze(2)
    assert torch.equal(shares.max(1).values.argmin(1), made.cause)
    decided = shares[torch.arange(200), :, made.cause]
    assert torch.equal(decided.argmax(1), made.batch["label"])
    torch.testing.assert_close(shares.sum(1), torch.ones(200, COLUMNS))
    assert all((made.batch["label"] == base).sum() > 30 for base in range(BASES))


def test_area_is_one_for_the_cause_half_for_nothing_and_zero_for_the_contrary() -> None:
    cause = torch.tensor([2, 0])
    score = torch.nn.functional.one_hot(cause, 5).float()
    assert area(score, cause) == 1.0
    assert area(torch.zeros(2, 5), cause) == pytest.approx(0.5)
    assert area(-score, cause) == 0.0


@torch.no_grad()
def test_each_column_is_left_out_once() -> None:
    head, made = judge_planted(0).eval(), planted_windows(4, seed=2)
    fall = occluded(head, made)
    assert fall.shape == (4, COLUMNS)
    assert fall.abs().max() > 0


@torch.no_grad()
def test_shuffling_lasts_as_long_as_it_is_asked_for() -> None:
    head, made = judge_planted(0).eval(), planted_windows(4, seed=2)
    before = head(made.batch)
    with shuffled(head, seed=1):
        assert (head(made.batch) - before).abs().max() > 1e-4
    assert torch.equal(head(made.batch), before)
