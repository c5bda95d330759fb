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
        description="Train a small corrector with each mechanism on the same windows for the same number of steps, "
        "and print errors with 95 % intervals, calibration, parameters, FLOPs, pairs and speed. Windows are simulated; "
        "with example files, half of those for training are real, and each real molecule is held out with one of the "
        "seeds. Up to three minutes of one core per mechanism and seed.",
        usage="%(prog)s [options]",
        examples=[
            ("all mechanisms", "-o bench"),
            ("on real molecules, too", "-o bench --examples human_1m.examples"),
            ("two of them, briefly", "-o bench --only band12 --only full --steps 50"),
        ],
    )
    attention.group("input").add_argument(
        "--examples",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="example files of real molecules, as encode --truth writes them",
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
    group.add_argument(
        "--seeds", type=int, nargs="+", default=[1, 2, 3], metavar="N", help="random seeds (default 1 2 3)"
    )
    group.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="only this mechanism; may be repeated"
    )
    attention.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the benchmark and print the tables."""
    from deepconsensus_py.lab.bench import Settings, bench
    from deepconsensus_py.lab.real_windows import real_windows

    settings = Settings(steps=args.steps, seeds=tuple(args.seeds))
    real = real_windows(args.examples) if args.examples else []
    print(bench(settings, args.output, args.only, log.info, real), end="")
    return 0
