"""The alignment loss: equal to the recursion written out, to all alignments listed, and to the original."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from deepconsensus_py.models.alignment_loss import alignment_loss, distillation_loss, shift_left


def probabilities(n: int, columns: int, seed: int = 0) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return (torch.randn(n, columns, 5, generator=random, dtype=torch.float64) * 2).softmax(-1)


def labels(n: int, length: int, seed: int = 0) -> Tensor:
    return torch.randint(0, 5, (n, length), generator=torch.Generator().manual_seed(seed))


def by_listing(p: Tensor, label: Tensor, deletion_cost: float) -> list[float]:
    """Costs of all alignments of one window: every choice of label bases, and of the columns that call them."""
    cost = -p.log()
    bases = [int(b) for b in label if b]
    columns = len(p)
    costs = []
    for called in range(min(len(bases), columns) + 1):
        for kept in itertools.combinations(range(len(bases)), called):
            for places in itertools.combinations(range(columns), called):
                calls = {place: bases[i] for place, i in zip(places, kept, strict=True)}
                in_columns = sum(cost[j, calls.get(j, 0)].item() for j in range(columns))
                costs.append(in_columns + deletion_cost * (len(bases) - called))
    return costs


@pytest.mark.parametrize("deletion_cost", [10.0, 1.0, 0.3])
@pytest.mark.parametrize(("columns", "length"), [(1, 1), (4, 4), (5, 3), (3, 5), (6, 1), (1, 4)])
def test_hard_loss_is_the_cheapest_of_all_alignments(columns: int, length: int, deletion_cost: float) -> None:
    p, y = probabilities(6, columns), labels(6, length)
    loss = alignment_loss(p, y, deletion_cost=deletion_cost, regularisation=None)
    for i in range(6):
        assert loss[i].item() == pytest.approx(min(by_listing(p[i], y[i], deletion_cost)), abs=1e-6)


def recursion(p: Tensor, label: Tensor, deletion_cost: float, regularisation: float) -> float:
    cost = -p.log()
    bases, columns = [int(b) for b in label if b], len(p)
    v = np.zeros((len(bases) + 1, columns + 1))
    for i, j in itertools.product(range(len(bases) + 1), range(columns + 1)):
        if i == 0 or j == 0:
            v[i, j] = cost[:j, 0].sum().item() + i * deletion_cost
            continue
        options = (
            v[i - 1, j - 1] + cost[j - 1, bases[i - 1]].item(),
            v[i, j - 1] + cost[j - 1, 0].item(),
            v[i - 1, j] + deletion_cost,
        )
        v[i, j] = -regularisation * math.log(sum(math.exp(-option / regularisation) for option in options))
    return float(v[-1, -1])


@pytest.mark.parametrize("regularisation", [0.1, 1.0])
@pytest.mark.parametrize(("columns", "length"), [(1, 1), (7, 7), (7, 3), (3, 7)])
def test_soft_loss_is_the_recursion(columns: int, length: int, regularisation: float) -> None:
    p, y = probabilities(5, columns), labels(5, length)
    loss = alignment_loss(p, y, deletion_cost=2.0, regularisation=regularisation)
    for i in range(5):
        assert loss[i].item() == pytest.approx(recursion(p[i], y[i], 2.0, regularisation), abs=1e-6)


def test_soft_losses_approach_the_hard_one_from_below() -> None:
    p, y = probabilities(4, 9), labels(4, 9)
    hard = alignment_loss(p, y, regularisation=None)
    soft = [alignment_loss(p, y, regularisation=r) for r in (1.0, 0.1, 0.001)]
    assert (soft[0] < soft[1]).all()
    assert (soft[1] < hard).all()
    torch.testing.assert_close(soft[2], hard, rtol=0, atol=0.02)


@pytest.mark.parametrize("regularisation", [0.1, None])
def test_gradients_are_those_of_the_loss(regularisation: float | None) -> None:
    p = probabilities(2, 5).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: alignment_loss(x, labels(2, 4), regularisation=regularisation), (p,))


def test_gaps_of_the_label_count_for_nothing() -> None:
    p = probabilities(1, 8)
    spaced, tight = torch.tensor([[0, 1, 0, 3, 0, 0]]), torch.tensor([[1, 3]])
    torch.testing.assert_close(alignment_loss(p, spaced), alignment_loss(p, tight))


def test_labels_of_any_type_move_left() -> None:
    assert shift_left(torch.tensor([[0.0, 2.0, 0.0, 1.0]])).tolist() == [[2, 1, 0, 0]]
    assert shift_left(torch.tensor([[3, 0, 4]], dtype=torch.uint8)).tolist() == [[3, 4, 0]]


def test_certainty_of_the_truth_costs_almost_nothing_and_of_anything_else_is_finite() -> None:
    certain = torch.eye(5)[torch.tensor([[1, 0, 4, 2]])]
    assert alignment_loss(certain, torch.tensor([[1, 4, 2, 0]])).item() < 1e-5
    wrong = alignment_loss(certain, torch.tensor([[3, 3, 3, 3]]), regularisation=None).item()
    # Three columns call what they give no chance, the gap column calls nothing, one true base has no column.
    assert wrong == pytest.approx(-3 * math.log(1e-7) + 10, rel=1e-4)


@pytest.mark.real
@pytest.mark.parametrize(
    "case", ["reg0.1_wNone", "regNone_wNone", "reg1.0_wNone_del1"], ids=["default", "hard", "deletion_cost_1"]
)
def test_equal_to_the_original(golden: Path, case: str) -> None:
    settings = json.loads((golden / "loss_golden.json").read_text())[case]
    reference = np.load(golden / "loss_golden.npz")
    p = torch.from_numpy(reference["y_pred"]).requires_grad_()
    loss = alignment_loss(
        p,
        torch.from_numpy(reference["y_true"]),
        deletion_cost=settings["del_cost"],
        regularisation=settings["loss_reg"],
    )
    loss.sum().backward()
    # Beside the relative error, the float32 rounding of sums of a hundred costs, where windows cost next to nothing.
    np.testing.assert_allclose(loss.detach(), reference[f"loss_{case}"], rtol=1e-5, atol=2e-5)
    assert loss.mean().item() == pytest.approx(settings["mean"], rel=1e-5)
    assert p.grad is not None
    wanted = reference[f"grad_{case}"]
    # The original's own float32 error is 1e-4 of a window's largest gradient, not of every gradient.
    largest = np.abs(wanted).max((1, 2), keepdims=True).clip(1)
    assert (np.abs(p.grad.numpy() - wanted) / largest).max() < 1e-4


@pytest.mark.real
def test_labels_move_left_as_the_original(golden: Path) -> None:
    reference = np.load(golden / "loss_golden.npz")
    assert np.array_equal(shift_left(torch.from_numpy(reference["y_true"])), reference["left_shift_y_true"])


@pytest.mark.real
@pytest.mark.parametrize("temperature", [1, 2])
def test_distillation_is_equal_to_the_original(golden: Path, temperature: int) -> None:
    reference = np.load(golden / "loss_golden.npz")
    student = torch.from_numpy(reference["distill_student_logits"]).requires_grad_()
    teacher = torch.from_numpy(reference["distill_teacher_logits"])
    loss = distillation_loss(student, teacher, temperature=temperature)
    loss.sum().backward()
    case = f"distill_mean_squared_error_T{temperature}"
    np.testing.assert_allclose(loss.detach(), reference[f"{case}_loss"], rtol=1e-5)
    np.testing.assert_allclose(student.grad, reference[f"{case}_grad"], rtol=1e-4, atol=1e-8)


def test_distillation_from_itself_costs_nothing() -> None:
    logits = torch.randn(3, 10, 5)
    assert not distillation_loss(logits, logits).any()
    assert (distillation_loss(logits, logits.flip(-1)) > 0).all()
