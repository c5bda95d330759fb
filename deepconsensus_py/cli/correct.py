"""``correct``: correct HiFi reads by each other, where there are no subreads."""

import argparse
import logging
from pathlib import Path

from deepconsensus_py.cli import _options
from deepconsensus_py.cli._log import counted
from deepconsensus_py.cli._parser import Commands

log = logging.getLogger(__name__)

MIN_COVERAGE = 3


def add_parser(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "correct",
        help="correct HiFi reads by each other, without subreads",
        description="Correct HiFi reads by those that overlap with them and are of the same haplotype. All reads and "
        "their overlaps are held in memory: this is for a region or a small genome.",
        usage="%(prog)s [options] READS... -o OUT",
        examples=[
            ("correct the reads of a small genome", "ccs.bam -o corrected.bam"),
            (
                "correct only where five reads of a haplotype overlap, as FASTQ",
                "ccs.bam -o corrected.fastq.gz --min-coverage 5",
            ),
        ],
    )
    parser.group("input").add_argument(
        "reads", type=Path, nargs="+", metavar="READS", help="HiFi reads with base qualities (BAM or FASTQ)"
    )
    _options.add_output(parser, "OUT", f"all reads, in the same order: {_options.READ_FILES}")
    parser.group("filters").add_argument(
        "--min-coverage",
        type=_options.whole(2),
        default=MIN_COVERAGE,
        metavar="N",
        help="where fewer reads of a haplotype overlap, they keep their bases and qualities (default %(default)s)",
    )
    _options.add_threads(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Correct, and report how many reads changed."""
    if args.threads > 1:
        from deepconsensus_py.polishing.prepare import prepare_workers

        prepare_workers("pairhmm")
    from deepconsensus_py._version import __version__
    from deepconsensus_py.cli._process import announce_compiling
    from deepconsensus_py.files import shown
    from deepconsensus_py.overlaps.correction import MODEL
    from deepconsensus_py.overlaps.run import correct_files
    from deepconsensus_py.pacbio.headers import Program

    announce_compiling()
    program = Program(__version__, args.command_line, f"model {MODEL}")
    counts = correct_files(args.reads, args.output, program, min_coverage=args.min_coverage, threads=args.threads)
    log.info("%s in %s, %d of them changed", counted(counts.reads, "read"), shown(args.output), counts.changed)
    if counts.alone:
        log.info("too few overlaps with reads of the same haplotype to correct %s", counted(counts.alone, "read"))
    if counts.faulty:
        log.warning("%s damaged or not corrected", counted(counts.faulty, "read"))
    return _options.ZMWS_FAILED if counts.faulty else 0
