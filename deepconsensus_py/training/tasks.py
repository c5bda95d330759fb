"""Tasks by name."""

import importlib
from collections.abc import Sequence

from deepconsensus_py.errors import InputError
from deepconsensus_py.training.config import TrainConfig
from deepconsensus_py.training.task import Task

TASKS = {
    "columns": "deepconsensus_py.training.columns",
    "distill": "deepconsensus_py.training.distill",
    "runs": "deepconsensus_py.training.runs",
}
"""Modules with a function ``make_tasks(config) -> Sequence[Task]``: a task for each stage, all with the same network,
whose first weights are drawn from ``config.seed`` or read from ``config.init``."""


def make_tasks(config: TrainConfig) -> Sequence[Task]:
    """The tasks of all stages.

    Args:
        config: names the task.

    Raises:
        InputError: there is no such task, or what the configuration says of it does not fit.
        ModelError: the model to start from does not fit.
    """
    if config.task not in TASKS:
        raise InputError(f"unknown task {config.task!r}; known are {', '.join(TASKS)}")
    tasks: Sequence[Task] = importlib.import_module(TASKS[config.task]).make_tasks(config)
    return tasks
