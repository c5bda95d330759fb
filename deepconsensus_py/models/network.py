"""What every network that corrects drafts has, whichever method it belongs to."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self

from torch import nn

from deepconsensus_py.corrector import Arrays


class Config(Protocol):
    """The configuration of a network: all but its weights."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        ...


class CorrectionNetwork(nn.Module):
    """A network whose weights a model file holds; called with tensors of a method's inputs, it gives scores.

    The softmax of its scores ``float[items, ..., classes]`` are the probabilities that the method calls reads from.

    Attributes:
        method: its method's name in ``methods.METHODS``.
        cpu_batch: items of a full batch on a processor.
        gpu_batch: the same on a GPU.
        step: items that a batch on a processor is padded to a multiple of.
        config: what it is made of.
    """

    method: ClassVar[str]
    cpu_batch: ClassVar[int]
    gpu_batch: ClassVar[int]
    step: ClassVar[int]
    config: Config

    @classmethod
    @abstractmethod
    def of(cls, config: Mapping[str, Any]) -> Self:
        """A network by its configuration, as ``Config.to_dict`` gave it; weights are still to be read.

        Raises:
            ModelError: it is not the configuration of such a network.
        """

    @abstractmethod
    def require_spec(self, spec: Mapping[str, Any], source: str) -> None:
        """Refuse an encoding that the network does not fit.

        Args:
            spec: the encoding.
            source: what the error calls the model.

        Raises:
            ModelError: it does not fit.
        """

    @abstractmethod
    def summary(self) -> str:
        """What it is, in a line."""

    @abstractmethod
    def cost(self) -> str:
        """What it computes, in words."""

    def arranged(self, inputs: Arrays) -> Arrays:
        """A batch in the shapes that the network computes alike whatever the batch."""
        return inputs

    def parameter_count(self) -> int:
        """Number of weights."""
        return sum(parameter.numel() for parameter in self.parameters())
