"""``calibrate``: base qualities against what they are worth."""

import argparse
from pathlib import Path

from deepconsensus_py.cli import _options


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        "calibrate",
        help="count right and wrong bases of each quality",
        description="Count, for each base quality, how many bases of aligned reads match and mismatch the reference. "
        "Inserted and clipped bases are mismatches, deleted ones do not count.",
    )
    parser.add_argument("bam", type=Path, metavar="BAM", help="reads aligned to the reference")
    parser.add_argument("reference", type=Path, metavar="FASTA", help="the reference")
    _options.add_output(parser, "CSV", "table of baseq,total_match,total_mismatch")
    parser.add_argument(
        "--region",
        metavar="CONTIG[:START-STOP]",
        help="only START (from 0) up to but not including STOP (default: all that BAM and FASTA share)",
    )
    parser.add_argument(
        "--min-mapq", type=int, default=60, metavar="Q", help="lowest mapping quality (default %(default)s)"
    )
    parser.add_argument(
        "--dc-calibration",
        default="skip",
        metavar="T,W,B",
        help="make W*q+B of qualities q above T before counting; skip: leave them (default %(default)s)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Count and write the table."""
    import sys

    from deepconsensus_py.evaluate.calibration import as_csv, count_bases, recalibrate
    from deepconsensus_py.pacbio.outputs import atomic_path, require_apart
    from deepconsensus_py.polishing.qualities import Calibration

    require_apart([args.output], [args.bam, args.reference])
    calibration = Calibration.parse(args.dc_calibration)
    counts = count_bases(args.bam, args.reference, region=args.region, min_mapq=args.min_mapq)
    with atomic_path(args.output) as target:
        target.write_text(as_csv(recalibrate(counts, calibration)))
    print(f"{counts[0].sum()} bases match, {counts[1].sum()} do not; the table is {args.output}", file=sys.stderr)
    return 0
