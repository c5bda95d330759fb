"""``simulate``: molecules with known truth."""

import argparse
from pathlib import Path


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        "simulate",
        help="make molecules with known truth",
        description="Write subreads.bam, ccs.bam and truth.fasta of simulated molecules.",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write into")
    parser.add_argument("--molecules", type=int, default=10, metavar="N", help="number of molecules (10)")
    parser.add_argument(
        "--length", type=int, nargs=2, default=(1000, 3000), metavar=("MIN", "MAX"), help="their bases (1000 3000)"
    )
    parser.add_argument(
        "--passes", type=int, nargs=2, default=(3, 12), metavar=("MIN", "MAX"), help="full passes of each (3 12)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="the same seed gives the same records (1)")
    parser.add_argument(
        "--template", type=Path, metavar="FASTA", help="cut molecules out of these sequences (random sequence)"
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
