"""The base class of networks that correct drafts."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from torch import Tensor, nn

from deepconsensus_py.corrector import Arrays


class Config(Protocol):
    """The configuration of a network: everything but its weights."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        ...


class CorrectionNetwork(nn.Module):
    """A network with its weights in a model file; it maps a method's inputs to scores.

    The softmax of its scores ``float[items, ..., classes]`` gives the probabilities that the method calls reads from.

    Attributes:
        method: its method's name in ``methods.METHODS``.
        cpu_batch: items of a full batch on a CPU.
        gpu_batch: the same on a GPU.
        step: CPU batches are padded to a multiple of this.
        config: its configuration.
    """

    method: ClassVar[str]
    cpu_batch: ClassVar[int]
    gpu_batch: ClassVar[int]
    step: ClassVar[int]
    config: Config

    @classmethod
    @abstractmethod
    def of(cls, config: Mapping[str, Any]) -> "CorrectionNetwork":
        """Build from a configuration (``Config.to_dict``); weights are loaded later.

        Raises:
            ModelError: it is not the configuration of such a network.
        """

    @abstractmethod
    def require_spec(self, spec: Mapping[str, Any], source: str) -> None:
        """Refuse an encoding that the network does not fit.

        Args:
            spec: the encoding.
            source: name of the model in errors.

        Raises:
            ModelError: it does not fit.
        """

    @classmethod
    def upgraded(
        cls, spec: Mapping[str, Any], state: Mapping[str, Tensor]
    ) -> tuple[Mapping[str, Any], dict[str, Tensor]]:
        """The encoding and weights of a file of an earlier version, for the present network; the same ones by default.

        Args:
            spec: the encoding in the file.
            state: tensors by name.
        """
        return spec, dict(state)

    @abstractmethod
    def summary(self) -> str:
        """One line about it."""

    @abstractmethod
    def cost(self) -> str:
        """Its computing cost, in words."""

    def arranged(self, inputs: Arrays) -> Arrays:
        """Bring a batch to shapes whose results do not depend on the batch."""
        return inputs

    def parameter_count(self) -> int:
        """Number of weights."""
        return sum(parameter.numel() for parameter in self.parameters())
