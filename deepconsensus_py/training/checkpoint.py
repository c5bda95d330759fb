"""Outputs of a training besides its model: checkpoints, a log of losses and a model card."""

import csv
import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from torch.optim import Optimizer

from deepconsensus_py._version import __version__
from deepconsensus_py.errors import InputError
from deepconsensus_py.files import atomic_path
from deepconsensus_py.training.config import TrainConfig, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "checkpoint.safetensors"
HEADER = "deepconsensus_py_training"
FORMAT = 1

TensorState = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of the log.

    Attributes:
        stage: name of the stage.
        step: steps done in it.
        seconds: of training, without interruptions.
        loss: mean per item since the line before.
        held_out_loss: mean per held-out item with the averaged weights, or None if nothing is held out.
        learning_rate: of the last step.
        items_per_second: since the line before, without held-out items.
    """

    stage: str
    step: int
    seconds: float
    loss: float
    held_out_loss: float | None
    learning_rate: float
    items_per_second: float


@dataclass(slots=True)
class Progress:
    """Progress of a training.

    Attributes:
        stage: index of the stage; the number of stages when all are done.
        step: steps done in it.
        seconds: of training, without interruptions.
        best_loss: lowest held-out loss in this stage, or None.
        stale: lines of the log since the best.
        rows: the log.
    """

    stage: int = 0
    step: int = 0
    seconds: float = 0.0
    best_loss: float | None = None
    stale: int = 0
    rows: list[LogLine] = field(default_factory=list)


def write_checkpoint(
    path: Path, config: Mapping[str, Any], progress: Progress, states: Mapping[str, Mapping[str, Tensor]]
) -> None:
    """Replace the checkpoint.

    Args:
        path: of the file.
        config: of the training, as JSON values.
        progress: so far.
        states: tensors by name, by name of their owner.

    Raises:
        OutputError: the file cannot be written.
    """
    tensors = {
        # Clones: safetensors refuses tensors that share memory.
        f"{part}/{name}": tensor.detach().cpu().clone().contiguous()
        for part, state in states.items()
        for name, tensor in state.items()
    }
    header = json.dumps({"format": FORMAT, "config": config, "progress": asdict(progress)})
    with atomic_path(path) as target:
        target.write_bytes(save(tensors, metadata={HEADER: header}))


def read_checkpoint(path: Path, config: Mapping[str, Any]) -> tuple[Progress, dict[str, TensorState]]:
    """Read a checkpoint of the same training.

    Args:
        path: of the file.
        config: of the training to resume.

    Returns:
        the progress and states given to ``write_checkpoint``.

    Raises:
        InputError: it cannot be read, or its configuration differs.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {})[HEADER])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 -- not a mapping
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise InputError(f"{path}: not a training checkpoint, or damaged ({error}); start over") from error
    if header["format"] != FORMAT:
        raise InputError(f"{path}: of format {header['format']}, this version reads {FORMAT}; start over")
    # The card does not affect the weights: it may be written once the model has been evaluated.
    if other := _difference({**header["config"], "card": config.get("card")}, config):
        raise InputError(f"{path}: its training {other}; resume with the original configuration, or use another folder")
    progress = header["progress"]
    rows = [LogLine(**row) for row in progress.pop("rows")]
    states: dict[str, TensorState] = {}
    for name, tensor in tensors.items():
        part, _, inner = name.partition("/")
        states.setdefault(part, {})[inner] = tensor
    return Progress(**progress, rows=rows), states


def _difference(before: Any, now: Any, where: str = "") -> str | None:
    """Describe the first difference of two configurations."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*before, *now]):
            if found := _difference(before.get(key), now.get(key), f"{where}.{key}" if where else key):
                return found
        return None
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        pairs = enumerate(zip(before, now, strict=True))
        return next((found for i, (a, b) in pairs if (found := _difference(a, b, f"{where}[{i}]"))), None)
    return None if before == now else f"had {where} {before!r}, the configuration has {now!r}"


def optimizer_state(optimizer: Optimizer) -> TensorState:
    """The state of an optimiser, by index of the weight and name."""
    return {
        f"{number}/{name}": value
        for number, values in optimizer.state_dict()["state"].items()
        for name, value in values.items()
    }


def load_optimizer_state(optimizer: Optimizer, state: Mapping[str, Tensor]) -> None:
    """Load the result of ``optimizer_state`` into a fresh optimiser."""
    by_weight: dict[int, TensorState] = {}
    for name, value in state.items():
        number, _, inner = name.partition("/")
        by_weight.setdefault(int(number), {})[inner] = value
    optimizer.load_state_dict({"state": by_weight, "param_groups": optimizer.state_dict()["param_groups"]})


COLUMNS = tuple(f.name for f in fields(LogLine))

CUT = 2.0
"""The curve clips losses above this multiple of their median, those of the first steps."""


def write_log(path: Path, rows: Iterable[LogLine]) -> None:
    """Write the log as CSV; an absent held-out loss is empty."""
    with atomic_path(path) as target, target.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([_short(getattr(row, name)) for name in COLUMNS] for row in rows)


def _short(value: str | float | None) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def write_curve(path: Path, rows: Sequence[LogLine]) -> None:
    """Draw the curve of losses as an SVG image."""
    from deepconsensus_py.evaluate.charts import save_chart  # noqa: PLC0415 - matplotlib is optional

    with atomic_path(path) as target:
        save_chart(loss_curve(rows), target)


def loss_curve(rows: Sequence[LogLine]) -> "Figure":
    """Training and held-out losses over the steps of all stages; high ones at the start are clipped."""
    from deepconsensus_py.evaluate.charts import line_chart  # noqa: PLC0415

    steps = _steps(rows)
    training = [(step, row.loss) for step, row in zip(steps, rows, strict=True)]
    held_out = [
        (step, row.held_out_loss) for step, row in zip(steps, rows, strict=True) if row.held_out_loss is not None
    ]
    below = CUT * abs(statistics.median(loss for _, loss in training + held_out))
    return line_chart({"training": training, "held out": held_out}, ("steps", "loss"), below=below)


def _steps(rows: Sequence[LogLine]) -> list[int]:
    """Steps from the beginning of the training to each line."""
    lengths: dict[str, int] = {}
    steps = []
    for row in rows:
        lengths[row.stage] = row.step
        steps.append(sum(lengths.values()))
    return steps


def in_words(row: LogLine) -> str:
    """A line of the log in words."""
    held_out = "" if row.held_out_loss is None else f", held out {row.held_out_loss:.5g}"
    return (
        f"{row.stage} {row.step}: loss {row.loss:.5g}{held_out}, rate {row.learning_rate:.3g}, "
        f"{row.items_per_second:.0f} items/s, {row.seconds:.0f} s"
    )


def model_card(config: TrainConfig, rows: Sequence[LogLine]) -> str:
    """The model card: how the model was trained, with the configuration to reproduce it."""
    last = {row.stage: row for row in rows}
    stages = "\n".join(f"- {in_words(row)}" for row in last.values())
    made_by = f"By deepconsensus-py {__version__}. Last line of the log in each stage:"
    parts = [f"# {config.name}", config.card.strip(), "## Training", made_by, stages]
    return "\n\n".join([*filter(None, parts), f"```json\n{json.dumps(plain(config))}\n```\n"])
