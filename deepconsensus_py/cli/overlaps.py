"""``overlaps``: find the overlaps of HiFi reads, for ``correct``."""

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
        "overlaps",
        help="find the overlaps of HiFi reads, once for all parts of 'correct'",
        description="Align HiFi reads with each other, and write their overlaps, for 'correct --paf'.",
        usage="%(prog)s [options] READS... -o OUT",
        examples=[
            ("find all overlaps", "ccs.bam -o overlaps.paf.gz"),
            ("find the second of four parts of them", "ccs.bam --chunk 2/4 -o overlaps.2.paf.gz"),
        ],
    )
    _options.add_hifi(parser)
    _options.add_part(parser, "find only the i-th of N parts of the overlaps, which together are all", (1, 1))
    _options.add_output(parser, "OUT", "overlaps: PAF, compressed where the name ends in .gz")
    _options.add_threads(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Find and write overlaps."""
    import tempfile

    from deepconsensus_py.files import require_apart
    from deepconsensus_py.overlaps.located import locate
    from deepconsensus_py.overlaps.paf import write_paf
    from deepconsensus_py.pacbio.inputs import expand_paths

    require_apart([args.output], expand_paths(args.reads))
    with tempfile.TemporaryDirectory(prefix="deepconsensus-py-") as folder:
        reads = locate(args.reads, Path(folder))
        count = write_paf(args.output, reads, threads=args.threads, chunk=args.chunk)
    log.info("%s of %s in %s", counted(count, "overlap"), counted(len(reads), "read"), args.output)
    return 0
