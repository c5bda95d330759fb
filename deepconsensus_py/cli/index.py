"""``deepconsensus-py index``: a PacBio BAM index beside each BAM file."""

import argparse
from pathlib import Path

from deepconsensus_py.cli import _options


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "index",
        help="index BAM files, so that chunks of them are found at once",
        description="Write the PacBio BAM index (BAM.pbi) of each BAM file, as pbindex does. With it, --chunk reads "
        "only the chunk.",
    )
    parser.add_argument(
        "bam", nargs="+", type=Path, metavar="BAM", help="subreads or CCS reads: BAM files, or a .fofn with their names"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Index, and count records."""
    import sys

    from deepconsensus_py.pacbio.indexing import index_bam
    from deepconsensus_py.pacbio.inputs import expand_paths
    from deepconsensus_py.pacbio.pbi import pbi_path

    _options.log_to_stderr()
    for bam in expand_paths(args.bam):
        print(f"{_options.counted(index_bam(bam), 'record')} in {pbi_path(bam)}", file=sys.stderr)
    return 0
