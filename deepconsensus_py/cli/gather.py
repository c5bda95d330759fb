"""``gather``: merge the outputs of several polish runs."""

import argparse
import logging
from pathlib import Path

from deepconsensus_py.cli import _options
from deepconsensus_py.cli._log import counted, report_yields
from deepconsensus_py.cli._parser import Commands

log = logging.getLogger(__name__)


def add_parser(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "gather",
        help="merge the outputs of several polish runs",
        description="Merge the polished reads of several runs in the order given, with their reports and tables.",
        usage="%(prog)s [options] PART... -o OUT",
        examples=[
            ("merge the two halves of a movie", "part1.bam part2.bam -o polished.bam"),
            ("the same in a script", "part1.bam part2.bam -o polished.bam --quiet --log-file gather.log"),
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
    """Merge the parts, and report counts and yields."""
    from deepconsensus_py._version import __version__
    from deepconsensus_py.pacbio.headers import Program
    from deepconsensus_py.polishing.gather import gather
    from deepconsensus_py.reports.outcomes import Outcome

    counts = gather(args.parts, args.output, Program(__version__, args.command_line))["counts"]
    polished = counts["outcomes"].get(Outcome.SUCCESS, 0)
    log.info(
        "%s of %s, %s in %s",
        counted(counts["molecules"], "ZMW"),
        counted(len(args.parts), "part"),
        counted(polished, "polished read"),
        args.output,
    )
    report_yields(counts)
    return 0
