"""The configuration of a training, as frozen records that a YAML file fills."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deepconsensus_py.errors import InputError

SCHEDULES = ("cosine", "linear", "constant")
OPTIMIZERS = ("adamw", "lamb")
PRECISIONS = ("float32", "bf16")
KEEPS = ("best", "last")


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a training; it starts from the weights that the one before ended with, with a fresh optimiser.

    Attributes:
        steps: updates of the weights.
        learning_rate: highest, reached after ``warm_up`` steps.
        name: what the log calls it; each stage has its own.
        final_learning_rate: at the last step.
        warm_up: steps of linear rise.
        schedule: how the rate falls after them: ``cosine``, ``linear`` or ``constant``.
        batches: batches per step, shared by the processes; their number makes no difference to the result.
        every: steps between two lines of the log, each with a held-out loss and a checkpoint.
        patience: lines without a better held-out loss after which the stage ends; 0 never ends it early.
        keep: the weights that it ends with: ``best`` by held-out loss, or ``last``.
        data: what of the task's ``data`` is different in this stage.
    """

    steps: int
    learning_rate: float
    name: str = "train"
    final_learning_rate: float = 0.0
    warm_up: int = 0
    schedule: str = "cosine"
    batches: int = 1
    every: int = 100
    patience: int = 0
    keep: str = "best"
    data: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _require_at_least(1, self, "steps", "batches", "every")
        _require_at_least(0, self, "learning_rate", "final_learning_rate", "warm_up", "patience")
        _require_one_of(SCHEDULES, self, "schedule")
        _require_one_of(KEEPS, self, "keep")


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """A training.

    Attributes:
        task: what is trained, a name of ``training.tasks``.
        stages: one after the other.
        name: of the model.
        seed: of weights, batches and dropout.
        init: model file whose weights the network starts from; None draws them.
        held_out: ZMW numbers of molecules that are not trained on and give the held-out loss.
        left_out: ZMW numbers of molecules that are neither trained on nor looked at.
        optimizer: ``adamw`` or ``lamb``.
        weight_decay: of matrices; biases and norms have none.
        clip: highest norm of the gradient of the mean loss; 0 leaves it as it is.
        average: decay of the averaged weights that are measured and saved; 0 takes the weights as they are.
        precision: ``float32``, or ``bf16`` for autocast.
        model: the network, as the task wants it described.
        data: the examples, as the task wants them described.
        card: what is added to the model card, Markdown.
    """

    task: str
    stages: tuple[Stage, ...]
    name: str = "model"
    seed: int = 0
    init: str | None = None
    held_out: tuple[int, ...] = ()
    left_out: tuple[int, ...] = ()
    optimizer: str = "adamw"
    weight_decay: float = 0.01
    clip: float = 1.0
    average: float = 0.999
    precision: str = "float32"
    model: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    card: str = ""

    def __post_init__(self) -> None:
        _require_at_least(0, self, "seed", "weight_decay", "clip", "average")
        _require_one_of(OPTIMIZERS, self, "optimizer")
        _require_one_of(PRECISIONS, self, "precision")
        if not self.stages:
            raise InputError("a training needs at least one of stages")
        if len({stage.name for stage in self.stages}) < len(self.stages):
            raise InputError("stages must have names of their own")
        if self.average >= 1:
            raise InputError(f"average must be below 1, not {self.average}")
        if not self.name or "/" in self.name:
            raise InputError(f"name must be that of a file without its folder, not {self.name!r}")


def _require_at_least(lowest: int, record: Any, *names: str) -> None:
    for name in names:
        if not getattr(record, name) >= lowest:
            raise InputError(f"{name} must be {lowest} or more, not {getattr(record, name)}")


def _require_one_of(known: tuple[str, ...], record: Any, name: str) -> None:
    if getattr(record, name) not in known:
        raise InputError(f"{name} must be one of {', '.join(known)}, not {getattr(record, name)!r}")
