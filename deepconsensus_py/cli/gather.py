"""``deepconsensus-py gather``: the outputs of several polish runs, put together in the order given."""

import argparse
import sys
from pathlib import Path

from deepconsensus_py.cli import _options
from deepconsensus_py.cli._parser import Commands


def add_parser(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "gather",
        help="merge the outputs of several polish runs",
        description="Merge the polished reads of several runs in the order given, with their reports and tables.",
        usage="%(prog)s [options] PART... -o OUT",
        examples=[
            ("merge the two halves of a movie", "part1.bam part2.bam -o polished.bam"),
            ("copy a part with its report and table", "part2.bam -o half.bam"),
        ],
    )
    parser.group("input").add_argument(
        "parts",
        nargs="+",
        type=Path,
        metavar="PART",
        help="polished reads (BAM), with the report and table beside them",
    )
    _options.add_output(parser, "OUT", "all polished reads: .bam")
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
