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
    parser.group("input").add_argument(
        "reads",
        type=Path,
        nargs="+",
        metavar="READS",
        help="HiFi reads with base qualities (BAM or FASTQ), or a .fofn or dataset XML that lists files",
    )
    parser.group("input").add_argument(
        "--aligned",
        action="store_true",
        help="READS are aligned to one reference or assembly (BAM): they overlap where they share a part of it, and "
        "come out in its order; reads that are not aligned stay as they are",
    )
    parser.group("input").add_argument(
        "--chunk",
        type=_options.chunk,
        default=(1, 1),
        metavar="i/N",
        help="correct only the i-th of N equal parts of the reads, by all of them; 'gather' joins the parts",
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
    parser.group("run").add_argument(
        "--resume", action="store_true", help="continue an unfinished run of the same command, if there is one"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Correct, and report how many reads changed."""
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
