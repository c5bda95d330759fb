"""``bench``: compare attention mechanisms on the same windows."""

import argparse
import logging
from pathlib import Path

from deepconsensus_py.cli import _options
from deepconsensus_py.cli._parser import Commands

log = logging.getLogger(__name__)


def add_parser(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "bench",
        help="compare attention mechanisms on the same windows",
        description="Compare mechanisms as parts of one corrector, on the same windows.",
        usage="%(prog)s PART [options]",
        examples=[("attention patterns and position encodings", "attention -o bench")],
    )
    attention = parser.add_subparsers(
        prog=parser.prog, dest="part", metavar="PART", required=True, title="parts"
    ).add_parser(
        "attention",
        help="attention patterns and position encodings as parts of one corrector",
        description="Train a small corrector with each mechanism on the same simulated windows for the same number of "
        "steps, and print errors, calibration, parameters, FLOPs, pairs and speed. About five minutes of one core per "
        "mechanism and seed.",
        usage="%(prog)s [options]",
        examples=[
            ("all mechanisms", "-o bench"),
            ("two of them, briefly", "-o bench --only band12 --only full --steps 50"),
        ],
    )
    attention.group("output").add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FOLDER",
        help="write attention.json and attention.md to this folder, and the result of each mechanism, which is not "
        "run again",
    )
    group = attention.group("training")
    group.add_argument("--steps", type=_options.whole(1), default=250, metavar="N", help="steps (default %(default)s)")
    group.add_argument("--seeds", type=int, nargs="+", default=[1], metavar="N", help="random seeds (default 1)")
    group.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="only this mechanism; may be repeated"
    )
    attention.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the benchmark and print the tables."""
    from deepconsensus_py.lab.bench import Settings, bench

    settings = Settings(steps=args.steps, seeds=tuple(args.seeds))
    print(bench(settings, args.output, args.only, log.info), end="")
    return 0
