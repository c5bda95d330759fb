"""``correct``: correct HiFi reads by each other, where there are no subreads."""

import argparse
import logging
from pathlib import Path

from deepconsensus_py.cli import _options
from deepconsensus_py.cli._log import counted
from deepconsensus_py.cli._parser import Commands

log = logging.getLogger(__name__)

MIN_COVERAGE, MAX_OVERLAPS = 3, 60


def add_parser(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "correct",
        help="correct HiFi reads by each other, without subreads",
        description="Correct HiFi reads by those that overlap with them and are of the same haplotype. Reads are "
        "aligned with each other; of a genome of more than 100 Mb, give reads that are aligned to it or to an assembly "
        "of them (--aligned).",
        usage="%(prog)s [options] READS... -o OUT",
        examples=[
            ("correct the reads of a small genome", "ccs.bam -o corrected.bam"),
            (
                "correct reads that are aligned to an assembly, the second of 16 parts; continue if it was interrupted",
                "to_ref.bam --aligned --chunk 2/16 -o 2.bam --resume",
            ),
        ],
    )
    _options.add_hifi(parser, nargs="*")
    parser.group("input").add_argument(
        "--aligned",
        action="store_true",
        help="READS are aligned to one reference or assembly (BAM): they overlap where they share a part of it, and "
        "come out in its order; reads that are not aligned stay as they are",
    )
    parser.group("input").add_argument(
        "--paf",
        action="append",
        type=Path,
        default=[],
        metavar="PAF",
        help="overlaps of READS, from 'overlaps' or 'minimap2 -cx ava-pb'; may be repeated (default: found here)",
    )
    _options.add_part(
        parser, "correct only the i-th of N equal parts of the reads, by all of them; 'gather' joins the parts", (1, 1)
    )
    _options.add_output(parser, "OUT", f"all reads, in the same order: {_options.READ_FILES}")
    parser.group("filters").add_argument(
        "--min-coverage",
        type=_options.whole(2),
        default=MIN_COVERAGE,
        metavar="N",
        help="where fewer reads of a haplotype overlap, they keep their bases and qualities (default %(default)s)",
    )
    parser.group("filters").add_argument(
        "--max-overlaps",
        type=_options.whole(1),
        default=MAX_OVERLAPS,
        metavar="N",
        help="correct a read by at most N others, those that share most bases with it (default %(default)s)",
    )
    _options.add_threads(parser)
    _options.add_resume(parser)
    parser.group("run").add_argument(
        "--dry-run",
        action="store_true",
        help="check options and inputs, print the number of reads, and write nothing; without READS, check options",
    )
    parser.set_defaults(run=run, check=check)


def check(args: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    if not (args.reads or args.dry_run):
        args.parser.error("give READS")
    if args.paf and args.aligned:
        args.parser.error("--aligned takes the overlaps from the alignments; remove --paf")


def run(args: argparse.Namespace) -> int:
    """Correct, and report how many reads changed."""
    if args.dry_run:
        return _check_files(args)
    if args.threads > 1:
        from deepconsensus_py.polishing.prepare import prepare_workers

        prepare_workers("pairhmm")
    from deepconsensus_py.cli._process import announce_compiling
    from deepconsensus_py.files import shown
    from deepconsensus_py.overlaps.run import CorrectRun, correct_files
    from deepconsensus_py.overlaps.work import Options
    from deepconsensus_py.reports.table import faulty

    announce_compiling()
    job = CorrectRun(
        reads=tuple(args.reads),
        output=args.output,
        paf=tuple(args.paf),
        aligned=args.aligned,
        chunk=args.chunk,
        options=Options(args.min_coverage, args.max_overlaps),
        threads=args.threads,
        command=args.command_line,
        resume=args.resume,
    )
    counts = correct_files(job)["counts"]
    failed = faulty(counts) + counts["reads_not_corrected"]
    written = counts["molecules"] - faulty(counts)
    log.info("%s in %s, %d of them edited", counted(written, "read"), shown(args.output), counts["reads_edited"])
    if counts["reads_alone"]:
        log.info(
            "too few overlaps with reads of the same haplotype to correct %s", counted(counts["reads_alone"], "read")
        )
    if failed:
        log.warning("%s damaged or not corrected", counted(failed, "read"))
    return _options.ZMWS_FAILED if failed else 0


def _check_files(args: argparse.Namespace) -> int:
    if args.reads:
        import tempfile

        from deepconsensus_py.overlaps.located import locate
        from deepconsensus_py.pacbio.draft_parts import chunk_bounds

        with tempfile.TemporaryDirectory(prefix="deepconsensus-py-") as folder:
            start, stop = chunk_bounds(len(locate(args.reads, Path(folder), aligned=args.aligned)), args.chunk)
        print(stop - start)
    return 0
