"""The base class of heads: from a batch to tokens, and from the trunk's output to a loss."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.tokens import Tokens

Batch = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Spec:
    """What one tensor of a batch must be.

    Attributes:
        shape: sizes; a name stands for any size, the same wherever it stands in the batch.
        dtype: its type.
        low: least value, None for any.
        high: greatest value, None for any.
    """

    shape: tuple[str | int, ...]
    dtype: torch.dtype
    low: float | None = None
    high: float | None = None


class Head(nn.Module, ABC):
    """A task on a trunk.

    A head owns embeddings and output layers, the trunk has neither, so that several heads can share one trunk.

    Args:
        trunk: what attends.
    """

    name: ClassVar[str]
    inputs: Mapping[str, Spec]

    def __init__(self, trunk: Trunk) -> None:
        super().__init__()
        self.trunk = trunk

    @abstractmethod
    def tokens(self, batch: Batch) -> Tokens:
        """What the trunk is given of a batch."""

    @abstractmethod
    def forward(self, batch: Batch) -> Tensor:
        """The head's output, mostly logits, for a batch."""

    @abstractmethod
    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        """The training loss, a scalar, from the output and the batch."""

    @abstractmethod
    def metrics(self, out: Tensor, batch: Batch) -> dict[str, float]:
        """How good the output is, by name."""


def check_batch(head: Head, batch: Batch) -> None:
    """Check a batch against the head's inputs; once per source of batches is enough.

    Raises:
        ValueError: a tensor is missing, or of another shape, type or range.
    """
    sizes: dict[str, int] = {}
    for name, spec in head.inputs.items():
        where = f"{head.name}: batch[{name!r}]"
        if name not in batch:
            raise ValueError(f"{where} is missing")
        value = batch[name]
        if value.dtype != spec.dtype or value.dim() != len(spec.shape):
            raise ValueError(f"{where} is {value.dtype}{list(value.shape)}, not {spec.dtype}{list(spec.shape)}")
        for size, wanted in zip(value.shape, spec.shape, strict=True):
            if size != (sizes.setdefault(wanted, size) if isinstance(wanted, str) else wanted):
                raise ValueError(f"{where} has the shape {list(value.shape)}, not {list(spec.shape)} with {sizes}")
        low, high = spec.low, spec.high
        if value.numel() and ((low is not None and value.min() < low) or (high is not None and value.max() > high)):
            raise ValueError(f"{where} goes from {value.min()} to {value.max()}, not from {low} to {high}")
