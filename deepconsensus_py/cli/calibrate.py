"""``calibrate``: base qualities against what they are worth, and quality maps fitted to that."""

import argparse
from pathlib import Path

from deepconsensus_py.cli import _options
from deepconsensus_py.cli._parser import given

_OF_COUNTING = ("output", "region", "min_mapq", "dc_calibration")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        "calibrate",
        help="count right and wrong bases of each quality, and fit quality maps",
        description="Count, for each base quality, how many bases of aligned reads match and mismatch the reference. "
        "Inserted and clipped bases are mismatches, deleted ones do not count. With --fit, print quality maps for "
        "--dc-calibration and --ccs-calibration of polish instead, and what they do on molecules that were held out.",
    )
    parser.add_argument("bam", type=Path, nargs="?", metavar="BAM", help="reads aligned to the reference")
    parser.add_argument("reference", type=Path, nargs="?", metavar="FASTA", help="the reference")
    parser.add_argument("-o", "--output", type=Path, metavar="CSV", help="table of baseq,total_match,total_mismatch")
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
        metavar="MAP",
        help="apply this quality map before counting: T,W,B or q:Q,q:Q,…; skip: leave qualities (default %(default)s)",
    )
    group = parser.add_argument_group("fitting quality maps")
    group.add_argument(
        "--fit",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="reads polished with --dc-calibration skip --min-quality 0, or, without --truth, tables that calibrate "
        "wrote, each of other molecules",
    )
    group.add_argument("--truth", type=Path, metavar="FASTA", help="true sequence of each molecule, movie/zmw/…")
    group.add_argument(
        "--min-np",
        type=_options.whole(0),
        default=0,
        metavar="N",
        help="leave out reads of fewer passes, by tag np (default %(default)s)",
    )
    parser.set_defaults(run=run, wrong_usage=parser.error)


def run(args: argparse.Namespace) -> int:
    """Count and write the table, or fit."""
    if args.fit:
        if args.bam or any(given(args, name) for name in (*_OF_COUNTING, *(() if args.truth else ("min_np",)))):
            args.wrong_usage("--fit takes its files, --truth and with that --min-np only, and prints what it finds")
        return _fit(args)
    if args.truth or not (args.bam and args.reference and args.output):
        args.wrong_usage("give BAM, FASTA and -o CSV, or --fit FILE… with or without --truth")
    if given(args, "min_np"):
        args.wrong_usage("--min-np chooses reads for --fit --truth; counting takes all that are aligned")
    return _count(args)


def _count(args: argparse.Namespace) -> int:
    import sys

    from deepconsensus_py.evaluate.calibration import as_csv, count_bases, recalibrate
    from deepconsensus_py.files import atomic_path, require_apart
    from deepconsensus_py.polishing.qualities import Calibration

    require_apart([args.output], [args.bam, args.reference])
    calibration = Calibration.parse(args.dc_calibration)
    counts = count_bases(args.bam, args.reference, region=args.region, min_mapq=args.min_mapq)
    with atomic_path(args.output) as target:
        target.write_text(as_csv(recalibrate(counts, calibration)))
    print(f"{counts[0].sum()} bases match, {counts[1].sum()} do not; the table is {args.output}", file=sys.stderr)
    return 0


def _fit(args: argparse.Namespace) -> int:
    from deepconsensus_py.evaluate.calibration_counts import read_table
    from deepconsensus_py.evaluate.calibration_fit import as_text, count_reads, try_maps

    groups = (
        count_reads(args.fit, args.truth, min_passes=args.min_np)
        if args.truth
        else [read_table(path) for path in args.fit]
    )
    for line in as_text(try_maps(groups), len(groups), "molecules" if args.truth else "tables"):
        print(line)
    return 0
