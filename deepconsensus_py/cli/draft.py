"""``draft``: build draft consensus reads from subreads."""

import argparse
import logging

from deepconsensus_py.cli import _options
from deepconsensus_py.cli._log import counted
from deepconsensus_py.cli._parser import Commands

log = logging.getLogger(__name__)


def add_parser(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "draft",
        help="build draft consensus reads from subreads",
        description="Build a draft consensus of each ZMW from its subreads, where there are no CCS reads.",
        usage="%(prog)s [options] SUBREADS... -o OUT",
        examples=[
            ("build drafts of all ZMWs", "subreads.bam -o drafts.bam"),
            ("the same as FASTQ, with two threads", "subreads.bam -o drafts.fastq.gz -t 2"),
        ],
    )
    _options.add_subreads(parser, aligned=False)
    _options.add_output(parser, "OUT", f"draft reads: {_options.READ_FILES}")
    _options.add_zmw_filters(parser, marks=False)
    _options.add_threads(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Build drafts, and report counts."""
    from deepconsensus_py._version import __version__
    from deepconsensus_py.align.to_file import draft_files
    from deepconsensus_py.files import shown
    from deepconsensus_py.pacbio.headers import Program
    from deepconsensus_py.reports.outcomes import Outcome

    program = Program(__version__, args.command_line)
    counts = draft_files(args.subreads, args.output, program, _options.zmw_filter(args), cores=args.threads)
    log.info("%s, %s in %s", counted(counts.molecules, "ZMW"), counted(counts.drafts, "draft"), shown(args.output))
    for outcome, count in sorted(counts.outcomes.items()):
        log.info("%d %s: %s", count, outcome, Outcome(outcome).meaning)
    return _options.ZMWS_FAILED if counts.outcomes["error"] else 0
