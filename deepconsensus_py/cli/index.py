"""``index``: write the PacBio BAM index of BAM files."""

import argparse
import logging
from pathlib import Path

from deepconsensus_py.cli._log import counted
from deepconsensus_py.cli._parser import Commands

log = logging.getLogger(__name__)


def add_parser(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "index",
        help="index BAM files, for quick access to a part of them",
        description="Write the PacBio BAM index (BAM.pbi) of each BAM file, as pbindex does. With it, --chunk and "
        "--resume read only what they need.",
        usage="%(prog)s [options] BAM...",
        examples=[
            ("index subreads and CCS reads", "subreads.bam ccs.bam"),
            ("index all files that a file of file names lists", "movies.fofn"),
        ],
    )
    parser.group("input").add_argument(
        "bam",
        nargs="+",
        type=Path,
        metavar="BAM",
        help="subreads or CCS reads (BAM), or a .fofn that lists files",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Index, and report the number of records."""
    from deepconsensus_py.pacbio.indexing import index_bam
    from deepconsensus_py.pacbio.inputs import expand_paths
    from deepconsensus_py.pacbio.pbi import pbi_path

    for bam in expand_paths(args.bam):
        log.info("%s in %s", counted(index_bam(bam), "record"), pbi_path(bam))
    return 0
