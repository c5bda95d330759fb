"""``polish``: polish CCS reads with their subreads."""

import argparse
import logging
from collections import Counter
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepconsensus_py.cli import _options
from deepconsensus_py.cli._log import counted, report_yields
from deepconsensus_py.cli._parser import Commands, Parser, given
from deepconsensus_py.cli._process import announce_compiling, asked_by_interrupt
from deepconsensus_py.options import AUTO, HD_FINDER, KINETICS, PRECISIONS, QV_BINS, SKIP_ABOVE, UNBINNED

if TYPE_CHECKING:
    from deepconsensus_py.polishing.engine import PolishSettings
    from deepconsensus_py.polishing.run import PolishRun
    from deepconsensus_py.polishing.sources import Reads

log = logging.getLogger(__name__)

HIGHEST_PHRED = 93
"""Highest base quality that FASTQ can hold."""


def add_parser(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "polish",
        help="polish CCS reads with their subreads",
        description="Polish the CCS read (the draft) of each ZMW with its subreads (the passes).",
        usage="%(prog)s [options] SUBREADS... [--ccs CCS] -o OUT\n       %(prog)s [options] --features SHARD... -o OUT",
        examples=[
            ("polish the CCS reads of a movie", "subreads.bam --ccs ccs.bam -o polished.bam"),
            (
                "write reads of Q30 or better as FASTQ; continue the run if it was interrupted",
                "subreads.bam --ccs ccs.bam -o q30.fastq.gz -q 30 --resume",
            ),
        ],
    )
    _options.add_subreads(parser, nargs="*")
    _options.add_ccs(parser, required=False)
    parser.group("input").add_argument(
        "--features",
        type=Path,
        nargs="+",
        action="extend",
        metavar="SHARD",
        help="feature shards that 'encode' wrote, in place of SUBREADS",
    )
    _options.add_chunk(parser)
    _options.add_limit(parser)
    _options.add_output(parser, "OUT", f"polished reads: {_options.READ_FILES}")
    output = parser.group("output")
    output.add_argument(
        "--failed",
        type=Path,
        metavar="OUT",
        help="write fail reads to this file, with tag ff: reads that fail the filters, palindromes, and a full pass of "
        "each ZMW without a read",
    )
    output.add_argument(
        "--all",
        action="store_true",
        help="write every ZMW: reads of any quality and, of ZMWs without a read, the CCS read or a pass, with rq -1",
    )
    output.add_argument(
        "--xml", action="store_true", help="write the index of OUT and its dataset XML, OUT.consensusreadset.xml, too"
    )
    output.add_argument(
        "--kinetics",
        choices=KINETICS,
        default=AUTO,
        help="write kinetics (fi fp ri rp; by strand ip pw), computed from those of the subreads: auto where the CCS "
        "reads have them, on for all reads (default %(default)s)",
    )
    output.add_argument(
        "--mods",
        choices=("carry", "drop"),
        default="carry",
        help="base modifications (MM ML) of the CCS reads: move their calls to the polished bases, or drop them "
        "(default %(default)s)",
    )
    _add_strands(parser)
    _add_model(parser)
    _add_filters(parser)
    _add_qualities(parser)
    _options.add_threads(parser)
    _options.add_resume(parser)
    parser.group("run").add_argument(
        "--dry-run",
        action="store_true",
        help="check options, model and inputs, print the number of ZMWs to polish, and write nothing; without "
        "SUBREADS, check options and model",
    )
    parser.set_defaults(run=run, check=check)


def check(args: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    if bool(args.subreads) == bool(args.features) and (args.subreads or not args.dry_run):
        args.parser.error("give either SUBREADS or --features SHARD")
    _options.check_all(args)
    _check_strands(args)
    if args.all and args.failed:
        args.parser.error("--all writes every ZMW to OUT, and leaves nothing for --failed")
    if args.all and args.min_quality and given(args, "min_quality"):
        args.parser.error("--all writes reads of any quality; remove --min-quality")
    if args.xml and args.output.suffix != ".bam":
        args.parser.error("--xml describes a BAM file: give an output whose name ends in .bam")
    if args.adapter and not args.failed:
        args.parser.error("--adapter finds fail reads: give a file for them (--failed)")
    for_encoding = {"chunk", "limit", *_options.ZMW_FILTERS} - {"min_length"}
    if args.features and (args.ccs or any(given(args, name) for name in for_encoding)):
        args.parser.error(
            "--ccs, --chunk, --limit and filters of ZMWs such as --min-passes are for 'encode', not for its shards "
            "(--features)"
        )


def _add_strands(parser: Parser) -> None:
    group = parser.group("output")
    group.add_argument(
        "--by-strand",
        action="store_true",
        help="write a read for each strand of a ZMW, from its own passes; drafts are built from the subreads",
    )
    group.add_argument(
        "--hd-finder",
        choices=HD_FINDER,
        help="find ZMWs whose strands differ (heteroduplexes): report counts them, split writes a read for each of "
        "their strands (default: not looked for)",
    )


def _check_strands(args: argparse.Namespace) -> None:
    if args.by_strand and args.ccs:
        args.parser.error("--by-strand builds drafts from the subreads; remove --ccs")
    if args.by_strand and args.hd_finder:
        args.parser.error("--by-strand writes a read for each strand already; remove --hd-finder")
    if args.features and (args.by_strand or args.hd_finder):
        args.parser.error("--by-strand and --hd-finder need SUBREADS; --features has no passes")


def _add_model(parser: Parser) -> None:
    _options.add_model(parser)
    group = parser.group("model")
    group.add_argument(
        "--device",
        help="device of the network: cpu, cuda, cuda:0, ...; several, as in cuda:0,cuda:1, share the work; networks "
        "only (default cpu)",
    )
    group.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="numeric precision; auto uses bf16 where the hardware supports it and the model was validated for it; "
        f"networks only (default {AUTO})",
    )
    group.add_argument(
        "--triage",
        choices=("on", "off"),
        help="skip positions where the passes support the draft; not with model vote (default on)",
    )
    _options.add_insertion_trim(parser)
    group.add_argument(
        "--skip-windows-above",
        type=_options.quality,
        metavar="Q",
        help="do not polish windows whose mean draft QV is above Q; 0 disables; column models only (default "
        f"{SKIP_ABOVE:g})",
    )


def _add_filters(parser: Parser) -> None:
    _options.add_min_quality(parser, default=20)
    parser.group("filters").add_argument(
        "--min-rq",
        dest="min_quality",
        type=_options.accuracy,
        default=20,
        metavar="RQ",
        help="the same as an accuracy (tag rq): 0.99 is --min-quality 20",
    )
    _options.add_zmw_filters(parser)
    parser.group("filters").add_argument(
        "--adapter",
        type=Path,
        metavar="FASTA",
        help="adapter sequences of the run: reads with them are fail reads (--failed)",
    )


def _add_qualities(parser: Parser) -> None:
    group = parser.group("base qualities")
    group.add_argument(
        "--max-base-quality",
        type=_options.whole(1, HIGHEST_PHRED),
        default=HIGHEST_PHRED,
        metavar="Q",
        help="maximum base quality (default %(default)s)",
    )
    group.add_argument(
        "--dc-calibration",
        metavar="MAP",
        help="recalibrate polished bases: T,W,B replaces each quality q above T by W*q+B; q:Q,q:Q,... interpolates "
        "between points; skip changes nothing (default: the model's own map)",
    )
    group.add_argument(
        "--ccs-calibration",
        metavar="MAP",
        help="the same for draft bases in windows that are not polished; column models only (default skip)",
    )
    group.add_argument(
        "--qv-bins",
        choices=QV_BINS,
        default=UNBINNED,
        help="write base qualities in the seven bins of PacBio (3, 10, 17, 22, 27, 35, 40), for smaller files; rq and "
        "filters use the qualities before (default %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Polish, and report the outcomes."""
    if args.dry_run:
        return _check_files(args)
    if args.subreads and args.threads > 1:
        from deepconsensus_py.polishing.prepare import prepare_workers

        prepare_workers(args.model)
    from deepconsensus_py.files import is_stream
    from deepconsensus_py.pacbio.pipes import is_pipe
    from deepconsensus_py.polishing.progress import Stop
    from deepconsensus_py.polishing.run import polish_files
    from deepconsensus_py.reports.table import faulty

    announce_compiling(drafts=bool(args.subreads) and not args.ccs)
    job = _job(args)
    stop = Stop()
    # A stream that ends well says that all is there, and a pipe is not read again: only files may end early.
    resumable = not is_stream(job.output) and not any(map(is_pipe, args.subreads))
    with asked_by_interrupt(stop.ask) if resumable else nullcontext():
        report = polish_files(job, stop)
    if stop.early:
        raise KeyboardInterrupt
    _report(report, args)
    return _options.ZMWS_FAILED if faulty(report["counts"]) else 0


def _check_files(args: argparse.Namespace) -> int:
    from deepconsensus_py.polishing.run import check_files

    zmws = check_files(_job(args))
    if zmws is not None:
        print(zmws)
    return 0


def _job(args: argparse.Namespace) -> "PolishRun":
    from deepconsensus_py.polishing.run import PolishRun

    return PolishRun(
        reads=_reads(args) if args.subreads else None,
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
        dataset=args.xml,
        resume=args.resume,
        qv_bins=args.qv_bins,
        keep_unpolished=args.all,
    )


def _reads(args: argparse.Namespace) -> "Reads":
    from deepconsensus_py.polishing.strands import StrandOptions

    return replace(_options.reads(args), strands=StrandOptions(args.by_strand, args.hd_finder))


def _settings(args: argparse.Namespace) -> "PolishSettings":
    from deepconsensus_py.polishing.artifacts import ArtifactFilter, read_adapters
    from deepconsensus_py.polishing.engine import PolishSettings
    from deepconsensus_py.polishing.filters import ReadFilter
    from deepconsensus_py.polishing.qualities import Calibration

    return PolishSettings(
        filter=ReadFilter(0 if args.all else args.min_quality, args.min_length),
        skip_windows_above=args.skip_windows_above,
        max_base_quality=args.max_base_quality,
        model_calibration=None if args.dc_calibration is None else Calibration.parse(args.dc_calibration),
        draft_calibration=None if args.ccs_calibration is None else Calibration.parse(args.ccs_calibration),
        kinetics=args.kinetics,
        carry_modifications=args.mods == "carry",
        artifacts=ArtifactFilter(read_adapters(args.adapter) if args.adapter else ()) if args.failed else None,
    )


def _report(report: Mapping[str, Any], args: argparse.Namespace) -> None:
    """Report what was written, and the outcomes of all ZMWs."""
    from deepconsensus_py.files import is_stream, shown
    from deepconsensus_py.reports.outcomes import Outcome
    from deepconsensus_py.reports.side_files import MOLECULES, side_file

    counts = report["counts"]
    outcomes = Counter(counts["outcomes"])
    polished = outcomes[Outcome.SUCCESS]
    log.info(
        "%s (%s), %s (%s) in %s",
        counted(counts["zmws"], "ZMW"),
        counted(counts["bases_in"], "draft base"),
        counted(polished, "polished read"),
        counted(counts["bases_out"], "base"),
        shown(args.output),
    )
    if counts["windows_skipped"]:
        log.info("windows whose draft was kept: %d of %d", counts["windows_skipped"], counts["windows"])
    for outcome, count in sorted(outcomes.items()):
        if outcome != Outcome.SUCCESS:
            log.info("%d %s: %s", count, outcome, Outcome(outcome).meaning)
    failed = sum(outcomes[one] for one in Outcome if one.filtered)
    if failed and args.failed is None:
        log.info("reads that fail the filters are not written; use --failed OUT to keep them")
    if polished < counts["molecules"] and not is_stream(args.output):
        log.info("outcome of each ZMW: %s", side_file(args.output, MOLECULES))
    if counts["heteroduplexes"]:
        log.info("ZMWs whose strands differ: %d", counts["heteroduplexes"])
    report_yields(counts)
    log.debug("seconds by stage: %s", ", ".join(f"{stage} {spent:.1f}" for stage, spent in report["stages"].items()))
    log.debug("peak memory: %.2f GiB", report["peak_memory_bytes"] / 2**30)
