"""Leave-one-molecule-out: train without a molecule, polish it, count its errors; in turn for each of several.

    python benchmarks/leave_one_out.py CONFIG.yaml -o FOLDER [--zmws 4194375 …] [--seeds 1 2] [--threads N] [--device D]

CONFIG is that of ``deepconsensus-py train``, of any task. The molecule under test takes the place of ``held_out``, the
last weights of every stage are kept and none ends early, so that nothing is chosen by the molecule that is counted.
A molecule and seed that are trained already are not trained again, and an interrupted one goes on.
"""

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from deepconsensus_py.evaluate.read_errors import find_errors
from deepconsensus_py.evaluate.reads import Read
from deepconsensus_py.examples.example import Example
from deepconsensus_py.examples.file import ExampleFile
from deepconsensus_py.pacbio.molecule import decode_bases
from deepconsensus_py.pacbio.names import parse_ccs
from deepconsensus_py.polishing.engine import PolishSettings, polish
from deepconsensus_py.polishing.filters import ReadFilter
from deepconsensus_py.training.config import TrainConfig
from deepconsensus_py.training.loop import train
from deepconsensus_py.training.records import read_record
from deepconsensus_py.training.tasks import make_tasks
from deepconsensus_py.training.workers import Workers

HUMAN_1M = (4194375, 4194381, 4194382, 4194383, 4194384, 4194388)
"""Molecules of human_1m with five or more full passes."""


@dataclass(frozen=True)
class Fold:
    """A molecule that was not trained on.

    Attributes:
        draft: errors of its draft.
        errors: errors of its polished read.
        loss: summed held-out loss, in nats where the task's loss is.
        seconds: of the training; those of this run alone, if it went on from a checkpoint.
    """

    draft: int
    errors: int
    loss: float
    seconds: float


def fold(config: TrainConfig, example: Example, seed: int, folder: Path, device: str) -> Fold:
    """Train without a molecule, and polish it."""
    hole = parse_ccs(example.name).hole
    stages = tuple(replace(stage, keep="last", patience=0) for stage in config.stages)
    config = replace(config, seed=seed, held_out=(hole,), stages=stages)
    began = time.monotonic()
    tasks = make_tasks(config)
    workers = Workers(torch.device(device))
    path = train(tasks, config, folder / f"{hole}-{seed}", resume=True, workers=workers)
    seconds = time.monotonic() - began
    settings = PolishSettings(filter=ReadFilter(min_quality=0))
    (read,) = polish([example.zmw], model=str(path), settings=settings, device=device)
    loss = held_out_loss(tasks[-1], device)
    return Fold(errors(example.zmw.draft.bases, example), errors(read.bases, example), loss, seconds)


def held_out_loss(task, device: str) -> float:
    network = task.network.eval()
    with torch.no_grad():
        return sum(
            task.loss(network, {name: tensor.to(device) for name, tensor in batch.items()})[0].item()
            for batch in task.held_out()
        )


def errors(bases, example: Example) -> int:
    return find_errors(Read("read", decode_bases(bases)), decode_bases(example.truth.bases)).total


def molecules(config: TrainConfig, holes: list[int]) -> dict[int, Example]:
    """The molecules under test, from the example files of the configuration."""
    files = [ExampleFile(Path(path)) for path in config.data["examples"]]
    places = {parse_ccs(entry.name).hole: (file, i) for file in files for i, entry in enumerate(file.entries)}
    return {hole: places[hole][0][places[hole][1]] for hole in holes}


def report(folds: dict[tuple[int, int], Fold], holes: list[int], seeds: list[int]) -> None:
    """Errors of each molecule by seed, then sums."""
    columns = [f"{word} {seed}" for word in ("errors", "loss", "seconds") for seed in seeds]
    print(f"\n{'molecule':10}{'draft':>8}" + "".join(f"{column:>12}" for column in columns))
    lines = [(str(hole), [hole]) for hole in holes] + [("all", holes)]
    for name, of in lines:
        draft = sum(folds[hole, seeds[0]].draft for hole in of)
        values = [
            sum(getattr(folds[hole, seed], field) for hole in of)
            for field in ("errors", "loss", "seconds")
            for seed in seeds
        ]
        print(f"{name:10}{draft:8}" + "".join(f"{value:12.0f}" for value in values), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path, metavar="CONFIG")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--zmws", type=int, nargs="+", default=list(HUMAN_1M))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    config = read_record(TrainConfig, args.config)
    known = molecules(config, args.zmws)
    folds: dict[tuple[int, int], Fold] = {}
    for seed in args.seeds:
        for hole, example in known.items():
            found = folds[hole, seed] = fold(config, example, seed, args.output, args.device)
            print(
                f"seed {seed}, {hole}: {found.draft} errors in the draft, {found.errors} after polishing, "
                f"held-out loss {found.loss:.1f}, {found.seconds:.0f} s",
                flush=True,
            )
    report(folds, args.zmws, args.seeds)


if __name__ == "__main__":
    main()
