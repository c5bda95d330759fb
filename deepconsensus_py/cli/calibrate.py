"""``calibrate``: compare base qualities with observed errors, and fit quality maps."""

import argparse
import logging
from pathlib import Path

from deepconsensus_py.cli import _options
from deepconsensus_py.cli._log import counted
from deepconsensus_py.cli._parser import Commands, given

log = logging.getLogger(__name__)

_OF_COUNTING = ("reference", "output", "region", "min_mapq", "dc_calibration")


def add_parser(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "calibrate",
        help="compare base qualities with observed errors; fit quality maps",
        description="Count, for each base quality, how many bases of aligned reads match and mismatch the reference. "
        "Inserted and clipped bases are mismatches; deletions are ignored. With --fit, print quality maps for "
        "--dc-calibration and --ccs-calibration of 'polish' instead, and how well they do on ZMWs that were held out.",
        usage="%(prog)s [options] READS --reference FASTA -o CSV\n %(prog)s [options] READS... --fit [--truth FASTA]",
        examples=[
            (
                "count bases of reads that are aligned to a reference",
                "reads_to_ref.bam --reference ref.fasta -o counts.csv",
            ),
            ("fit quality maps to polished reads", "polished.bam --fit --truth truth.fasta"),
        ],
    )
    group = parser.group("input")
    group.add_argument(
        "reads",
        type=Path,
        nargs="+",
        metavar="READS",
        help="reads aligned to the reference (BAM); with --fit, see there",
    )
    group.add_argument("--reference", type=Path, metavar="FASTA", help="reference that the reads are aligned to")
    parser.group("output").add_argument(
        "-o", "--output", type=Path, metavar="CSV", help="table of baseq,total_match,total_mismatch"
    )
    group = parser.group("counting")
    group.add_argument(
        "--region",
        metavar="CONTIG[:START-STOP]",
        help="only from START (counted from 0) up to but not including STOP (default: all of the reference)",
    )
    group.add_argument(
        "--min-mapq", type=int, default=60, metavar="Q", help="minimum mapping quality (default %(default)s)"
    )
    group.add_argument(
        "--dc-calibration",
        default="skip",
        metavar="MAP",
        help="recalibrate before counting, as 'polish' does: T,W,B or q:Q,q:Q,... (default %(default)s)",
    )
    group = parser.group("fitting")
    group.add_argument(
        "--fit",
        action="store_true",
        help="fit quality maps to READS that were polished with --dc-calibration skip -q 0, or, without --truth, to "
        "tables that 'calibrate' wrote, each of other ZMWs",
    )
    group.add_argument("--truth", type=Path, metavar="FASTA", help="true sequence of each ZMW, named movie/zmw/...")
    group.add_argument(
        "--min-np",
        type=_options.whole(0),
        default=0,
        metavar="N",
        help="minimum number of passes (tag np) of a read (default %(default)s)",
    )
    parser.set_defaults(run=run, check=check)


def check(args: argparse.Namespace) -> None:
    """Refuse options that do not go together; accept the reference as the second file, as earlier versions did."""
    if args.fit:
        if any(given(args, name) for name in (*_OF_COUNTING, *(() if args.truth else ("min_np",)))):
            args.parser.error("--fit goes with --truth, and with --truth --min-np, only; it prints the maps")
        return
    if args.reference is None and len(args.reads) == 2:
        _options.deprecated("calibrate BAM FASTA", "calibrate BAM --reference FASTA")
        args.reference = args.reads.pop()
    if args.truth or not (len(args.reads) == 1 and args.reference and args.output):
        args.parser.error("give READS --reference FASTA -o CSV, or READS... --fit")
    if given(args, "min_np"):
        args.parser.error("--min-np selects reads for --fit --truth only")


def run(args: argparse.Namespace) -> int:
    """Count and write the table, or fit."""
    return _fit(args) if args.fit else _count(args)


def _count(args: argparse.Namespace) -> int:
    from deepconsensus_py.evaluate.calibration import as_csv, count_bases, recalibrate
    from deepconsensus_py.files import atomic_path
    from deepconsensus_py.polishing.qualities import Calibration

    (bam,) = args.reads
    calibration = Calibration.parse(args.dc_calibration)
    counts = count_bases(bam, args.reference, region=args.region, min_mapq=args.min_mapq)
    with atomic_path(args.output) as target:
        target.write_text(as_csv(recalibrate(counts, calibration)))
    log.info(
        "%s match, %d do not; table written to %s", counted(int(counts[0].sum()), "base"), counts[1].sum(), args.output
    )
    return 0


def _fit(args: argparse.Namespace) -> int:
    from deepconsensus_py.evaluate.calibration_counts import read_table
    from deepconsensus_py.evaluate.calibration_fit import count_reads, maps_as_text, try_maps

    groups = (
        count_reads(args.reads, args.truth, min_passes=args.min_np)
        if args.truth
        else [read_table(path) for path in args.reads]
    )
    for line in maps_as_text(try_maps(groups), len(groups), "ZMWs" if args.truth else "tables"):
        print(line)
    return 0
