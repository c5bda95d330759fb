"""Several edit networks as one: the mean of their probabilities where the first is not sure.

Networks that were trained on different molecules, or read different fields, make different mistakes; averaging their
probabilities cancels some (Lakshminarayanan et al. 2017, "Simple and scalable predictive uncertainty estimation using
deep ensembles").
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from deepconsensus_py.edits.classes import NONE
from deepconsensus_py.edits.inference import CONFIDENT
from deepconsensus_py.errors import ModelError
from deepconsensus_py.models.edit_network import UNUSED, EditConfig, EditNetwork, EditScorer
from deepconsensus_py.models.network import CorrectionNetwork

MEMBERS = "ensemble"
"""Key of the members in the configuration; a single network has none."""


@dataclass(frozen=True, slots=True)
class EnsembleConfig:
    """Configuration of an ensemble.

    Attributes:
        members: the networks.
    """

    members: tuple[EditConfig, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {MEMBERS: [member.to_dict() for member in self.members]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "EnsembleConfig":
        """The record of ``to_dict``.

        Raises:
            ModelError: a field is missing, unknown or out of range, or there is no member.
        """
        try:
            config = cls(tuple(EditConfig.from_dict(member) for member in values[MEMBERS]))
            if unknown := values.keys() - {MEMBERS, UNUSED}:
                raise TypeError(f"unknown {', '.join(sorted(unknown))}")
        except (KeyError, TypeError) as error:
            raise ModelError(f"not the configuration of an ensemble of edit networks: {error}") from error
        if not config.members:
            raise ModelError("not the configuration of an ensemble of edit networks: it has no member")
        return config


class EditEnsemble(EditScorer):
    """Scores the edits of a homopolymer by several networks: their mean, unless the first is confident of no edit.

    Args:
        config: of the members.
    """

    config: EnsembleConfig

    def __init__(self, config: EnsembleConfig) -> None:
        super().__init__()
        self.config = config
        self.networks = nn.ModuleList(EditNetwork(member) for member in config.members)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Logarithms ``float[n, classes]`` of probabilities; inputs as those of ``EditNetwork``.

        The first network's where it is ``edits.inference.CONFIDENT`` of no edit, else the mean of all networks'.
        """
        scores = torch.stack([member(inputs).log_softmax(-1) for member in self.networks])
        mean = scores.logsumexp(0) - math.log(len(scores))
        confident = scores[0, :, NONE, None].exp() >= CONFIDENT
        return torch.where(confident, scores[0], mean)

    @property
    def members(self) -> Sequence[EditNetwork]:
        """The networks whose probabilities it averages."""
        return [member for member in self.networks if isinstance(member, EditNetwork)]

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> CorrectionNetwork:
        """Build from a configuration: an ensemble, or the single network of a configuration without members."""
        return cls(EnsembleConfig.from_dict(config)) if MEMBERS in config else EditNetwork.of(config)

    def summary(self) -> str:
        """One line about it."""
        members = "; ".join(dict.fromkeys(member.summary() for member in self.members))
        return f"mean of {len(self.networks)} networks, {self.parameter_count():,} parameters in all: {members}"
