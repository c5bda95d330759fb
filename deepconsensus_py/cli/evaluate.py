"""``evaluate``: reads against truth."""

import argparse
from pathlib import Path

from deepconsensus_py.cli import _options
from deepconsensus_py.pacbio.names import MAX_HOLE, whole_number


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        "evaluate",
        help="compare reads with the truth",
        description="Count the errors of reads whose true sequences are known. Names must be movie/zmw/….",
    )
    parser.add_argument("--truth", type=Path, required=True, metavar="FASTA", help="true sequence of each molecule")
    parser.add_argument("--reads", type=Path, required=True, metavar="FILE", help="reads to judge: BAM, FASTQ, FASTA")
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="the reads they were made from, to compare")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="also write it as JSON; -: only JSON, on standard output"
    )
    parser.add_argument(
        "--min-np",
        type=_options.whole(0),
        default=0,
        metavar="N",
        help="leave out molecules with fewer passes, by tag np (default %(default)s)",
    )
    parser.add_argument("--zmws", type=_holes, default=(), metavar="N,N,…", help="only these ZMW numbers")
    parser.add_argument(
        "--events", action="store_true", help="list errors: place in the truth, kind, bases, letters, run length"
    )
    parser.set_defaults(run=run)


def _holes(text: str) -> tuple[int, ...]:
    numbers = [whole_number(part) for part in text.split(",")]
    known = tuple(number for number in numbers if number is not None and number <= MAX_HOLE)
    if len(known) < len(numbers):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of ZMW numbers, e.g. 7,12")
    return known


def run(args: argparse.Namespace) -> int:
    """Compare and print."""
    import json
    import sys

    from deepconsensus_py.errors import OutputError
    from deepconsensus_py.evaluate.comparison import compare
    from deepconsensus_py.evaluate.reads import load_reads
    from deepconsensus_py.evaluate.tables import as_json, as_text
    from deepconsensus_py.files import atomic_path, is_stream, require_apart
    from deepconsensus_py.polishing.report import report_owner

    files = {name: getattr(args, name) for name in ("truth", "reads", "baseline")}
    if args.json and not is_stream(args.json):
        require_apart([args.json], [path for path in files.values() if path])
        if owner := report_owner(args.json):
            raise OutputError(f"{args.json}: is the report of {owner}, which it would replace; write elsewhere")
    sets = {name: load_reads(path) for name, path in files.items() if path}
    for name, loaded in sets.items():
        if loaded.duplicates:
            print(f"{files[name]}: {loaded.duplicates} shorter reads of the same molecules left out", file=sys.stderr)
    comparison = compare(
        sets["truth"], sets["reads"], sets.get("baseline"), min_passes=args.min_np, holes=frozenset(args.zmws)
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
