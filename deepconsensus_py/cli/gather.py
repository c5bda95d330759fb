"""``deepconsensus-py gather``: the outputs of several polish runs, put together in the order given."""

import argparse
import sys
from pathlib import Path


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "gather", help="put the outputs of several polish runs together", description=__doc__
    )
    parser.add_argument(
        "parts", nargs="+", type=Path, metavar="PART", help="polished BAM, with the side files of its run beside it"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="BAM")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Put the parts together, and say how much it is."""
    from deepconsensus_py._version import __version__
    from deepconsensus_py.pacbio.headers import Program
    from deepconsensus_py.polishing.gather import gather
    from deepconsensus_py.polishing.outcomes import Outcome

    counts = gather(args.parts, args.output, Program(__version__, args.command_line))["counts"]
    polished = counts["outcomes"].get(Outcome.SUCCESS, 0)
    print(
        f"{counts['molecules']} molecules of {len(args.parts)} parts, {polished} polished reads in {args.output}",
        file=sys.stderr,
    )
    return 0
