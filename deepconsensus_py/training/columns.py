"""Training task of column networks: windows cut from molecules, or read from DeepConsensus's own examples."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.errors import InputError
from deepconsensus_py.examples.tfrecord import read_tfrecord
from deepconsensus_py.examples.windows import WindowExamples, WindowSampler, join_windows, window_examples
from deepconsensus_py.models.alignment_loss import alignment_loss
from deepconsensus_py.models.column_network import ColumnConfig, ColumnNetwork
from deepconsensus_py.models.weights import Model, network_of, read_model, save_model
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.training.augment import Augmentation, augment
from deepconsensus_py.training.config import TrainConfig, record
from deepconsensus_py.training.task import (
    Batch,
    Task,
    held_out_examples,
    hole_of,
    open_examples,
    require_present,
    trained_on,
)


@dataclass(frozen=True, slots=True)
class WindowData:
    """Data section of a recipe: ``examples`` or ``windows``.

    Attributes:
        examples: example files; windows are cut from augmented molecules at every draw.
        windows: DeepConsensus's ``.tfrecord.gz`` files; held in memory, not augmented.
        batch: windows per batch.
        per_molecule: most windows from one draw of a molecule.
        augmentation: of the molecules.
    """

    examples: tuple[str, ...] = ()
    windows: tuple[str, ...] = ()
    batch: int = 64
    per_molecule: int = 16
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        if bool(self.examples) == bool(self.windows):
            raise InputError("give either examples or windows, the training files")
        if self.batch < 1 or self.per_molecule < 1:
            raise InputError("batch and per_molecule must be 1 or more")
        if self.windows and self.augmentation != Augmentation():
            raise InputError("windows cannot be augmented; give examples, or remove augmentation")


@dataclass(frozen=True, slots=True, eq=False)
class StageWindows:
    """The windows of one stage.

    Attributes:
        draw: draws a batch; all randomness is the generator's.
        held_out: batches that are not trained on.
    """

    draw: Callable[[np.random.Generator], WindowExamples]
    held_out: Sequence[WindowExamples]


def stage_windows(config: TrainConfig, spec: FeatureSpec) -> Iterator[StageWindows]:
    """The windows of each stage.

    Raises:
        InputError: the configuration or a file cannot be used.
    """
    for number, stage in enumerate(config.stages):
        merged: dict[str, Any] = {**config.data, **stage.data}
        data = record(WindowData, merged, where=f"data of stages[{number}]: ")
        yield _of_molecules(data, config, spec) if data.examples else _as_written(data, config, spec)


def _of_molecules(data: WindowData, config: TrainConfig, spec: FeatureSpec) -> StageWindows:
    files = open_examples(data.examples, config)
    change = data.augmentation
    sampler = WindowSampler(
        files,
        spec,
        use=trained_on(config),
        augment=None if change == Augmentation() else partial(augment, settings=change),
        per_molecule=data.per_molecule,
    )
    kept = [window_examples(example, spec) for example in held_out_examples(files, config)]
    return StageWindows(partial(sampler.draw, count=data.batch), _batches(kept, data.batch))


def _as_written(data: WindowData, config: TrainConfig, spec: FeatureSpec) -> StageWindows:
    windows = join_windows([part for path in data.windows for part in read_tfrecord(Path(path), spec)])
    holes = np.array([hole_of(name) for name in windows.names])
    require_present(config, set(holes.tolist()), data.windows)
    trained = windows.take(~np.isin(holes, [*config.held_out, *config.left_out]))
    if not len(trained):
        raise InputError(f"{', '.join(data.windows)}: all windows are held out or excluded")

    def draw(rng: np.random.Generator) -> WindowExamples:
        return trained.take(rng.integers(len(trained), size=data.batch))

    return StageWindows(draw, _batches([windows.take(np.isin(holes, config.held_out))], data.batch))


def _batches(parts: Iterable[WindowExamples], size: int) -> list[WindowExamples]:
    """Windows in order, in batches."""
    return [
        windows.take(np.arange(first, min(first + size, len(windows))))
        for windows in parts
        for first in range(0, len(windows), size)
    ]


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
"""The array of a batch that is not network input."""


@dataclass(frozen=True, slots=True)
class ColumnModel:
    """Model section of a recipe: a column network and its encoding; defaults are those of DeepConsensus v1.2.

    Attributes:
        layers: of the trunk.
        d: width of the tokens.
        heads: attention heads.
        ff: inner width of the feed-forward sublayers.
        attention: name of a preset.
        dropout: of attention weights.
        norm: ``rezero`` or ``layer``.
        embeddings: channels of embedding tables, where they differ from ``EMBEDDINGS``.
        max_passes: passes that it reads.
        width: columns of a window.
        insertion_trim: longest insertion kept, bp.
        draft_qualities: whether it reads the draft's base qualities.
        required: fields that every pass must have, of ``pulse_widths``, ``inter_pulse_durations`` and ``snr``.
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
                raise InputError(f"model.embeddings: {name} is {channels!r}, but must be an integer of 1 or more")
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
        network: to train.
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
        """Write a model for ``polish``."""
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
    """The network with its initial weights and its encoding: those of ``init`` if one is named."""
    if config.init is not None:
        if config.model:
            raise InputError("model and init exclude each other: init has a network already; remove model")
        model = read_model(config.init)
        return network_of(model, ColumnNetwork), FeatureSpec.from_dict(model.spec)
    described = record(ColumnModel, config.model, where="model.")
    torch.manual_seed(config.seed)
    return ColumnNetwork(described.network_config()), described.spec()
