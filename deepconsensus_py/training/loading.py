"""Batches in order, drawn here or ahead in other processes."""

from collections.abc import Iterable, Iterator

import numpy as np
from torch.utils.data import DataLoader, Dataset

from deepconsensus_py.training.task import Batch, Task

Place = tuple[int, ...]
"""Where in a training a batch is used: seed, stage, step, number. All randomness of the batch follows from it."""


def batches(task: Task, places: Iterable[Place], loaders: int) -> Iterator[tuple[int, Batch]]:
    """The batches of some places, in order, each with the seed of the dropout that goes with it.

    Args:
        task: draws them.
        places: of the batches.
        loaders: processes that draw; 0 draws each in this one when it is asked for.
    """
    return iter(DataLoader(_Drawn(task), batch_size=None, sampler=places, num_workers=loaders))


class _Drawn(Dataset[tuple[int, Batch]]):
    """All batches there could be, by place."""

    def __init__(self, task: Task) -> None:
        self._task = task

    def __getitem__(self, place: Place) -> tuple[int, Batch]:
        examples, dropout = np.random.SeedSequence(place).spawn(2)
        return int(dropout.generate_state(1)[0]), self._task.batch(np.random.default_rng(examples))
