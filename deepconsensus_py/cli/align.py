"""``deepconsensus-py align``: subreads and drafts to aligned subreads."""

import argparse
from pathlib import Path

from deepconsensus_py.cli import _options


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "align",
        help="align subreads to their own drafts",
        description="Align each subread to the CCS read of its own molecule, as actc does.",
    )
    _options.add_subreads(parser)
    parser.add_argument(
        "ccs",
        type=Path,
        metavar="CCS",
        help="drafts: CCS reads in BAM, FASTQ or FASTA, or a .fofn with the names of several files",
    )
    _options.add_output(parser, "OUT", "aligned subreads: .bam, .sam, or - (BAM to standard output)")
    _options.add_chunk(parser)
    _options.add_threads(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Align, and count molecules and passes."""
    import sys

    from deepconsensus_py._version import __version__
    from deepconsensus_py.align.to_file import align_files
    from deepconsensus_py.files import require_apart, shown
    from deepconsensus_py.pacbio.headers import Program
    from deepconsensus_py.pacbio.inputs import expand_paths

    _options.log_to_stderr()
    require_apart([args.output], [*expand_paths(args.subreads), *expand_paths(args.ccs)])
    program = Program(__version__, args.command_line)
    counts = align_files(args.subreads, args.ccs, args.output, program, threads=args.threads, chunk=args.chunk)
    print(
        f"{_options.counted(counts.molecules, 'molecule')}, {counts.aligned} of {counts.passes} passes aligned in "
        f"{shown(args.output)}; molecules without an aligned pass: {counts.empty}, faulty: {counts.faulty}",
        file=sys.stderr,
    )
    return _options.MOLECULES_FAILED if counts.faulty else 0
