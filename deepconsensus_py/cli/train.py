"""``train``: train a network."""

import argparse
import logging
import os
from pathlib import Path

from deepconsensus_py.cli import _options
from deepconsensus_py.cli._parser import Commands, Parser

log = logging.getLogger(__name__)


def add_parser(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "train",
        help="train a network",
        description="Train a network as a YAML file describes it (docs/training.md). The folder gets the model, "
        "log.csv, curve.svg and a checkpoint for --resume. For several processes: torchrun --nproc-per-node N -m "
        "deepconsensus_py.cli.main train CONFIG -o FOLDER.",
        usage="%(prog)s [options] CONFIG -o FOLDER",
        examples=[
            ("train as a recipe says", "recipes/edits.yaml -o edits"),
            ("on a GPU; continue if it was interrupted", "recipes/columns.yaml -o columns --device cuda --resume"),
        ],
    )
    add_arguments(parser)
    parser.set_defaults(run=run)


def add_arguments(parser: Parser) -> None:
    """Declare the options of commands that train."""
    # Of the processes that torchrun starts, only the first one reports.
    parser.set_defaults(quiet=os.environ.get("RANK", "0") != "0")
    parser.group("input").add_argument("config", type=Path, metavar="CONFIG", help="description of the training (YAML)")
    _options.add_output(parser, "FOLDER", "folder of the model and the log")
    group = parser.group("run")
    group.add_argument("--device", default="cpu", help="cpu or cuda (default %(default)s)")
    _options.add_threads(parser)
    group.add_argument(
        "--loaders",
        type=_options.whole(0),
        default=0,
        metavar="N",
        help="processes that prepare batches ahead; useful with a GPU (default %(default)s)",
    )
    group.add_argument("--resume", action="store_true", help="continue from the checkpoint in FOLDER, if there is one")


def run(args: argparse.Namespace) -> int:
    """Train."""
    return run_training(args, task=None)


def run_training(args: argparse.Namespace, *, task: str | None) -> int:
    """Train as a configuration says.

    Args:
        args: the command's arguments.
        task: the task that the configuration must have; None for any.

    Raises:
        InputError: the configuration has another task, or cannot be used.
    """
    import torch

    from deepconsensus_py.errors import InputError
    from deepconsensus_py.training.config import TrainConfig, read_record
    from deepconsensus_py.training.distributed import started
    from deepconsensus_py.training.loop import train
    from deepconsensus_py.training.task import tasks_of

    config = read_record(TrainConfig, args.config)
    if task is not None and config.task != task:
        raise InputError(f"{args.config}: its task is {config.task!r}, not {task!r}; use 'deepconsensus-py train'")
    torch.set_num_threads(args.threads)
    with started(args.device) as workers:
        tasks = tasks_of(config)
        path = train(tasks, config, args.output, resume=args.resume, workers=workers, loaders=args.loaders)
        if workers.first:
            log.info("model written to %s", path)
    return 0
