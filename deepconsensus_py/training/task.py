"""What the loop knows of whatever is trained."""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from torch import Tensor, nn

from deepconsensus_py.errors import InputError
from deepconsensus_py.training.config import TrainConfig

Batch = Mapping[str, Tensor]
"""Arrays by name, on the CPU; the loop moves them to its device."""


class Task(Protocol):
    """A network and the examples that it learns from in one stage of its training.

    The stages of one training have a task each, and these share one network. A task keeps no state between calls:
    what a batch holds follows from its generator alone, so that a training goes on where it was interrupted, and
    several processes share the batches of a step.

    Attributes:
        network: what is trained; the loop sets its weights.
    """

    network: nn.Module

    def batch(self, rng: np.random.Generator) -> Batch:
        """Draw one batch of examples.

        Args:
            rng: all randomness, augmentation included.
        """
        ...

    def held_out(self) -> Iterator[Batch]:
        """The examples that are not trained on, the same batches in every call; none where nothing is held out."""
        ...

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, int]:
        """Loss of a batch, under autocast where the configuration says so.

        Args:
            network: the network to use, which is not always ``self.network``: held-out losses are those of its
                averaged weights.
            batch: what ``batch`` or ``held_out`` gave, on the network's device.

        Returns:
            the summed loss, a scalar with gradient, and the number of items that it sums, at least 1.
        """
        ...

    def save(self, network: nn.Module, path: Path, card: str) -> None:
        """Write the trained network as a model file that a corrector loads.

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
whose first weights are drawn from ``config.seed`` or read from ``config.init``."""


OLD_TASKS = {"runs": "edits"}
"""Tasks that recipes of version 0.1 call otherwise."""


def make_tasks(config: TrainConfig) -> Sequence[Task]:
    """The tasks of all stages.

    Args:
        config: names the task.

    Raises:
        InputError: there is no such task, or what the configuration says of it does not fit.
        ModelError: the model to start from does not fit.
    """
    task = OLD_TASKS.get(config.task, config.task)
    if task not in TASKS:
        raise InputError(f"unknown task {config.task!r}; known are {', '.join(TASKS)}")
    tasks: Sequence[Task] = importlib.import_module(TASKS[task]).make_tasks(config)
    return tasks
