"""``deepconsensus-py align``: subreads and drafts to aligned subreads (what actc does)."""

import argparse
from pathlib import Path

from deepconsensus_py.cli import _options

MOLECULES_FAILED = 3
"""Exit status of a run that finished, but could not read some molecules."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser("align", help="align subreads to their own drafts", description=__doc__)
    parser.add_argument(
        "subreads",
        nargs="+",
        type=Path,
        metavar="SUBREADS",
        help="raw subreads: BAM files, or a .fofn with their names",
    )
    parser.add_argument("ccs", type=Path, metavar="CCS", help="drafts: CCS reads in BAM, FASTQ or FASTA")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT", help="subreads_to_ccs.bam; .sam, or - (BAM)"
    )
    parser.add_argument("--chunk", type=_options.chunk, metavar="i/N", help="only the i-th of N parts of the drafts")
    _options.add_threads(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Align, and count molecules and passes."""
    import sys

    from deepconsensus_py._version import __version__
    from deepconsensus_py.align.files import align_files
    from deepconsensus_py.pacbio.headers import Program

    _options.log_to_stderr()
    program = Program(__version__, args.command_line)
    counts = align_files(args.subreads, args.ccs, args.output, program, threads=args.threads, chunk=args.chunk)
    print(
        f"{counts.molecules} molecules, {counts.aligned} of {counts.passes} passes aligned in {args.output}; "
        f"{counts.empty} molecules without an aligned pass, {counts.faulty} faulty",
        file=sys.stderr,
    )
    return MOLECULES_FAILED if counts.faulty else 0
