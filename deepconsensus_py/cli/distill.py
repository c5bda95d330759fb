"""``distill``: train a smaller network to imitate a larger one."""

import argparse

from deepconsensus_py.cli import train
from deepconsensus_py.cli._parser import Commands


def add_parser(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "distill",
        help="train a smaller network to imitate a larger one",
        description="Train a network of some layers of another, its teacher, on examples and the teacher's "
        "probabilities, as a YAML file with 'task: distill' describes it (docs/training.md).",
        usage="%(prog)s [options] CONFIG -o FOLDER",
        examples=[
            ("train as a recipe says", "recipes/distill.yaml -o student"),
            ("on a GPU; continue if it was interrupted", "recipes/distill.yaml -o student --device cuda --resume"),
        ],
    )
    train.add_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train, if the task is distillation."""
    return train.run_training(args, task="distill")
