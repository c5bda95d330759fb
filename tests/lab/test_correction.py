"""Perfect labels spell all windows that have room for it, perfect writing all of them, and sizes are alike."""

import numpy as np
import pytest
import torch
from torch import Tensor

from deepconsensus_py.heads.head import check_batch
from deepconsensus_py.heads.label import UNJUDGED
from deepconsensus_py.lab.systems.transformer import correction


@pytest.mark.parametrize("slots", [2, 4])
def test_perfect_labels_are_right_exactly_where_there_is_room(slots: int) -> None:
    made, head = correction.drawn(300, 0), correction.labeller(0, slots)
    labels = correction.window_batch(made, slots)["labels"].clamp(min=0)
    head.decode = lambda _: labels  # type: ignore[method-assign]
    crowded = (made.aligned[..., 2] > 0).any(axis=1)
    assert (correction.right(correction.labelled(head, made, slots), made) == ((slots == 4) | ~crowded)).all()
    assert 0.1 < crowded.mean() < 0.4


def test_perfect_writing_is_right_everywhere_and_one_base_less_nowhere() -> None:
    made = correction.drawn(20, 1)
    assert correction.right(made.truth, made).all()
    assert not correction.right(np.pad(made.truth[:, 1:], ((0, 0), (0, 1))), made).any()


def test_both_heads_take_the_batch_and_padding_is_not_judged() -> None:
    made = correction.drawn(10, 2)
    batch = correction.window_batch(made)
    check_batch(correction.writer(0), batch)
    check_batch(correction.labeller(0), batch)
    assert torch.equal(batch["labels"] == UNJUDGED, ~batch["mask"])


def test_recurrent_units_are_as_many_and_see_no_later_letter() -> None:
    network, writer = correction.recurrent(0).eval(), correction.writer(0)
    sizes = [sum(weight.numel() for weight in one.parameters()) for one in (network, writer)]
    assert 0.8 < sizes[0] / sizes[1] < 1.25
    batch = correction.window_batch(correction.drawn(2, 3))
    target: Tensor = batch["target"].clone()
    target[:, 20] = target[:, 20] % 4 + 1
    with torch.no_grad():
        before, after = network(batch), network({**batch, "target": target})
    assert torch.equal(before[:, :21], after[:, :21])
    assert not torch.equal(before[:, 21], after[:, 21])


def test_looking_at_the_columns_costs_its_pairs() -> None:
    head = correction.writer(0)
    layers = correction.writer_layers(head)
    n, m = correction.COLUMNS, correction.LENGTH + 1
    assert [layer.pairs for layer in layers] == [n * n] * 2 + [m * (m + 1) / 2 + m * n] * 2
