"""``deepconsensus-py polish``: subreads and drafts to polished reads."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from deepconsensus_py.cli import _options

if TYPE_CHECKING:
    from deepconsensus_py.polishing.engine import PolishSettings
    from deepconsensus_py.polishing.report import MoleculeTable
    from deepconsensus_py.polishing.run import PolishRun
    from deepconsensus_py.polishing.sources import Reads

MOLECULES_FAILED = 3
"""Exit status of a run that finished, but could not process some molecules."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser("polish", help="correct draft reads from their passes", description=__doc__)
    _options.add_reads(parser, subreads="*")
    parser.add_argument("--features", type=Path, nargs="+", metavar="SHARD", help="take encoded molecules instead")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT", help=".bam, .fastq, .fastq.gz, or - (BAM)"
    )
    parser.add_argument("--failed", type=Path, metavar="OUT", help="keep the reads that the filters drop in this file")
    _options.add_model(parser)
    parser.add_argument("--device", default="cpu", help="where a network runs: cpu, cuda, cuda:0 … (%(default)s)")
    _options.add_threads(parser)
    _add_settings(parser)
    parser.set_defaults(run=run)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("reads and qualities")
    group.add_argument("--min-quality", type=float, default=20, metavar="Q", help="least read quality (%(default)s)")
    group.add_argument("--min-length", type=int, default=0, metavar="BASES", help="least read length (%(default)s)")
    group.add_argument(
        "--skip-windows-above",
        type=float,
        default=45,
        metavar="Q",
        help="keep the draft in windows of a higher mean quality; 0 never does (%(default)s)",
    )
    group.add_argument("--max-base-quality", type=int, default=93, metavar="Q", help="cap (%(default)s)")
    group.add_argument(
        "--dc-calibration", metavar="T,W,B", help="quality map of corrected bases, or skip (the model's own)"
    )
    group.add_argument(
        "--ccs-calibration", default="skip", metavar="T,W,B", help="quality map of kept draft bases (%(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Polish, and say what became of the molecules."""
    _options.log_to_stderr()
    from deepconsensus_py.polishing.run import run as polish_files

    table = polish_files(_job(args))
    _print_summary(table, args)
    return MOLECULES_FAILED if table.faulty else 0


def _job(args: argparse.Namespace) -> "PolishRun":
    from deepconsensus_py.polishing.run import PolishRun

    return PolishRun(
        reads=_reads(args),
        shards=tuple(args.features or ()),
        output=args.output,
        failed=args.failed,
        model=args.model,
        insertion_trim=args.ins_trim,
        device=args.device,
        threads=args.threads,
        settings=_settings(args),
        command=args.command_line,
    )


def _reads(args: argparse.Namespace) -> "Reads | None":
    from deepconsensus_py.errors import InputError
    from deepconsensus_py.polishing.sources import Reads

    if bool(args.subreads) == bool(args.features):
        raise InputError("give either SUBREADS or --features SHARD")
    if args.features and (args.ccs or args.chunk or args.limit):
        raise InputError("--ccs, --chunk and --limit choose molecules when they are encoded, not with --features")
    return Reads(tuple(args.subreads), args.ccs, args.chunk, args.limit) if args.subreads else None


def _settings(args: argparse.Namespace) -> "PolishSettings":
    from deepconsensus_py.polishing.engine import PolishSettings
    from deepconsensus_py.polishing.filters import ReadFilter
    from deepconsensus_py.polishing.qualities import Calibration

    return PolishSettings(
        filter=ReadFilter(args.min_quality, args.min_length),
        skip_windows_above=args.skip_windows_above,
        max_base_quality=args.max_base_quality,
        model_calibration=None if args.dc_calibration is None else Calibration.parse(args.dc_calibration),
        draft_calibration=Calibration.parse(args.ccs_calibration),
    )


def _print_summary(table: "MoleculeTable", args: argparse.Namespace) -> None:
    """Every molecule is counted out loud, the dropped ones with what keeps them."""
    from deepconsensus_py.polishing.outcomes import Outcome

    counts = table.counts()
    print(
        f"{counts['molecules']} molecules, {table.outcomes[Outcome.SUCCESS]} polished reads in {args.output}; "
        f"{counts['windows_corrected']} of {counts['windows']} windows corrected",
        file=sys.stderr,
    )
    for outcome, count in sorted(table.outcomes.items()):
        if outcome != Outcome.SUCCESS:
            print(f"{count} {outcome}: {Outcome(outcome).meaning}", file=sys.stderr)
    dropped = table.outcomes[Outcome.FAILED_QUALITY_FILTER] + table.outcomes[Outcome.FAILED_LENGTH_FILTER]
    if dropped and args.failed is None:
        print(f"the {dropped} filtered reads are not written; --failed OUT keeps them", file=sys.stderr)
