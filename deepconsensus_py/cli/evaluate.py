"""``evaluate``: compare reads with their true sequences."""

import argparse
import logging
from pathlib import Path

from deepconsensus_py.cli import _options
from deepconsensus_py.cli._parser import Commands
from deepconsensus_py.pacbio.names import MAX_HOLE, whole_number

log = logging.getLogger(__name__)


def add_parser(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "evaluate",
        help="compare reads with their true sequences",
        description="Count the errors of reads whose true sequences are known. Names must be movie/zmw/....",
        usage="%(prog)s [options] READS --truth FASTA",
        examples=[
            (
                "errors, yield and calibration of polished reads beside those of their CCS reads",
                "polished.bam --truth truth.fasta --baseline ccs.bam",
            ),
            (
                "the same, with errors where no pass shows the truth apart",
                "polished.bam --truth truth.fasta --subreads subreads.bam",
            ),
            (
                "the same for 'report', with all errors listed",
                "polished.bam --truth truth.fasta --json evaluation.json --events",
            ),
        ],
    )
    group = parser.group("input")
    group.add_argument(
        "reads",
        type=Path,
        nargs="?",
        metavar="READS",
        help="reads to judge (BAM, FASTQ or FASTA); - reads standard input",
    )
    group.add_argument("--reads", type=Path, dest="old_reads", help=argparse.SUPPRESS)
    group.add_argument("--truth", type=Path, required=True, metavar="FASTA", help="true sequence of each ZMW")
    group.add_argument("--baseline", type=Path, metavar="READS", help="reads to compare with, such as the CCS reads")
    group.add_argument(
        "--subreads",
        type=Path,
        nargs="+",
        default=(),
        metavar="BAM",
        help="subreads of the ZMWs, to report errors where no pass shows the truth apart from the rest",
    )
    parser.group("output").add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="also write the result as JSON; with -, write only JSON, to standard output",
    )
    parser.group("output").add_argument(
        "--events",
        action="store_true",
        help="list all errors: position in the truth, type, bases and homopolymer length",
    )
    filters = parser.group("filters")
    filters.add_argument(
        "--min-np",
        type=_options.whole(0),
        default=0,
        metavar="N",
        help="minimum number of passes (tag np) of a read (default %(default)s)",
    )
    filters.add_argument("--zmws", type=_holes, default=(), metavar="N,N,...", help="only these ZMWs, by hole number")
    parser.set_defaults(run=run, check=check)


def check(args: argparse.Namespace) -> None:
    """Require reads; accept them as ``--reads``, as earlier versions did."""
    if args.old_reads and args.reads is None:
        _options.deprecated("evaluate --reads READS", "evaluate READS")
        args.reads = args.old_reads
    elif args.old_reads or args.reads is None:
        args.parser.error("give one file of READS")


def _holes(text: str) -> tuple[int, ...]:
    numbers = [whole_number(part) for part in text.split(",")]
    known = tuple(number for number in numbers if number is not None and number <= MAX_HOLE)
    if len(known) < len(numbers):
        raise argparse.ArgumentTypeError(f"must be hole numbers such as 7,12, not {text!r}")
    return known


def run(args: argparse.Namespace) -> int:
    """Compare, and print the result."""
    import json

    from deepconsensus_py.errors import OutputError
    from deepconsensus_py.evaluate.comparison import compare
    from deepconsensus_py.evaluate.reads import load_reads
    from deepconsensus_py.evaluate.tables import as_json, as_text
    from deepconsensus_py.evaluate.truth_support import unsupported_places
    from deepconsensus_py.files import atomic_path, is_stream
    from deepconsensus_py.reports.side_files import report_owner

    files = {name: getattr(args, name) for name in ("truth", "reads", "baseline")}
    if args.json and not is_stream(args.json) and (owner := report_owner(args.json)):
        raise OutputError(f"{args.json}: is the report of {owner} and would be overwritten; choose another output")
    sets = {name: load_reads(path) for name, path in files.items() if path}
    for name, loaded in sets.items():
        if loaded.duplicates:
            log.info("%s: ignored %d shorter reads of ZMWs with several", files[name], loaded.duplicates)
    holes = frozenset(args.zmws)
    unsupported = unsupported_places(sets["truth"].reads, args.subreads, holes) if args.subreads else None
    comparison = compare(
        sets["truth"],
        sets["reads"],
        sets.get("baseline"),
        min_passes=args.min_np,
        holes=holes,
        unsupported=unsupported,
    )
    paths = {name: str(path) if path else None for name, path in files.items()}
    text = json.dumps(paths | as_json(comparison, with_events=args.events), indent=1)
    if args.json == Path("-"):
        print(text)
        return 0
    if args.json:
        with atomic_path(args.json) as target:
            target.write_text(text + "\n")
    for line in as_text(comparison, with_events=args.events):
        print(line)
    return 0
