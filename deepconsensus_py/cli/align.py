"""``align``: align subreads to the CCS reads of their ZMWs."""

import argparse
import logging

from deepconsensus_py.cli import _options
from deepconsensus_py.cli._log import counted
from deepconsensus_py.cli._parser import Commands

log = logging.getLogger(__name__)


def add_parser(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "align",
        help="align subreads to the CCS reads of their ZMWs",
        description="Align each subread to the CCS read of its own ZMW, as actc does.",
        usage="%(prog)s [options] SUBREADS... --ccs CCS -o OUT",
        examples=[
            ("align the subreads of a movie", "subreads.bam --ccs ccs.bam -o aligned.bam"),
            (
                "align those of the first half of the CCS reads",
                "subreads.bam --ccs ccs.bam --chunk 1/2 -o aligned.1.bam",
            ),
        ],
    )
    _options.add_subreads(parser, aligned=False)
    _options.add_ccs(parser, required=False, drafted=False)
    _options.add_chunk(parser)
    _options.add_output(parser, "OUT", "aligned subreads: .bam or .sam; - writes BAM to standard output")
    _options.add_threads(parser)
    parser.set_defaults(run=run, check=check)


def check(args: argparse.Namespace) -> None:
    """Require CCS reads; accept them as the last of several files, as earlier versions did."""
    if args.ccs is None:
        if len(args.subreads) == 1:
            args.parser.error("the following arguments are required: --ccs")
        _options.deprecated("align SUBREADS CCS", "align SUBREADS --ccs CCS")
        args.ccs = [args.subreads.pop()]


def run(args: argparse.Namespace) -> int:
    """Align, and report counts of ZMWs and passes."""
    from deepconsensus_py._version import __version__
    from deepconsensus_py.align.to_file import align_files
    from deepconsensus_py.files import shown
    from deepconsensus_py.pacbio.headers import Program

    program = Program(__version__, args.command_line)
    counts = align_files(args.subreads, args.ccs, args.output, program, threads=args.threads, chunk=args.chunk)
    log.info(
        "%s, %d of %d passes aligned in %s",
        counted(counts.molecules, "ZMW"),
        counts.aligned,
        counts.passes,
        shown(args.output),
    )
    log.info("ZMWs without an aligned pass: %d, ZMWs that failed: %d", counts.empty, counts.faulty)
    return _options.ZMWS_FAILED if counts.faulty else 0
