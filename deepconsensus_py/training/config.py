"""Recipes: convert plain YAML or JSON values to frozen dataclasses, with one-sentence errors."""

import types
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from deepconsensus_py.errors import InputError

_Record = TypeVar("_Record")


def read_record(kind: type[_Record], path: Path, changes: Mapping[str, Any] | None = None) -> _Record:
    """Read a record from a YAML file.

    Args:
        kind: a dataclass.
        path: the file.
        changes: top-level keys that override those of the file.

    Raises:
        InputError: the file cannot be read, is not YAML, or a key is unknown, missing or of the wrong type.
    """
    import yaml  # noqa: PLC0415 - only needed where a configuration is read

    try:
        values = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); give a YAML file") from error
    except (yaml.YAMLError, AttributeError, RecursionError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not YAML ({' '.join(str(error).split())})") from error
    if not isinstance(values, dict):
        raise InputError(f"{path}: not a mapping of keys to values; see docs/training_reference.md")
    return record(kind, {**values, **(changes or {})}, where=f"{path}: ")


def record(kind: type[_Record], values: Mapping[str, Any], *, where: str) -> _Record:
    """Build a record.

    Args:
        kind: a dataclass whose fields are numbers, strings, mappings, records, or tuples or optionals of these.
        values: plain values by field name.
        where: prefix of errors, e.g. ``"train.yaml: stages[0]."``.

    Raises:
        InputError: a key is unknown or missing, or its value is of the wrong type or out of range.
    """
    assert is_dataclass(kind)
    known = {f.name: f for f in fields(kind)}
    for key in values:
        if key not in known:
            raise InputError(f"{where}{key} is unknown; known keys are {', '.join(known)}")
    for name, f in known.items():
        if name not in values and f.default is MISSING and f.default_factory is MISSING:
            raise InputError(f"{where}{name} is missing")
    hints = get_type_hints(kind)
    converted = {key: _value(hints[key], value, f"{where}{key}") for key, value in values.items()}
    try:
        return kind(**converted)
    except InputError as error:
        raise InputError(f"{where}{error}") from error


def _value(kind: Any, value: Any, where: str) -> Any:
    """Convert a plain value to the type of a field."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        return None if value is None else _value(arguments[0], value, where)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise InputError(f"{where} must be a list, not {value!r}")
        return tuple(_value(arguments[0], item, f"{where}[{number}]") for number, item in enumerate(value))
    if is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, Mapping):
            raise InputError(f"{where} must be a mapping, not {value!r}")
        return record(kind, value, where=f"{where}.")
    return _plain(origin or kind, value, where)


def _plain(kind: type, value: Any, where: str) -> Any:
    if kind is float and isinstance(value, int | str) and not isinstance(value, bool):
        try:
            return float(value)  # YAML 1.1 parses 1e-3 as a string
        except ValueError:
            pass
    elif isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    words = {float: "a number", int: "an integer", str: "a string", bool: "true or false"}
    raise InputError(f"{where} must be {words.get(kind, 'a mapping')}, not {value!r}")


def plain(value: Any) -> Any:
    """A record as JSON values."""
    return _listed(asdict(value))


def _listed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, list | tuple) else value


SCHEDULES = ("cosine", "linear", "constant")
OPTIMIZERS = ("adamw", "lamb")
PRECISIONS = ("float32", "bf16")
KEEPS = ("best", "last")


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a training; it starts from the final weights of the stage before, with a fresh optimiser.

    Attributes:
        steps: updates of the weights.
        learning_rate: peak, reached after ``warm_up`` steps.
        name: in the log; unique.
        final_learning_rate: at the last step.
        warm_up: steps of linear increase.
        schedule: decay after them: ``cosine``, ``linear`` or ``constant``.
        batches: batches per step, shared by the processes, whose number does not affect the result.
        every: steps between lines of the log, each with a held-out loss and a checkpoint.
        patience: lines without a better held-out loss after which the stage stops early; 0 disables.
        keep: final weights: ``best`` by held-out loss, or ``last``.
        data: keys of the task's ``data`` that differ in this stage.
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
    """A recipe.

    Attributes:
        task: a name of ``training.task.TASKS``.
        stages: one after the other.
        name: of the model.
        seed: of weights, batches and dropout.
        init: model file to start from; None initialises weights at random.
        held_out: hole numbers of molecules that are not trained on and give the held-out loss.
        left_out: hole numbers of molecules that are not used at all.
        optimizer: ``adamw`` or ``lamb``.
        weight_decay: of matrices; biases and norms have none.
        clip: largest norm of the gradient of the mean loss; 0 disables.
        average: decay of the averaged weights, which are evaluated and saved; 0 disables averaging.
        precision: ``float32``, or ``bf16`` for autocast.
        model: the network, as the task describes it.
        data: the examples, as the task describes them.
        card: text for the model card, Markdown.
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
            raise InputError("stages must have unique names")
        if self.average >= 1:
            raise InputError(f"average must be below 1, not {self.average}")
        if not self.name or "/" in self.name:
            raise InputError(f"name must be a file name without a folder, not {self.name!r}")


def _require_at_least(lowest: int, record: Any, *names: str) -> None:
    for name in names:
        if not getattr(record, name) >= lowest:
            raise InputError(f"{name} must be {lowest} or more, not {getattr(record, name)}")


def _require_one_of(known: tuple[str, ...], record: Any, name: str) -> None:
    if getattr(record, name) not in known:
        raise InputError(f"{name} must be one of {', '.join(known)}, not {getattr(record, name)!r}")
