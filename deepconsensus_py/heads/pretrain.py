"""Masked modelling of pileups: columns are hidden whole, and told from those around them."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.heads.columns import window_specs
from deepconsensus_py.heads.head import Batch, Head, Spec
from deepconsensus_py.models.config import CLASSES
from deepconsensus_py.models.network import ColumnTokens

MASKED = "masked"


class Masked(Head):
    """Says of hidden columns what the draft and each pass have there.

    A column is hidden whole, with its draft, all passes and kinetics: of a single hidden cell the other passes would
    tell. What is learned needs no truth; trunk and columns are then those of ``correct``.

    Args:
        trunk: what attends.
        columns: makes tokens of columns.
    """

    name = "pretrain"

    def __init__(self, trunk: Trunk, columns: ColumnTokens) -> None:
        super().__init__(trunk)
        config = columns.config
        self.inputs = {**window_specs(config), MASKED: Spec(("batch", config.width), torch.bool)}
        self.columns = columns
        self.hidden = nn.Parameter(torch.randn(trunk.config.d) * 0.02)
        self.output = nn.Linear(trunk.config.d, 2 * CLASSES)

    def tokens(self, batch: Batch) -> Tokens:
        """A token for each column; the same one for all that are hidden."""
        return Tokens(torch.where(batch[MASKED].unsqueeze(-1), self.hidden, self.columns.tokens(batch)))

    def forward(self, batch: Batch) -> Tensor:
        """Logits of the draft's and of a pass's class in every column, ``float[B, width, 2, 5]``."""
        return torch.unflatten(self.output(self.trunk(self.tokens(batch))), -1, (2, CLASSES))

    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        """Cross-entropy of a hidden cell, nats: the mean of that of the draft and that of the passes."""
        hidden, there = batch[MASKED], (batch["strands"] > 0).unsqueeze(-1)
        draft = F.cross_entropy(out[:, :, 0][hidden], _classes(batch["draft"])[hidden])
        cells = hidden.unsqueeze(1) & there
        logits = out[:, :, 1].unsqueeze(1).expand(-1, cells.shape[1], -1, -1)
        return (draft + F.cross_entropy(logits[cells], _classes(batch["bases"])[cells])) / 2

    def metrics(self, out: Tensor, batch: Batch) -> dict[str, float]:
        """``draft``: share of hidden columns whose draft is told; ``loss``: as above."""
        hidden = batch[MASKED]
        told = out[:, :, 0].argmax(-1) == _classes(batch["draft"])
        return {"draft": float(told[hidden].float().mean()), "loss": float(self.loss(out, batch))}


def hide(shape: tuple[int, int], share: float, generator: torch.Generator) -> Tensor:
    """Which columns are to be hidden, ``bool[shape]``, each with the same probability."""
    return torch.rand(shape, generator=generator) < share


def _classes(bases: Tensor) -> Tensor:
    """Classes ``int64``; any other letter is none."""
    return bases.where(bases < CLASSES, 0).long()
