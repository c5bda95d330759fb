"""``simulate``: molecules with known truth."""

import argparse
from pathlib import Path

from deepconsensus_py.cli import _options


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        "simulate",
        help="make molecules with known truth",
        description="Write subreads.bam, ccs.bam, truth.fasta and truth.bed of simulated molecules.",
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
    parser.add_argument(
        "--profile",
        default="sequel",
        metavar="NAME",
        help="instrument: sequel, sequel2, or a JSON file (default %(default)s)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Simulate and say what was written."""
    import sys

    from deepconsensus_py.simulate.movies import MovieSettings, simulate_movie, write_movie
    from deepconsensus_py.simulate.profile import load_profile
    from deepconsensus_py.simulate.sites import SHORTEST_PASS
    from deepconsensus_py.simulate.templates import read_templates

    settings = MovieSettings(args.molecules, tuple(args.length), tuple(args.passes), args.seed)
    profile = load_profile(args.profile)
    templates = read_templates(args.template, SHORTEST_PASS) if args.template else None
    molecules = simulate_movie(settings, profile, templates)
    count = write_movie(molecules, args.output, args.command_line, profile.instrument)
    print(f"{count} molecules in {args.output}: subreads.bam, ccs.bam, truth.fasta, truth.bed", file=sys.stderr)
    return 0
