"""Leave-one-molecule-out: train without a molecule, polish it, count its errors; in turn for each of several.

    python benchmarks/leave_one_out.py CONFIG.yaml -o FOLDER [--examples FILE …] [--zmws 4194375 …] [--seeds 1 2]
                                       [--parts N] [--beside vote pairhmm] [--threads N] [--device D]

CONFIG is that of ``deepconsensus-py train``, of any task; FILE has the molecules (by default those of its data). The
molecule under test takes the place of ``held_out``, the last weights of every stage are kept and none ends early, so
that nothing is chosen by the molecule that is counted. A molecule and seed that are trained already are not trained
again, and an interrupted one goes on. With ``--parts`` so many drafts of some of its passes are polished, too.
"""

import argparse
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from deepconsensus_py.evaluate.read_errors import find_errors
from deepconsensus_py.evaluate.reads import Read
from deepconsensus_py.examples.example import Example
from deepconsensus_py.examples.file import ExampleFile
from deepconsensus_py.pacbio.molecule import decode_bases
from deepconsensus_py.pacbio.names import parse_ccs
from deepconsensus_py.polishing.engine import PolishSettings, polish
from deepconsensus_py.polishing.filters import ReadFilter
from deepconsensus_py.training.augment import redrafted
from deepconsensus_py.training.config import TrainConfig, read_record
from deepconsensus_py.training.distributed import Workers
from deepconsensus_py.training.edits import EditTask
from deepconsensus_py.training.loop import train
from deepconsensus_py.training.task import tasks_of

HUMAN_1M = (4194375, 4194381, 4194382, 4194383, 4194384, 4194388)
"""Molecules of human_1m with five or more full passes."""


DRAFT, POLISHED = "draft", "polished"


@dataclass(frozen=True)
class Fold:
    """A molecule that was not trained on.

    Attributes:
        whole: errors of its draft, of its polished read, and of those of the models beside.
        parts: the same, summed over drafts of some of its passes.
        losses: summed held-out losses by what is held out, in nats where the task's loss is.
        seconds: of the training; those of this run alone, if it went on from a checkpoint.
    """

    whole: Counter[str]
    parts: Counter[str]
    losses: dict[str, float]
    seconds: float


def fold(config: TrainConfig, example: Example, seed: int, args: argparse.Namespace) -> Fold:
    """Train without a molecule, and polish it."""
    hole = parse_ccs(example.name).hole
    stages = tuple(replace(stage, keep="last", patience=0) for stage in config.stages)
    config = replace(config, seed=seed, held_out=(hole,), stages=stages)
    began = time.monotonic()
    tasks = tasks_of(config)
    workers = Workers(torch.device(args.device))
    path = train(tasks, config, args.output / f"{hole}-{seed}", resume=True, workers=workers)
    seconds = time.monotonic() - began
    models = {POLISHED: str(path), **{name: name for name in args.beside}}
    rng = np.random.default_rng(hole)
    parts = (redrafted(example, rng) for _ in range(args.parts))
    return Fold(
        whole=count(example, models, args.device),
        parts=sum((count(part, models, args.device) for part in parts if part), Counter()),
        losses=held_out_losses(tasks[-1], args.device),
        seconds=seconds,
    )


def count(example: Example, models: dict[str, str], device: str) -> Counter[str]:
    """Errors of the draft and of the reads that models make of it."""
    settings = PolishSettings(filter=ReadFilter(min_quality=0))
    found = Counter({DRAFT: errors(example.zmw.draft.bases, example)})
    for name, model in models.items():
        (read,) = polish([example.zmw], model=model, settings=settings, device=device)
        found[name] = errors(read.bases, example)
    return found


def held_out_losses(task, device: str) -> dict[str, float]:
    """Of edit networks apart for the molecule's own draft and for those of some passes, the loss of least noise."""
    if isinstance(task, EditTask):
        held_out = {"own draft": task.held_out_of(given=True), "redrafts": task.held_out_of(given=False)}
    else:
        held_out = {"all": task.held_out()}
    network = task.network.eval()
    with torch.no_grad():
        return {
            name: sum(
                task.loss(network, {key: tensor.to(device) for key, tensor in batch.items()})[0].item()
                for batch in batches
            )
            for name, batches in held_out.items()
        }


def errors(bases, example: Example) -> int:
    return find_errors(Read("read", decode_bases(bases)), decode_bases(example.truth.bases)).total


def molecules(files: list[Path], holes: list[int]) -> dict[int, Example]:
    """The molecules under test."""
    opened = [ExampleFile(path) for path in files]
    places = {parse_ccs(entry.name).hole: (file, i) for file in opened for i, entry in enumerate(file.entries)}
    return {hole: places[hole][0][places[hole][1]] for hole in holes}


def report(folds: dict[tuple[int, int], Fold], args: argparse.Namespace) -> None:
    """Errors of each molecule, of the polished reads by seed, then sums."""
    first, columns = args.seeds[0], [DRAFT, *args.beside, *(f"seed {seed}" for seed in args.seeds)]
    kinds = ["whole", "parts"] if args.parts else ["whole"]
    for kind in kinds:
        print(f"\n{kind:10}" + "".join(f"{column:>10}" for column in columns))
        for name, holes in [*((str(hole), [hole]) for hole in args.zmws), ("all", args.zmws)]:
            beside = [sum(getattr(folds[hole, first], kind)[m] for hole in holes) for m in (DRAFT, *args.beside)]
            own = [sum(getattr(folds[hole, seed], kind)[POLISHED] for hole in holes) for seed in args.seeds]
            print(f"{name:10}" + "".join(f"{value:10}" for value in beside + own), flush=True)
    for seed in args.seeds:
        own = [folds[hole, seed] for hole in args.zmws]
        losses = {name: sum(fold.losses[name] for fold in own) for name in own[0].losses}
        print(f"seed {seed}: held-out loss {in_words(losses)}, {sum(fold.seconds for fold in own):.0f} s of training")


def in_words(losses: dict[str, float]) -> str:
    return ", ".join(f"{name} {loss:.1f}" for name, loss in losses.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path, metavar="CONFIG")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--examples", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--zmws", type=int, nargs="+", default=list(HUMAN_1M))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--parts", type=int, default=0)
    parser.add_argument("--beside", nargs="*", default=[], metavar="MODEL")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    config = read_record(TrainConfig, args.config)
    known = molecules(args.examples or [Path(path) for path in config.data["examples"]], args.zmws)
    folds: dict[tuple[int, int], Fold] = {}
    for seed in args.seeds:
        for hole, example in known.items():
            found = folds[hole, seed] = fold(config, example, seed, args)
            print(f"seed {seed}, {hole}: {dict(found.whole)}, held-out loss {in_words(found.losses)}", flush=True)
    report(folds, args)


if __name__ == "__main__":
    main()
