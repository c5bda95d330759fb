"""What a training leaves to be looked at beside its model: a table and a model card."""

import csv
import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path

from deepconsensus_py._version import __version__
from deepconsensus_py.evaluate.charts import line_chart, standalone
from deepconsensus_py.files import atomic_path
from deepconsensus_py.training.checkpoint import LogLine
from deepconsensus_py.training.config import TrainConfig, plain

COLUMNS = tuple(f.name for f in fields(LogLine))

CUT = 2.0
"""Losses above so many times their median, those of the first steps, are drawn at the curve's upper edge."""


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


def write_curve(path: Path, title: str, rows: Sequence[LogLine]) -> None:
    """Draw training and held-out losses over the steps of all stages as an SVG image."""
    steps = _steps(rows)
    training = [(step, row.loss) for step, row in zip(steps, rows, strict=True)]
    held_out = [
        (step, row.held_out_loss) for step, row in zip(steps, rows, strict=True) if row.held_out_loss is not None
    ]
    below = CUT * abs(statistics.median(loss for _, loss in training + held_out))
    chart = line_chart(title, {"training": training, "held out": held_out}, ("steps", "loss"), below=below)
    with atomic_path(path) as target:
        target.write_text(standalone(chart))


def _steps(rows: Sequence[LogLine]) -> list[int]:
    """Steps from the beginning of the training to each line."""
    lengths: dict[str, int] = {}
    steps = []
    for row in rows:
        lengths[row.stage] = row.step
        steps.append(sum(lengths.values()))
    return steps


def in_words(row: LogLine) -> str:
    """A line of the log for people."""
    held_out = "" if row.held_out_loss is None else f", held out {row.held_out_loss:.5g}"
    return (
        f"{row.stage} {row.step}: loss {row.loss:.5g}{held_out}, rate {row.learning_rate:.3g}, "
        f"{row.items_per_second:.0f} items/s, {row.seconds:.0f} s"
    )


def model_card(config: TrainConfig, rows: Sequence[LogLine]) -> str:
    """The card of a trained model: how it was made, with the configuration that makes it again."""
    last = {row.stage: row for row in rows}
    stages = "\n".join(f"- {in_words(row)}" for row in last.values())
    made_by = f"By deepconsensus-py {__version__}. Last line of the log in each stage:"
    parts = [f"# {config.name}", config.card.strip(), "## Training", made_by, stages]
    return "\n\n".join([*filter(None, parts), f"```json\n{json.dumps(plain(config))}\n```\n"])
