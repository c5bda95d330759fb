"""``deepconsensus-py polish``: subreads and drafts to polished reads."""

import argparse
import sys
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepconsensus_py.cli import _options
from deepconsensus_py.cli._process import asked_by_interrupt
from deepconsensus_py.options import AUTO, PRECISIONS, SKIP_ABOVE

if TYPE_CHECKING:
    from deepconsensus_py.polishing.engine import PolishSettings
    from deepconsensus_py.polishing.run import PolishRun
    from deepconsensus_py.polishing.sources import Reads

HIGHEST_PHRED = 93
"""The highest quality that FASTQ can hold."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "polish",
        help="correct draft reads from their passes",
        description="Correct the CCS read (the draft) of each molecule from its subreads (the passes).",
    )
    _options.add_reads(parser, subreads="*")
    parser.add_argument(
        "--features",
        type=Path,
        nargs="+",
        action="extend",
        metavar="SHARD",
        help="what 'encode' wrote, instead of SUBREADS",
    )
    _options.add_output(parser, "OUT", f"polished reads: {_options.READ_FILES}")
    parser.add_argument("--failed", type=Path, metavar="OUT", help="keep the reads that the filters drop in this file")
    _options.add_model(parser)
    parser.add_argument(
        "--device",
        help="where a network runs: cpu, cuda, cuda:0 …; several, as in cuda:0,cuda:1, share the work; networks only "
        "(default cpu)",
    )
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="numeric precision; auto uses bf16 where the hardware supports it and the model was validated for it; "
        f"networks only (default {AUTO})",
    )
    parser.add_argument(
        "--triage",
        choices=("on", "off"),
        help="skip positions where the passes support the draft; off: the model sees everything; not with model vote "
        "(default on)",
    )
    _options.add_threads(parser)
    _add_settings(parser)
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on where an earlier run of the same command ended early; begin where there was none",
    )
    parser.set_defaults(run=run, wrong_usage=parser.error)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("reads and qualities")
    group.add_argument(
        "--all",
        action="store_true",
        help="also write the drafts of molecules with too few passes, unpolished, with rq -1",
    )
    group.add_argument(
        "--min-quality",
        type=_options.quality,
        default=20,
        metavar="Q",
        help="lowest predicted quality of a read, Phred (default %(default)s)",
    )
    group.add_argument(
        "--min-length",
        type=_options.whole(0),
        default=0,
        metavar="BASES",
        help="length of the shortest read (default %(default)s)",
    )
    group.add_argument(
        "--skip-windows-above",
        type=_options.quality,
        metavar="Q",
        help="do not polish windows whose mean draft quality is above Q, Phred; 0 disables; column models only "
        f"(default {SKIP_ABOVE:g})",
    )
    group.add_argument(
        "--max-base-quality",
        type=_options.whole(1, HIGHEST_PHRED),
        default=HIGHEST_PHRED,
        metavar="Q",
        help="highest base quality, Phred (default %(default)s)",
    )
    group.add_argument(
        "--dc-calibration",
        metavar="MAP",
        help="quality map of corrected bases. T,W,B: make W*q+B of qualities q above T; q:Q,q:Q,…: straight lines "
        "between these points; skip: leave them (default: the model's own)",
    )
    group.add_argument(
        "--ccs-calibration",
        metavar="MAP",
        help="the same for draft bases in windows that are not polished; column models only (default skip)",
    )


def run(args: argparse.Namespace) -> int:
    """Polish, and say what became of the molecules."""
    _options.log_to_stderr()
    if args.subreads and args.threads > 1:
        from deepconsensus_py.polishing.prepare import prepare_workers

        prepare_workers(args.model)
    from deepconsensus_py.files import is_stream, require_apart
    from deepconsensus_py.pacbio.inputs import expand_paths, require_once
    from deepconsensus_py.polishing.progress import Stop
    from deepconsensus_py.polishing.report import faulty
    from deepconsensus_py.polishing.run import run as polish_files

    job = _job(args)
    require_once(job.shards)
    inputs = [*expand_paths(args.subreads), *expand_paths(args.ccs), *job.shards]
    require_apart([path for path in (job.output, job.failed) if path], inputs)
    stop = Stop()
    # A stream that ends well says that all is there: only files may end early.
    with nullcontext() if is_stream(job.output) else asked_by_interrupt(stop.ask):
        counts = polish_files(job, stop)["counts"]
    if stop.early:
        raise KeyboardInterrupt
    _print_summary(counts, args)
    return _options.MOLECULES_FAILED if faulty(counts) else 0


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
        precision=args.precision,
        triage=None if args.triage is None else args.triage == "on",
        threads=args.threads,
        settings=_settings(args),
        command=args.command_line,
        resume=args.resume,
        keep_unpolished=args.all,
    )


def _reads(args: argparse.Namespace) -> "Reads | None":
    if bool(args.subreads) == bool(args.features):
        args.wrong_usage("give either SUBREADS or --features SHARD")
    if args.features and (args.ccs or args.chunk or args.limit or args.min_passes is not None):
        args.wrong_usage("--ccs, --chunk, --limit and --min-passes are for 'encode', not for its shards (--features)")
    return _options.reads(args) if args.subreads else None


def _settings(args: argparse.Namespace) -> "PolishSettings":
    from deepconsensus_py.polishing.engine import PolishSettings
    from deepconsensus_py.polishing.filters import ReadFilter
    from deepconsensus_py.polishing.qualities import Calibration

    return PolishSettings(
        filter=ReadFilter(args.min_quality, args.min_length),
        skip_windows_above=args.skip_windows_above,
        max_base_quality=args.max_base_quality,
        model_calibration=None if args.dc_calibration is None else Calibration.parse(args.dc_calibration),
        draft_calibration=None if args.ccs_calibration is None else Calibration.parse(args.ccs_calibration),
    )


def _print_summary(counts: dict[str, Any], args: argparse.Namespace) -> None:
    """Every molecule is counted out loud, the dropped ones with what keeps them."""
    from deepconsensus_py.files import is_stream, shown
    from deepconsensus_py.polishing.outcomes import Outcome
    from deepconsensus_py.polishing.report import MOLECULES, side_file

    outcomes = Counter(counts["outcomes"])
    polished = outcomes[Outcome.SUCCESS]
    print(
        f"{_options.counted(counts['molecules'], 'molecule')}, {_options.counted(polished, 'polished read')} in "
        f"{shown(args.output)}",
        file=sys.stderr,
    )
    if counts["windows_skipped"]:
        print(f"the draft was kept in {counts['windows_skipped']} of {counts['windows']} windows", file=sys.stderr)
    for outcome, count in sorted(outcomes.items()):
        if outcome != Outcome.SUCCESS:
            print(f"{count} {outcome}: {Outcome(outcome).meaning}", file=sys.stderr)
    dropped = outcomes[Outcome.FAILED_QUALITY_FILTER] + outcomes[Outcome.FAILED_LENGTH_FILTER]
    if dropped and args.failed is None:
        print("reads below the filters are not written; --failed OUT keeps them", file=sys.stderr)
    if polished < counts["molecules"] and not is_stream(args.output):
        print(f"what became of each molecule: {side_file(args.output, MOLECULES)}", file=sys.stderr)
    _options.print_counts(counts)
