"""``distill``: a smaller network from a larger one."""

import argparse

from deepconsensus_py.cli import train


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        "distill",
        help="train a smaller network after a larger one",
        description="Train a network of some layers of another, its teacher, after examples and the teacher's "
        "probabilities, as a YAML file with 'task: distill' describes it (docs/training.md).",
    )
    train.add_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train and say where the model is."""
    return train.run_training(args, task="distill")
