"""Tracks: runs are labelled by the draft, variants are where the passes say so, and finding is finding."""

import torch

from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.lab.reads import simulated
from deepconsensus_py.lab.systems.vision_survey import KERNEL, TRUNK, Convolutions, f1
from deepconsensus_py.lab.tracks import GAP, HOMOPOLYMER, RUN, SINGLE, found, track_segments, variants


def test_homopolymers_go_on_across_gaps() -> None:
    batch, draft = track_segments(20, 3), simulated(20, 3)["draft"]
    assert (batch["symbols"][..., -1] == 0).all()  # the draft is not shown
    for row, labels in zip(draft.tolist(), batch["labels"].tolist(), strict=True):
        letters = [base for base in row if base]
        classes = [label for label in labels if label != GAP]
        assert [label == GAP for label in labels] == [base == 0 for base in row]
        for place, (base, label) in enumerate(zip(letters, classes, strict=True)):
            left = right = place
            while left and letters[left - 1] == base:
                left -= 1
            while right + 1 < len(letters) and letters[right + 1] == base:
                right += 1
            assert label == (RUN if right - left + 1 >= HOMOPOLYMER else SINGLE)


def test_a_variant_is_another_base_in_half_of_the_passes_and_nothing_else_changes() -> None:
    batch, before = variants(20, 3), simulated(20, 3)
    passes, original = batch["symbols"][..., :-1], before["bases"].transpose(1, 2)
    changed = passes != original
    assert torch.equal(changed.any(2), batch["labels"].bool())
    assert (batch["labels"].sum(1) == 1).all()
    for row in range(20):
        column = int(batch["labels"][row].argmax())
        alternative = passes[row, column][changed[row, column]]
        assert len(alternative.unique()) == 1
        assert alternative[0] not in {0, int(before["draft"][row, column])}
        assert 2 * len(alternative) - int((original[row, column] > 0).sum()) in {0, 1}


def test_finding_asks_for_the_column() -> None:
    labels = torch.tensor([[0, 1, 0], [1, 0, 0], [0, 0, 0]])
    right = torch.nn.functional.one_hot(labels, 2).float()
    assert found(right, labels) == 1
    right[0] = right[0].flip(0).roll(1, 0)
    assert found(right, labels) == 0.5


def test_f1_of_what_is_right_is_one_and_of_one_class_little() -> None:
    labels = torch.tensor([[0, 0, 0, 1, 2, 2]])
    assert f1(torch.nn.functional.one_hot(labels, 3).float(), labels) == 1
    assert abs(f1(torch.tensor([1.0, 0, 0]).expand(1, 6, 3), labels) - 2 / 9) < 1e-6


def test_convolutions_see_so_far_and_no_further() -> None:
    stack = Convolutions(TRUNK).eval()
    x = torch.randn(1, 40, TRUNK.d, requires_grad=True)
    # The plain sum of a layer norm is 0, whatever it sees.
    (stack(Tokens(x))[0, 20] * torch.randn(TRUNK.d)).sum().backward()
    assert x.grad is not None
    seen = x.grad[0].abs().sum(-1).nonzero()[:, 0].tolist()
    reach = TRUNK.layers * (KERNEL // 2)
    assert seen == list(range(20 - reach, 21 + reach))
