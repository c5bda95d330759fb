"""``bench``: mechanisms of attention side by side."""

import argparse
from pathlib import Path

from deepconsensus_py.cli import _options


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        "bench",
        help="compare mechanisms on the same windows",
        description="Compare mechanisms as parts of one corrector, on the same windows.",
    )
    parts = parser.add_subparsers(dest="part", metavar="PART", required=True)
    attention = parts.add_parser(
        "attention",
        help="attention patterns and biases as parts of one corrector",
        description="Train a small corrector with each mechanism on the same simulated windows for as many steps, and "
        "print errors, calibration, parameters, FLOPs, pairs and speed. Some five minutes of one core and seed.",
    )
    attention.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FOLDER",
        help="write attention.json and attention.md there, and each mechanism's row, which is not run again",
    )
    attention.add_argument(
        "--steps", type=_options.whole(1), default=250, metavar="N", help="of training (default %(default)s)"
    )
    attention.add_argument("--seeds", type=int, nargs="+", default=[1], metavar="S", help="(default 1)")
    attention.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="this mechanism; may be given several times"
    )
    attention.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the mechanisms and print the tables."""
    import sys
    from functools import partial

    from deepconsensus_py.lab.bench import Settings, bench

    settings = Settings(steps=args.steps, seeds=tuple(args.seeds))
    print(bench(settings, args.output, args.only, partial(print, file=sys.stderr, flush=True)), end="")
    return 0
