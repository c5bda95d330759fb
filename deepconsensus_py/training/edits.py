"""Training task of edit networks: classify the edits of undecided homopolymers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor, nn

from deepconsensus_py.edits.method import SPEC
from deepconsensus_py.edits.tokens import KINETICS
from deepconsensus_py.errors import InputError
from deepconsensus_py.models.edit_ensemble import EditEnsemble, EnsembleConfig
from deepconsensus_py.models.edit_network import EditConfig, EditNetwork, EditScorer
from deepconsensus_py.models.weights import Model, read_model, save_model
from deepconsensus_py.training.config import TrainConfig, record
from deepconsensus_py.training.edit_examples import EditExamples, joined, read_edit_examples
from deepconsensus_py.training.task import Batch, Task, require_present

LABELS, MEMBER = "labels", "member"
"""The arrays of a batch that are not network input; ``MEMBER``, the index of the network that is to learn from an item,
is absent from held-out batches and where there is one network."""

_HELD_OUT_BATCH = 1024


@dataclass(frozen=True, slots=True)
class Member:
    """A network of an ensemble; each has its own initial weights and batches.

    Attributes:
        without: names of ``models.edit_network.PASS_GROUPS`` that it does not read.
        bag: share of the molecules that it is trained on, drawn by hole number.
    """

    without: tuple[str, ...] = ()
    bag: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.bag <= 1:
            raise InputError(f"bag must be above 0 and at most 1, not {self.bag}")


@dataclass(frozen=True, slots=True)
class EditModel:
    """The model section of a recipe.

    Attributes:
        layers: of the trunk.
        d: width of the tokens.
        heads: attention heads.
        ff: inner width of the feed-forward sublayers.
        dropout: of attention weights.
        members: networks of this size whose probabilities are averaged; empty for a single network.
    """

    layers: int = 2
    d: int = 64
    heads: int = 4
    ff: int = 128
    dropout: float = 0.0
    members: tuple[Member, ...] = ()

    def network(self, seed: int) -> EditScorer:
        """The network with initial weights.

        Args:
            seed: of the weights; members use it and the numbers that follow.

        Raises:
            InputError: a value is out of range.
        """
        try:
            config = EditConfig.of(layers=self.layers, d=self.d, heads=self.heads, ff=self.ff, dropout=self.dropout)
            configs = tuple(replace(config, without=member.without) for member in self.members)
        except ValueError as error:
            raise InputError(f"model: {error}") from error
        torch.manual_seed(seed)
        if not configs:
            return EditNetwork(config)
        network = EditEnsemble(EnsembleConfig(configs))
        for number, member in enumerate(network.members):
            torch.manual_seed(seed + number)
            member.load_state_dict(EditNetwork(member.config).state_dict())
        return network


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
        drop_passes: probability that a pass of an item is not shown; pooled evidence still counts it.
        drop_kinetics: probability that an item is shown without kinetics.
    """

    evidence: tuple[str, ...]
    weights: tuple[float, ...] = ()
    given: float = 2.0
    drafts: int = 8
    runs: int = 64
    drop_passes: float = 0.0
    drop_kinetics: float = 0.0

    def __post_init__(self) -> None:
        if not self.evidence:
            raise InputError("data.evidence names no file; create one with 'deepconsensus-py prepare-training'")
        if self.weights and len(self.weights) != len(self.evidence):
            raise InputError("data.weights must have a number for every file of data.evidence")
        if self.drafts < 1 or self.runs < 1:
            raise InputError("data.drafts and data.runs must be 1 or more")
        if not (0 <= self.drop_passes < 1 and 0 <= self.drop_kinetics <= 1):
            raise InputError("data.drop_passes must be 0 or more and below 1, data.drop_kinetics from 0 to 1")


@dataclass(frozen=True, slots=True, eq=False)
class DraftUse:
    """How each draft is used.

    Attributes:
        weight: ``float64[members, drafts]`` sampling weight for each network; 0 for drafts that it is not trained on.
        held_out: ``bool[drafts]`` whether it counts in the held-out loss.
    """

    weight: NDArray[np.float64]
    held_out: NDArray[np.bool_]


class EditTask:
    """Undecided homopolymers and cross-entropy; a ``training.task.Task``.

    Args:
        network: to train; each member of an ensemble on its own batches, with one loss.
        examples: labelled homopolymers.
        use: of each draft.
        data: sizes of a batch.
    """

    network: nn.Module

    def __init__(self, network: EditScorer, examples: EditExamples, use: DraftUse, data: EditData) -> None:
        self.network, self._examples, self._data = network, examples, data
        self._chance = np.cumsum(use.weight, axis=1)
        self._use = use

    def batch(self, rng: np.random.Generator) -> Batch:
        """Homopolymers of random drafts, with their labels; as many drafts for each member."""
        parts = [self._drawn(chance, rng) for chance in self._chance]
        batch = self._tensors(np.concatenate(parts), rng)
        if len(parts) == 1:
            return batch
        return {**batch, MEMBER: torch.arange(len(parts)).repeat_interleave(torch.tensor([len(p) for p in parts]))}

    def _drawn(self, chance: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
        """Indices of homopolymers of drafts drawn by their cumulated weights."""
        chosen = []
        drawn = rng.random(self._data.drafts) * chance[-1]
        for draft in np.searchsorted(chance, drawn, side="right"):
            homopolymers = self._examples.of_draft(int(draft))
            chosen.append(rng.choice(homopolymers, min(self._data.runs, len(homopolymers)), replace=False))
        return np.concatenate(chosen)

    def held_out(self) -> Iterator[Batch]:
        """All undecided homopolymers of the held-out molecules: of their own drafts, then of those of some passes."""
        yield from self.held_out_of(given=True)
        yield from self.held_out_of(given=False)

    def held_out_of(self, *, given: bool) -> Iterator[Batch]:
        """Undecided homopolymers of the held-out molecules' own drafts, or of those of some of their passes."""
        drafts = self._use.held_out & (self._examples.given == given)
        chosen = np.flatnonzero(np.repeat(drafts, np.diff(self._examples.start)))
        for start in range(0, len(chosen), _HELD_OUT_BATCH):
            yield self._tensors(chosen[start : start + _HELD_OUT_BATCH])

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, int]:
        """Summed cross-entropy, in nats, and the number of homopolymers.

        In a batch with ``MEMBER`` each item counts for its member alone, else for the network as a whole.
        """
        labels = batch[LABELS].long()
        if MEMBER not in batch:
            return F.cross_entropy(network(batch), labels, reduction="sum"), len(labels)
        assert isinstance(network, EditScorer)
        losses = []
        for number, member in enumerate(network.members):
            own = batch[MEMBER] == number
            scores = member({name: values[own] for name, values in batch.items()})
            losses.append(F.cross_entropy(scores, labels[own], reduction="sum"))
        return torch.stack(losses).sum(), len(labels)

    def save(self, network: nn.Module, path: Path, card: str) -> None:
        """Write a model for ``polish``."""
        assert isinstance(network, EditScorer)
        save_model(path, Model(path.stem, network, SPEC, card=card))

    def _tensors(self, chosen: NDArray[np.int64], rng: np.random.Generator | None = None) -> Batch:
        """Some homopolymers; with a generator, some of their fields are dropped."""
        arrays: dict[str, NDArray[Any]] = {**self._examples.tokens(chosen), LABELS: self._examples.label[chosen]}
        if rng is not None:
            drop(arrays["passes"], rng, passes=self._data.drop_passes, kinetics=self._data.drop_kinetics)
        return {name: torch.from_numpy(values) for name, values in arrays.items()}


def drop(tokens: NDArray[np.int8], rng: np.random.Generator, *, passes: float, kinetics: float) -> None:
    """Set random passes, and the kinetics of random items, to zeros: a network then relies on no single one.

    Args:
        tokens: ``int8[n, passes, PASS_FIELDS]`` to change.
        rng: source of randomness; not used for rates of 0.
        passes: probability for each pass.
        kinetics: probability for each item.
    """
    if passes:
        tokens[rng.random(tokens.shape[:2]) < passes] = 0
    if kinetics:
        tokens[rng.random(len(tokens)) < kinetics, :, KINETICS] = 0


def make_tasks(config: TrainConfig) -> list[Task]:
    """A task for each stage, by ``EditModel`` and ``EditData``.

    Raises:
        InputError: the configuration or the examples cannot be used.
        ModelError: the model to start from does not fit.
    """
    model = record(EditModel, config.model, where="model.")
    network = model.network(config.seed) if config.init is None else _read_network(config.init, config)
    bags = [member.bag for member in model.members] or [1.0] * len(network.members)
    known: dict[str, EditExamples] = {}
    tasks: list[Task] = []
    for number, stage in enumerate(config.stages):
        data = record(EditData, {**config.data, **stage.data}, where=f"data of stages[{number}]: ")
        for path in data.evidence:
            known.setdefault(path, read_edit_examples(Path(path)))
        parts = [known[path] for path in data.evidence]
        examples = joined(parts)
        require_present(config, set(examples.hole.tolist()), data.evidence)
        weights = np.repeat(data.weights or (1.0,) * len(parts), [part.drafts for part in parts])
        tasks.append(EditTask(network, examples, _use(examples, weights, data, config, bags), data))
    return tasks


def _use(
    examples: EditExamples,
    weights: NDArray[np.float64],
    data: EditData,
    config: TrainConfig,
    bags: Sequence[float],
) -> DraftUse:
    """How each draft is used; ``weights`` ``float64[drafts]`` are those of their files."""
    weight = weights.astype(np.float64)
    held_out = np.isin(examples.hole, config.held_out)
    weight[held_out | np.isin(examples.hole, config.left_out)] = 0
    # In proportion to their undecided homopolymers, drafts of few passes would crowd out the rest; hence the root.
    weight *= np.where(examples.given, data.given, 1) * np.sqrt(np.diff(examples.start))
    if not weight.any():
        raise InputError(f"{', '.join(data.evidence)}: all molecules are held out or excluded")
    drawn = np.stack([in_bag(examples.hole, bag, config.seed + number) for number, bag in enumerate(bags)])
    for number, own in enumerate(weight * drawn):
        if not own.any():
            raise InputError(f"model.members[{number}]: no molecule is in its bag; make it larger")
    return DraftUse(weight * drawn, held_out)


def in_bag(holes: NDArray[np.int64], share: float, seed: int) -> NDArray[np.bool_]:
    """Which molecules are drawn, whatever the others are.

    Args:
        holes: ``int64[n]`` hole numbers; -1 where there is none.
        share: of the molecules to draw.
        seed: of the draw.
    """
    drawn = {hole: np.random.default_rng([seed, hole + 1]).random() < share for hole in set(holes.tolist())}
    return np.array([drawn[hole] for hole in holes.tolist()], np.bool_)


def _read_network(init: str, config: TrainConfig) -> EditScorer:
    """The network of a model file."""
    if config.model:
        raise InputError("model and init exclude each other: init has a network already; remove model")
    network = read_model(init).network
    if not isinstance(network, EditScorer):
        raise InputError(f"{init}: not an edit network; choose one as init, or another task")
    return network
