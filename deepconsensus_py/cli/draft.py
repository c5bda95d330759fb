"""``deepconsensus-py draft``: subreads to draft consensus reads, where no CCS reads are at hand."""

import argparse
from pathlib import Path

from deepconsensus_py.cli import _options

MOLECULES_FAILED = 3
"""Exit status of a run that finished, but could not read some molecules."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser("draft", help="make drafts of subreads without CCS reads", description=__doc__)
    parser.add_argument(
        "subreads",
        nargs="+",
        type=Path,
        metavar="SUBREADS",
        help="raw subreads: BAM files, or a .fofn with their names",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="OUT",
        help="drafts: .bam, .sam, .fastq, .fastq.gz, or - (BAM)",
    )
    _options.add_threads(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Make drafts, and count them."""
    import shlex
    import sys

    from deepconsensus_py._version import __version__
    from deepconsensus_py.align.draft_files import draft_files
    from deepconsensus_py.pacbio.headers import Program

    _options.log_to_stderr()
    program = Program(__version__, shlex.join(["deepconsensus-py", *sys.argv[1:]]))
    counts = draft_files(args.subreads, args.output, program, cores=args.threads)
    print(
        f"{counts.molecules} molecules, {counts.drafts} drafts in {args.output}; "
        f"{counts.outcomes['too_few_passes']} molecules with too few passes, {counts.outcomes['error']} faulty",
        file=sys.stderr,
    )
    return MOLECULES_FAILED if counts.outcomes["error"] else 0
