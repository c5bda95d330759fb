"""Training task of edit networks: classify the edits of undecided homopolymers."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor, nn

from deepconsensus_py.edits.method import SPEC
from deepconsensus_py.errors import InputError
from deepconsensus_py.models.edit_network import EditConfig, EditNetwork
from deepconsensus_py.models.weights import Model, read_model, save_model
from deepconsensus_py.training.config import TrainConfig, record
from deepconsensus_py.training.edit_examples import EditExamples, joined, read_edit_examples
from deepconsensus_py.training.task import Batch, Task, require_present

LABELS = "labels"
"""The array of a batch that is not network input."""

_HELD_OUT_BATCH = 1024


@dataclass(frozen=True, slots=True)
class EditModel:
    """The model section of a recipe.

    Attributes:
        layers: of the trunk.
        d: width of the tokens.
        heads: attention heads.
        ff: inner width of the feed-forward sublayers.
        dropout: of attention weights.
    """

    layers: int = 2
    d: int = 64
    heads: int = 4
    ff: int = 128
    dropout: float = 0.0

    def network_config(self) -> EditConfig:
        """The network's configuration.

        Raises:
            InputError: a value is out of range.
        """
        try:
            return EditConfig.of(layers=self.layers, d=self.d, heads=self.heads, ff=self.ff, dropout=self.dropout)
        except ValueError as error:
            raise InputError(f"model: {error}") from error


@dataclass(frozen=True, slots=True)
class EditData:
    """The data section of a recipe.

    Attributes:
        evidence: files from ``deepconsensus-py prepare-training``.
        weights: relative sampling weight of the drafts of each file, and of its truth where the passes support the
            draft; default 1.
        given: sampling weight of a molecule's own draft, relative to one of some of its passes.
        drafts: drafts per batch.
        runs: homopolymers per draft; recipes call them so.
    """

    evidence: tuple[str, ...]
    weights: tuple[float, ...] = ()
    given: float = 2.0
    drafts: int = 8
    runs: int = 64

    def __post_init__(self) -> None:
        if not self.evidence:
            raise InputError("data.evidence names no file; create one with 'deepconsensus-py prepare-training'")
        if self.weights and len(self.weights) != len(self.evidence):
            raise InputError("data.weights must have a number for every file of data.evidence")
        if self.drafts < 1 or self.runs < 1:
            raise InputError("data.drafts and data.runs must be 1 or more")


@dataclass(frozen=True, slots=True, eq=False)
class DraftUse:
    """How each draft is used.

    Attributes:
        weight: ``float64[drafts]`` sampling weight; 0 for drafts that are not trained on.
        trust: ``float64[drafts]`` weight in the floor of error probabilities; 0 likewise.
        held_out: ``bool[drafts]`` whether it counts in the held-out loss.
    """

    weight: NDArray[np.float64]
    trust: NDArray[np.float64]
    held_out: NDArray[np.bool_]


class EditTask:
    """Undecided homopolymers and cross-entropy; a ``training.task.Task``.

    Args:
        network: to train.
        examples: labelled homopolymers.
        use: of each draft.
        data: sizes of a batch.
    """

    network: nn.Module

    def __init__(self, network: EditNetwork, examples: EditExamples, use: DraftUse, data: EditData) -> None:
        self.network, self._examples, self._data = network, examples, data
        self._chance = np.cumsum(use.weight)
        self._held_out = np.flatnonzero(np.repeat(use.held_out, np.diff(examples.start)))
        self._floor = _floor(examples, use.trust)

    def batch(self, rng: np.random.Generator) -> Batch:
        """Homopolymers of random drafts, with their labels."""
        chosen = []
        drawn = rng.random(self._data.drafts) * self._chance[-1]
        for draft in np.searchsorted(self._chance, drawn, side="right"):
            homopolymers = self._examples.of_draft(int(draft))
            chosen.append(rng.choice(homopolymers, min(self._data.runs, len(homopolymers)), replace=False))
        return self._tensors(np.concatenate(chosen))

    def held_out(self) -> Iterator[Batch]:
        """All undecided homopolymers of the held-out molecules' own drafts."""
        for start in range(0, len(self._held_out), _HELD_OUT_BATCH):
            yield self._tensors(self._held_out[start : start + _HELD_OUT_BATCH])

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, int]:
        """Summed cross-entropy, in nats, and the number of homopolymers."""
        labels = batch[LABELS].long()
        return F.cross_entropy(network(batch), labels, reduction="sum"), len(labels)

    def save(self, network: nn.Module, path: Path, card: str) -> None:
        """Write a model for ``polish``."""
        assert isinstance(network, EditNetwork)
        network.config = replace(network.config, floor=float(f"{self._floor:.2g}"))
        save_model(path, Model(path.stem, network, SPEC, card=card))

    def _tensors(self, chosen: NDArray[np.int64]) -> Batch:
        arrays: dict[str, NDArray[Any]] = {**self._examples.tokens(chosen), LABELS: self._examples.label[chosen]}
        return {name: torch.from_numpy(values) for name, values in arrays.items()}


def _floor(examples: EditExamples, trust: NDArray[np.float64]) -> float:
    """Error rate of homopolymers without a candidate edit, in the molecules' own drafts if there are any."""
    given = trust * examples.given
    counted = given if given.any() else trust
    # Never 0, however few homopolymers were counted.
    return float((examples.missed @ counted + 0.5) / (examples.decided @ counted + 1))


def make_tasks(config: TrainConfig) -> list[Task]:
    """A task for each stage, by ``EditModel`` and ``EditData``.

    Raises:
        InputError: the configuration or the examples cannot be used.
        ModelError: the model to start from does not fit.
    """
    network = _network(config)
    known: dict[str, EditExamples] = {}
    tasks: list[Task] = []
    for number, stage in enumerate(config.stages):
        data = record(EditData, {**config.data, **stage.data}, where=f"data of stages[{number}]: ")
        for path in data.evidence:
            known.setdefault(path, read_edit_examples(Path(path)))
        parts = [known[path] for path in data.evidence]
        tasks.append(_task(network, parts, data, config))
    return tasks


def _task(network: EditNetwork, parts: list[EditExamples], data: EditData, config: TrainConfig) -> EditTask:
    examples = joined(parts)
    require_present(config, set(examples.hole.tolist()), data.evidence)
    weights = data.weights or (1.0,) * len(parts)
    trust = np.concatenate([np.full(part.drafts, own) for part, own in zip(parts, weights, strict=True)])
    held_out = np.isin(examples.hole, config.held_out)
    trust[held_out | np.isin(examples.hole, config.left_out)] = 0
    # In proportion to their undecided homopolymers, drafts of few passes would crowd out the rest; hence the root.
    weight = trust * np.where(examples.given, data.given, 1) * np.sqrt(np.diff(examples.start))
    if not weight.any():
        raise InputError(f"{', '.join(data.evidence)}: all molecules are held out or excluded")
    return EditTask(network, examples, DraftUse(weight, trust, held_out & examples.given), data)


def _network(config: TrainConfig) -> EditNetwork:
    """The network with its initial weights: those of ``init`` if one is named."""
    if config.init is None:
        torch.manual_seed(config.seed)
        return EditNetwork(record(EditModel, config.model, where="model.").network_config())
    if config.model:
        raise InputError("model and init exclude each other: init has a network already; remove model")
    network = read_model(config.init).network
    if not isinstance(network, EditNetwork):
        raise InputError(f"{config.init}: not an edit network; choose one as init, or another task")
    return network
