"""``deepconsensus-py gather``: the outputs of several polish runs, put together in the order given."""

import argparse
import sys
from pathlib import Path

from deepconsensus_py.cli import _options


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "gather",
        help="put the outputs of several polish runs together",
        description="Put the polished reads of several runs together in the order given, with reports and tables.",
    )
    parser.add_argument(
        "parts", nargs="+", type=Path, metavar="PART", help="polished BAM, with the side files of its run beside it"
    )
    _options.add_output(parser, "OUT", ".bam")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Put the parts together, and say how much it is."""
    from deepconsensus_py._version import __version__
    from deepconsensus_py.files import require_apart
    from deepconsensus_py.pacbio.headers import Program
    from deepconsensus_py.pacbio.inputs import require_once
    from deepconsensus_py.polishing.gather import gather
    from deepconsensus_py.polishing.outcomes import Outcome

    require_once(args.parts)
    require_apart([args.output], args.parts)
    counts = gather(args.parts, args.output, Program(__version__, args.command_line))["counts"]
    polished = counts["outcomes"].get(Outcome.SUCCESS, 0)
    print(
        f"{_options.counted(counts['molecules'], 'molecule')} of {_options.counted(len(args.parts), 'part')}, "
        f"{_options.counted(polished, 'polished read')} in {args.output}",
        file=sys.stderr,
    )
    _options.print_counts(counts)
    return 0
