"""Shared by the heads on pileups: inputs, alignment loss and calls of columns."""

import torch
from torch import Tensor

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.heads.head import Batch, Head, Spec
from deepconsensus_py.models.alignment_loss import alignment_loss, shift_left
from deepconsensus_py.models.column_network import INPUTS, ColumnConfig

LABELS = "labels"


class ColumnHead(Head):
    """A head that outputs logits of the classes gap, A, T, C, G in every column, ``float[B, width, 5]``.

    Args:
        trunk: of the head.
        config: inputs and embeddings; its trunk is that of ``trunk``.

    Raises:
        ValueError: the configuration describes another trunk.
    """

    def __init__(self, trunk: Trunk, config: ColumnConfig) -> None:
        super().__init__(trunk)
        if trunk.config != config.trunk:
            raise ValueError(f"{self.name}: the configuration of the columns is of another trunk")
        self.inputs = {**window_specs(config), LABELS: Spec(("batch", config.width), torch.uint8, 0, 4)}

    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        """Mean cost of the best alignment of a window's calls with the truth, nats (``models.alignment_loss``)."""
        return alignment_loss(out.float().log_softmax(-1).exp(), batch[LABELS]).mean()

    def metrics(self, out: Tensor, batch: Batch) -> dict[str, float]:
        """``exact``: share of windows called without error; ``loss``: as above."""
        right = (shift_left(out.argmax(-1)) == shift_left(batch[LABELS])).all(1)
        return {"exact": float(right.float().mean()), "loss": float(self.loss(out, batch))}


def window_specs(config: ColumnConfig) -> dict[str, Spec]:
    """The arrays of a window, as ``pileup.windows`` cuts them."""
    cells, column = ("batch", config.max_passes, config.width), ("batch", config.width)
    specs = {
        "bases": Spec(cells, torch.uint8, 0, 5),
        "pulse_widths": Spec(cells, torch.uint8),
        "inter_pulse_durations": Spec(cells, torch.uint8),
        "strands": Spec(("batch", config.max_passes), torch.uint8, 0, INPUTS["strands"].codes - 1),
        "draft": Spec(column, torch.uint8, 0, 5),
        "draft_quality": Spec(column, torch.int8, -1),
        "snr": Spec(("batch", 4), torch.float32),
    }
    return {name: specs[name] for name in config.inputs}


def error_probabilities(out: Tensor) -> Tensor:
    """Probability that the class called in each column is wrong, ``float[B, width]``."""
    return 1 - out.log_softmax(-1).amax(-1).exp()
