"""Masked modelling of pileups: predict columns that are hidden or have the draft of another."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.heads.columns import window_specs
from deepconsensus_py.heads.head import Batch, Head, Spec
from deepconsensus_py.models.column_network import CLASSES, ColumnTokens

MASKED = "masked"
SHOWN, HIDDEN, UNDRAFTED = 0, 1, 2
"""State of a column: visible, hidden, or with another draft."""

ABSENT = {"draft": 0, "draft_quality": -1}


class Masked(Head):
    """Predicts the draft and a pass in every column, of which some are hidden.

    The other passes would reveal a single hidden cell, so a column is hidden with its draft, all passes and kinetics.
    Visible columns are predicted, too, some with a wrong draft, like BERT's kept and replaced words. No truth is
    needed; trunk and columns can then be reused by ``correct``.

    Args:
        trunk: what attends.
        columns: makes tokens of columns.
    """

    name = "pretrain"

    def __init__(self, trunk: Trunk, columns: ColumnTokens) -> None:
        super().__init__(trunk)
        config = columns.config
        self.inputs = {**window_specs(config), MASKED: Spec(("batch", config.width), torch.uint8, SHOWN, UNDRAFTED)}
        self.columns = columns
        self.hidden = nn.Parameter(torch.randn(trunk.config.d) * 0.02)
        self.output = nn.Linear(trunk.config.d, 2 * CLASSES)

    def tokens(self, batch: Batch) -> Tokens:
        """A token for each column; the same one for all that are hidden."""
        without = batch[MASKED] == UNDRAFTED
        absent = {name: value for name, value in ABSENT.items() if name in self.inputs}
        shown = {name: batch[name].masked_fill(without, value) for name, value in absent.items()}
        columns = self.columns.tokens({**batch, **shown})
        return Tokens(self.hidden.where((batch[MASKED] == HIDDEN).unsqueeze(-1), columns))

    def forward(self, batch: Batch) -> Tensor:
        """Logits of the draft's and of a pass's class in every column, ``float[B, width, 2, 5]``."""
        return torch.unflatten(self.output(self.trunk(self.tokens(batch))), -1, (2, CLASSES))

    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        """Cross-entropy of a cell, nats: the mean of that of the draft and that of the passes."""
        return _entropy(out, batch, torch.ones_like(batch[MASKED], dtype=torch.bool))

    def metrics(self, out: Tensor, batch: Batch) -> dict[str, float]:
        """``hidden``: the loss in hidden columns alone; ``undrafted``: share of wrong drafts that are corrected."""
        wrong = batch[MASKED] == UNDRAFTED
        right = (out[:, :, 0].argmax(-1) == _classes(batch["draft"]))[wrong]
        hidden = _entropy(out, batch, batch[MASKED] == HIDDEN)
        return {"hidden": float(hidden), "undrafted": float(right.float().mean()), "loss": float(self.loss(out, batch))}


def hide(batch: Batch, generator: torch.Generator, *, hidden: float = 0.15, undrafted: float = 0.5) -> Batch:
    """Hide or undraft random columns of a batch.

    Args:
        batch: windows.
        generator: source of randomness.
        hidden: share of columns that are hidden.
        undrafted: share of those that get the draft of another.
    """
    masked = UNDRAFTED * (torch.rand(len(batch["draft"]), 1, generator=generator) < undrafted)
    masked = masked.expand(batch["draft"].shape)
    masked = masked.masked_fill(torch.rand(masked.shape, generator=generator) < hidden, HIDDEN)
    return {**batch, MASKED: masked.to(torch.uint8)}


def _entropy(out: Tensor, batch: Batch, columns: Tensor) -> Tensor:
    draft = F.cross_entropy(out[:, :, 0][columns], _classes(batch["draft"])[columns])
    cells = columns.unsqueeze(1) & (batch["strands"] > 0).unsqueeze(-1)
    passes = out[:, :, 1].unsqueeze(1).expand(-1, cells.shape[1], -1, -1)
    return (draft + F.cross_entropy(passes[cells], _classes(batch["bases"])[cells])) / 2


def _classes(bases: Tensor) -> Tensor:
    """Classes ``int64``; any other letter is none."""
    return bases.where(bases < CLASSES, 0).long()
