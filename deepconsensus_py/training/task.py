"""Training tasks by name, and the molecules that they may use."""

import importlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from torch import Tensor, nn

from deepconsensus_py.errors import InputError
from deepconsensus_py.examples.example import Entry, Example
from deepconsensus_py.examples.file import ExampleFile
from deepconsensus_py.pacbio.names import parse_ccs
from deepconsensus_py.training.config import TrainConfig

Batch = Mapping[str, Tensor]
"""Arrays by name, on the CPU; the loop moves them to the device."""


class Task(Protocol):
    """A network and its examples in one stage of training.

    Each stage has a task; all share one network. A task keeps no state between calls: a batch depends on its generator
    alone, so that a training can resume where it was interrupted, and several processes can share the batches of a
    step.

    Attributes:
        network: to train; the loop sets its weights.
    """

    network: nn.Module

    def batch(self, rng: np.random.Generator) -> Batch:
        """Draw one batch of examples.

        Args:
            rng: source of all randomness, augmentation included.
        """
        ...

    def held_out(self) -> Iterator[Batch]:
        """The held-out examples, the same batches in every call; none if nothing is held out."""
        ...

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, int]:
        """Loss of a batch, under autocast if configured.

        Args:
            network: the network to use, not always ``self.network``: held-out losses use averaged weights.
            batch: from ``batch`` or ``held_out``, on the network's device.

        Returns:
            the summed loss, a scalar with gradient, and its number of items, at least 1.
        """
        ...

    def save(self, network: nn.Module, path: Path, card: str) -> None:
        """Write the trained network as a model file.

        Args:
            network: with the weights to write.
            path: of the file.
            card: model card, Markdown.
        """
        ...


TASKS = {
    "columns": "deepconsensus_py.training.columns",
    "distill": "deepconsensus_py.training.distill",
    "edits": "deepconsensus_py.training.edits",
}
"""Modules with a function ``make_tasks(config) -> Sequence[Task]``: a task for each stage, all with the same network,
initialised from ``config.seed`` or ``config.init``."""


OLD_TASKS = {"runs": "edits"}
"""Names of tasks in recipes of version 0.1."""


def tasks_of(config: TrainConfig) -> Sequence[Task]:
    """The tasks of all stages.

    Args:
        config: names the task.

    Raises:
        InputError: there is no such task, or its configuration is invalid.
        ModelError: the model to start from does not fit.
    """
    task = OLD_TASKS.get(config.task, config.task)
    if task not in TASKS:
        raise InputError(f"unknown task {config.task!r}; known are {', '.join(TASKS)}")
    tasks: Sequence[Task] = importlib.import_module(TASKS[task]).make_tasks(config)
    return tasks


def open_examples(paths: Sequence[str], config: TrainConfig) -> list[ExampleFile]:
    """Open example files; every molecule named in the configuration must be in one.

    Args:
        paths: of the files.
        config: names molecules.

    Raises:
        InputError: there is no file, one cannot be used, or a named molecule is in none.
    """
    files = [ExampleFile(Path(path)) for path in paths]
    if not files:
        raise InputError("data.examples names no file; create one with 'deepconsensus-py encode --truth'")
    require_present(config, {hole_of(entry.name) for file in files for entry in file.entries}, paths)
    return files


def require_present(config: TrainConfig, present: Collection[int | None], paths: Iterable[str]) -> None:
    """Refuse held-out or excluded molecules that are not there: a misspelt one would be trained on.

    Args:
        config: names molecules.
        present: hole numbers in the files.
        paths: of the files.

    Raises:
        InputError: naming the first.
    """
    for hole in (*config.held_out, *config.left_out):
        if hole not in present:
            raise InputError(f"molecule {hole} is to be held out or excluded, but is not in {', '.join(paths)}")


def trained_on(config: TrainConfig) -> Callable[[Entry], bool]:
    """Whether a molecule is neither held out nor excluded."""
    others = {*config.held_out, *config.left_out}
    return lambda entry: hole_of(entry.name) not in others


def held_out_examples(files: Sequence[ExampleFile], config: TrainConfig) -> list[Example]:
    """The held-out molecules."""
    chosen = set(config.held_out)
    return [file[i] for file in files for i, entry in enumerate(file.entries) if hole_of(entry.name) in chosen]


def hole_of(name: str) -> int | None:
    """The hole number in the name of a draft, or None if it has none."""
    molecule = parse_ccs(name)
    return None if molecule is None else molecule.hole
