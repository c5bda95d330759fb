"""Losses of the column network: differentiable alignment of called columns with the true sequence."""

from functools import reduce

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

LEAST_PROBABILITY = 1e-7  # distance kept from 0 and 1
DELETION_COST = 10.0  # of a true base without a column
REGULARISATION = 0.1  # temperature of the soft minimum


def alignment_loss(
    probabilities: Tensor,
    labels: Tensor,
    *,
    deletion_cost: float = DELETION_COST,
    regularisation: float | None = REGULARISATION,
) -> Tensor:
    """Cost of the best alignment of the columns with the label, or its soft minimum over all alignments.

    A column aligned with a true base costs ``-log p(base)``, an unaligned column ``-log p(gap)``, and an unaligned true
    base ``deletion_cost``. The table is computed by anti-diagonals.

    Args:
        probabilities: ``float[n, columns, 5]`` of gap, A, T, C, G.
        labels: integers ``[n, length]``, 0 a gap; gaps are ignored wherever they are.
        deletion_cost: cost of a true base without a column.
        regularisation: temperature of the soft minimum; None for the hard minimum.

    Returns:
        ``float[n]``, one cost per window. Soft costs can be slightly below hard ones.

    Reference:
        Baid et al. 2023, "DeepConsensus improves the accuracy of sequences with a gap-aware sequence transformer".
    """
    labels = shift_left(labels)
    gaps, calls = _costs(probabilities, labels)
    n, length = labels.shape
    columns = probabilities.shape[1]
    gap_costs, call_costs = _diagonals(gaps.unsqueeze(1).expand(n, length, columns)), _diagonals(calls)
    first_row = F.pad(gaps.cumsum(1), (1, length)).unsqueeze(-1).unbind(1)

    # A diagonal is indexed by label bases used; cells inside the table never read those outside.
    before, last = gaps.new_zeros(n, length + 1), gaps.new_zeros(n, length + 1)
    # Cells of one anti-diagonal are independent: columns + length steps of whole tensors, not columns * length.
    table = [last]
    for d in range(1, columns + length + 1):
        options = [last[:, :-1] + deletion_cost]
        if d >= 2:
            options += [before[:, :-1] + call_costs[d - 2], last[:, 1:] + gap_costs[d - 2]]
        cells = _minimum(torch.stack(options), regularisation)
        if d <= length:
            only_deletions = cells.new_full((n, 1), d * deletion_cost)
            cells = torch.cat([cells[:, : d - 1], only_deletions, cells[:, d:]], dim=1)
        before, last = last, torch.cat([first_row[d], cells], dim=1)
        table.append(last)
    bases = (labels > 0).sum(1)
    costs = torch.stack(table)[bases + columns, torch.arange(n, device=bases.device), bases]
    return costs.to(probabilities.dtype)


def shift_left(labels: Tensor) -> Tensor:
    """Labels with gaps moved to the end, ``int64[n, length]``."""
    order = (labels == 0).to(torch.uint8).argsort(dim=1, stable=True)
    return labels.to(torch.int64).gather(1, order)


def _costs(probabilities: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Cost ``[n, columns]`` of a gap in each column, and ``[n, length, columns]`` of each base in each column."""
    # Summed class by class like the reference: in float32 the order decides which probabilities near 1 are clipped.
    total = reduce(torch.add, probabilities.unbind(-1)).unsqueeze(-1)
    costs = -(probabilities / total).clamp(LEAST_PROBABILITY, 1 - LEAST_PROBABILITY).log()
    # The soft minimum needs small differences of costs a thousand times larger, for which float32 is too coarse.
    costs = costs.double()
    bases = labels.unsqueeze(-1).expand(*labels.shape, costs.shape[1])
    return costs[..., 0], costs.transpose(1, 2).gather(1, bases)


def _diagonals(table: Tensor) -> tuple[Tensor, ...]:
    """The anti-diagonals ``[n, rows]`` of ``[n, rows, columns]``, zeros outside the table."""
    n, rows, columns = table.shape
    # Reading padded rows through a view one column narrower shifts each row right by one more than the row before.
    padded = F.pad(table, (0, rows)).flatten(1)
    skewed = padded[:, : rows * (columns + rows - 1)].view(n, rows, columns + rows - 1)
    return skewed.unbind(-1)


def _minimum(options: Tensor, regularisation: float | None) -> Tensor:
    if regularisation is None:
        return options.amin(0)
    return -regularisation * torch.logsumexp(-options / regularisation, dim=0)


def distillation_loss(student: Tensor, teacher: Tensor, *, temperature: float = 1.0) -> Tensor:
    """Mean squared difference of the class probabilities of student and teacher.

    Args:
        student: logits ``float[n, columns, 5]``.
        teacher: logits of the same shape.
        temperature: divides both.

    Returns:
        ``float[n]``, one mean per window.
    """
    ours, theirs = ((logits / temperature).log_softmax(-1).exp() for logits in (student, teacher))
    return (ours - theirs).square().mean((1, 2))
