"""``simulate``: molecules with known truth."""

import argparse
from pathlib import Path

from deepconsensus_py.cli import _options


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        "simulate",
        help="make molecules with known truth",
        description="Write subreads.bam, ccs.bam and truth.fasta of simulated molecules.",
    )
    _options.add_output(parser, "DIR", "folder to write into")
    parser.add_argument("--molecules", type=int, default=10, metavar="N", help="how many (default %(default)s)")
    parser.add_argument(
        "--length",
        type=int,
        nargs=2,
        default=(1000, 3000),
        metavar=("MIN", "MAX"),
        help="their bases (default 1000 3000)",
    )
    parser.add_argument(
        "--passes",
        type=int,
        nargs=2,
        default=(3, 12),
        metavar=("MIN", "MAX"),
        help="full passes of each (default 3 12)",
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="S", help="same seed, same records (default %(default)s)"
    )
    parser.add_argument(
        "--template", type=Path, metavar="FASTA", help="cut molecules out of these sequences (default: random ones)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Simulate and say what was written."""
    import sys

    from deepconsensus_py.simulate.molecules import SHORTEST_PASS
    from deepconsensus_py.simulate.movies import MovieSettings, simulate_movie, write_movie
    from deepconsensus_py.simulate.templates import read_sequences

    settings = MovieSettings(args.molecules, tuple(args.length), tuple(args.passes), args.seed)
    sequences = read_sequences(args.template, SHORTEST_PASS) if args.template else None
    count = write_movie(simulate_movie(settings, sequences), args.output, args.command_line)
    print(f"{count} molecules in {args.output}: subreads.bam, ccs.bam, truth.fasta", file=sys.stderr)
    return 0
