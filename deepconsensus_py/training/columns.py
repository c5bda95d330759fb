"""The task of column networks: the alignment loss of windows cut from molecules."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.attention.presets import preset
from deepconsensus_py.errors import InputError
from deepconsensus_py.examples.windows import WindowExamples
from deepconsensus_py.models.alignment_loss import alignment_loss
from deepconsensus_py.models.config import ColumnConfig
from deepconsensus_py.models.network import ColumnNetwork
from deepconsensus_py.models.weights import Model, column_network, load_model, save_model
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.training.config import TrainConfig
from deepconsensus_py.training.records import record
from deepconsensus_py.training.task import Batch, Task
from deepconsensus_py.training.windows import StageWindows, stage_windows

EMBEDDINGS = {
    "bases": 8,
    "pulse_widths": 8,
    "inter_pulse_durations": 8,
    "strands": 2,
    "draft_quality": 8,
    "snr": 8,
}
"""Channels of the embedding tables of DeepConsensus v1.2."""

LABELS = "labels"
"""The array of a batch that the network does not see."""


@dataclass(frozen=True, slots=True)
class ColumnModel:
    """A column network and its encoding; the defaults are those of DeepConsensus v1.2.

    Attributes:
        layers: of the trunk.
        d: width of the tokens.
        heads: attention heads.
        ff: inner width of the feed-forward sublayers.
        attention: name of a preset.
        dropout: of attention weights.
        norm: ``rezero`` or ``layer``.
        embeddings: channels of embedding tables, where they differ from ``EMBEDDINGS``.
        max_passes: passes it sees.
        width: columns of a window.
        insertion_trim: longest insertion (bases) that is kept.
        draft_qualities: whether it reads the draft's base qualities.
        required: what every pass must have of ``pulse_widths``, ``inter_pulse_durations`` and ``snr``.
    """

    layers: int = 6
    d: int = 280
    heads: int = 2
    ff: int = 2048
    attention: str = "banded12"
    dropout: float = 0.0
    norm: str = "rezero"
    embeddings: Mapping[str, int] = field(default_factory=dict)
    max_passes: int = 20
    width: int = 100
    insertion_trim: int = 5
    draft_qualities: bool = False
    required: tuple[str, ...] = ()

    def network_config(self) -> ColumnConfig:
        """The network's configuration.

        Raises:
            InputError: a value is out of range.
        """
        if unknown := self.embeddings.keys() - EMBEDDINGS.keys():
            names = ", ".join(sorted(map(str, unknown)))
            raise InputError(f"model.embeddings: unknown {names}; known are {', '.join(EMBEDDINGS)}")
        for name, channels in self.embeddings.items():
            if not isinstance(channels, int) or isinstance(channels, bool) or channels < 1:
                raise InputError(f"model.embeddings: {name} is {channels!r}, and should be a whole number of 1 or more")
        try:
            attention = tuple(replace(entry, dropout=self.dropout) for entry in preset(self.attention))
            trunk = TrunkConfig(self.layers, self.d, self.heads, self.ff, attention, self.norm)
        except ValueError as error:
            raise InputError(f"model: {error}") from error
        embeddings = {**EMBEDDINGS, **self.embeddings}
        return ColumnConfig(self.max_passes, self.width, embeddings, trunk, self.draft_qualities)

    def spec(self) -> FeatureSpec:
        """The encoding."""
        return FeatureSpec(
            max_passes=self.max_passes,
            width=self.width,
            insertion_trim=self.insertion_trim,
            use_draft_qualities=self.draft_qualities,
            required=self.required,
        )


class ColumnTask:
    """Windows of molecules and the alignment loss; a ``training.task.Task``.

    Args:
        network: what is trained.
        spec: the encoding of its windows.
        windows: its examples.
    """

    network: nn.Module

    def __init__(self, network: ColumnNetwork, spec: FeatureSpec, windows: StageWindows) -> None:
        self.network, self._spec, self._draw = network, spec, windows.draw
        self._inputs = network.config.inputs
        self._held_out = [self._tensors(batch) for batch in windows.held_out]

    def batch(self, rng: np.random.Generator) -> Batch:
        """Windows with their labels."""
        return self._tensors(self._draw(rng))

    def held_out(self) -> Iterator[Batch]:
        """All windows of the held-out molecules, not augmented."""
        return iter(self._held_out)

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, int]:
        """Summed alignment loss, in nats, and the number of windows."""
        return alignment_losses(network(batch), batch).sum(), len(batch[LABELS])

    def save(self, network: nn.Module, path: Path, card: str) -> None:
        """Write a model that ``polish`` reads."""
        assert isinstance(network, ColumnNetwork)
        save_model(path, Model(path.stem, network, self._spec.to_dict(), card=card))

    def _tensors(self, windows: WindowExamples) -> Batch:
        arrays = {name: windows.inputs[name] for name in self._inputs}
        return {name: torch.from_numpy(values) for name, values in {**arrays, LABELS: windows.labels}.items()}


def alignment_losses(logits: Tensor, batch: Batch) -> Tensor:
    """Alignment loss of each window, ``float[n]``."""
    return alignment_loss(logits.float().log_softmax(-1).exp(), batch[LABELS])


def make_tasks(config: TrainConfig) -> list[Task]:
    """A task for each stage, by ``ColumnModel`` and ``windows.WindowData``.

    Raises:
        InputError: the configuration or the examples cannot be used.
        ModelError: the model to start from does not fit.
    """
    network, spec = _network(config)
    return [ColumnTask(network, spec, windows) for windows in stage_windows(config, spec)]


def _network(config: TrainConfig) -> tuple[ColumnNetwork, FeatureSpec]:
    """The network with its first weights, and its encoding: those of the model to start from, where one is named."""
    if config.init is not None:
        if config.model:
            raise InputError("model describes a network, but that of init is to be trained; leave model out")
        model = load_model(config.init)
        return column_network(model), FeatureSpec.from_dict(model.spec)
    described = record(ColumnModel, config.model, where="model.")
    torch.manual_seed(config.seed)
    return ColumnNetwork(described.network_config()), described.spec()
