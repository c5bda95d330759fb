"""``filter``: reads that are good enough."""

import argparse
from pathlib import Path

from deepconsensus_py.cli import _options


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        "filter",
        help="keep reads of sufficient quality",
        description="Write the reads whose mean error probability, over their own base qualities, is low enough.",
    )
    parser.add_argument("reads", type=Path, metavar="READS", help="BAM or FASTQ(.gz)")
    _options.add_output(parser, "OUT", _options.READ_FILES)
    parser.add_argument(
        "-q",
        "--min-quality",
        type=_options.quality,
        required=True,
        metavar="Q",
        help="lowest quality of a read, Phred",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Filter, and say how many reads passed."""
    import sys

    from deepconsensus_py._version import __version__
    from deepconsensus_py.files import require_apart
    from deepconsensus_py.pacbio.headers import Program
    from deepconsensus_py.polishing.filters import ReadFilter, filter_reads

    _options.log_to_stderr()
    require_apart([args.output], [args.reads])
    program = Program(__version__, args.command_line)
    counts = filter_reads(args.reads, args.output, ReadFilter(args.min_quality), program)
    faulty = f"; damaged: {counts.faulty}" if counts.faulty else ""
    print(f"{counts.kept} of {counts.reads} reads have quality {args.min_quality:g} or more{faulty}", file=sys.stderr)
    return _options.MOLECULES_FAILED if counts.faulty else 0
