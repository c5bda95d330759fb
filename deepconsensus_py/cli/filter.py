"""``filter``: keep reads of at least some quality."""

import argparse
import logging
from pathlib import Path

from deepconsensus_py.cli import _options
from deepconsensus_py.cli._log import counted
from deepconsensus_py.cli._parser import Commands

log = logging.getLogger(__name__)


def add_parser(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "filter",
        help="keep reads of at least some quality",
        description="Keep the reads whose quality is at least Q. The quality of a read is computed from the mean error "
        "probability of its bases.",
        usage="%(prog)s [options] READS -o OUT -q Q",
        examples=[
            ("keep polished reads of Q30 or better", "polished.bam -o q30.bam -q 30"),
            ("HiFi reads (Q20) as FASTQ, from a pipe", "samtools view -u ccs.bam | {} - -o hifi.fastq.gz -q 20"),
        ],
    )
    parser.group("input").add_argument(
        "reads", type=Path, metavar="READS", help="reads (BAM or FASTQ); - reads standard input"
    )
    _options.add_output(parser, "OUT", f"reads that pass: {_options.READ_FILES}")
    _options.add_min_quality(parser, default=None)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Filter, and report how many reads passed."""
    from deepconsensus_py._version import __version__
    from deepconsensus_py.pacbio.headers import Program
    from deepconsensus_py.polishing.filters import ReadFilter, filter_reads

    program = Program(__version__, args.command_line)
    counts = filter_reads(args.reads, args.output, ReadFilter(args.min_quality), program)
    log.info("%d of %s of Q%g or better", counts.kept, counted(counts.reads, "read"), args.min_quality)
    if counts.faulty:
        log.warning("%s skipped", counted(counts.faulty, "damaged read"))
    return _options.ZMWS_FAILED if counts.faulty else 0
