"""``gather``: merge the outputs of several runs of ``polish`` or ``correct``."""

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
        help="merge the outputs of several runs of polish or correct",
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
    parser.group("input").add_argument(
        "--order",
        action="append",
        type=Path,
        default=[],
        metavar="READS",
        help="merge the parts in the order of the reads of this file, from which 'correct' made them; may be repeated",
    )
    _options.add_output(parser, "OUT", "all polished reads: .bam")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Merge the parts, and report counts and yields."""
    from deepconsensus_py._version import __version__
    from deepconsensus_py.pacbio.headers import Program
    from deepconsensus_py.polishing.gather import gather
    from deepconsensus_py.reports.outcomes import Outcome

    program = Program(__version__, args.command_line)
    counts = gather(args.parts, args.output, program, order=args.order)["counts"]
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
