"""What several commands share: options, exit status, words."""

import argparse
import logging
import math
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepconsensus_py.options import DEFAULT
from deepconsensus_py.pacbio.names import whole_number
from deepconsensus_py.polishing.outcomes import MIN_FULL_PASSES
from deepconsensus_py.workers.resources import default_threads

if TYPE_CHECKING:
    from deepconsensus_py.polishing.sources import Reads

READ_FILES = ".bam, .sam, .fastq, .fastq.gz, or - (BAM to standard output)"
"""How an output of reads may be named."""

MOLECULES_FAILED = 3
"""Exit status of a run that finished, but could not process some molecules."""


def chunk(text: str) -> tuple[int, int]:
    """``i/N``: the i-th, from 1, of N parts."""
    number, _, chunks = text.partition("/")
    i, n = whole_number(number), whole_number(chunks)
    if i is None or n is None or not 1 <= i <= n:
        raise argparse.ArgumentTypeError(f"{text!r} is not i/N with 1 <= i <= N, e.g. 2/7")
    return i, n


def whole(lowest: int, highest: float = math.inf) -> Callable[[str], int]:
    """A whole number within bounds, as an argument type."""

    def parse(text: str) -> int:
        number = whole_number(text)
        if number is None or not lowest <= number <= highest:
            upper = f" to {highest}" if highest < math.inf else " or more"
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of {lowest}{upper}")
        return number

    return parse


def quality(text: str) -> float:
    """A Phred quality, as an argument type."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a quality (Phred, 0 or more)")
    return value


def add_output(parser: argparse.ArgumentParser, metavar: str, help: str) -> None:  # noqa: A002 - argparse's word
    """``-o``, which every command that writes must be given."""
    parser.add_argument("-o", "--output", type=Path, required=True, metavar=metavar, help=help)


def add_subreads(parser: argparse.ArgumentParser) -> None:
    """Raw subreads."""
    parser.add_argument(
        "subreads",
        nargs="+",
        type=Path,
        metavar="SUBREADS",
        help="subreads as they were sequenced: BAM files, or a .fofn with their names",
    )


def add_ccs(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """``--ccs``."""
    default = "" if required else " (if omitted, a draft consensus is built from the subreads)"
    parser.add_argument(
        "--ccs",
        action="append",
        type=Path,
        required=required,
        metavar="CCS",
        help="drafts: CCS reads in BAM, FASTQ or FASTA, or a .fofn with the names of several files; may be given "
        f"several times{default}",
    )


def add_chunk(parser: argparse.ArgumentParser) -> None:
    """``--chunk``."""
    parser.add_argument(
        "--chunk",
        type=chunk,
        metavar="i/N",
        help="only the i-th of N parts of the CCS reads; where files have an index ('index'), no more is read",
    )


def add_threads(parser: argparse.ArgumentParser) -> None:
    """``--threads``."""
    parser.add_argument(
        "--threads",
        type=whole(1),
        default=default_threads(),
        metavar="N",
        help="processor cores to use (default %(default)s)",
    )


def add_model(parser: argparse.ArgumentParser) -> None:
    """``--model`` and ``--ins-trim``: together they choose the encoding."""
    parser.add_argument(
        "--model",
        default=DEFAULT,
        metavar="NAME|FILE",
        help="what corrects: a name of 'model list', or a .safetensors file (default %(default)s)",
    )
    parser.add_argument(
        "--ins-trim",
        type=whole(0),
        metavar="BASES",
        help="ignore longer insertions of a pass; 0 keeps all; column models only (default: what the model was made "
        "with, usually 5)",
    )


def add_reads(parser: argparse.ArgumentParser, *, subreads: str = "+") -> None:
    """Subreads, drafts, and which part of them."""
    parser.add_argument(
        "subreads",
        nargs=subreads,
        type=Path,
        metavar="SUBREADS",
        help="subreads BAM, raw or aligned to the drafts; several files, or a .fofn with their names",
    )
    add_ccs(parser, required=False)
    add_chunk(parser)
    parser.add_argument("--limit", type=whole(1), metavar="N", help="only the first N molecules")
    parser.add_argument(
        "--min-passes",
        type=whole(0),
        metavar="N",
        help="full passes that a molecule needs; molecules with fewer, and drafts that are not a consensus (rq below "
        f"0), are counted as too_few_passes (default {MIN_FULL_PASSES})",
    )


def reads(args: argparse.Namespace) -> "Reads":
    """The reads of ``add_reads``."""
    from deepconsensus_py.polishing.sources import Reads

    least = MIN_FULL_PASSES if args.min_passes is None else args.min_passes
    drafts = tuple(args.ccs) if args.ccs else None
    return Reads(tuple(args.subreads), drafts, args.chunk, args.limit, min_passes=least)


def print_counts(counts: Mapping[str, Any]) -> None:
    """What a report's ``counts`` say of yields and of what polished reads no longer have."""
    for kind, tags, reads in (
        ("kinetics", "fi fp ri rp ip pw", counts.get("kinetics_dropped", 0)),
        ("base modifications", "MM ML", counts.get("modifications_dropped", 0)),
    ):
        if reads:
            print(
                f"{kind} ({tags}) dropped from {counted(reads, 'read')}: they describe draft bases, which polishing "
                "changes",
                file=sys.stderr,
            )
    for q in (20, 30, 40):
        # Parts that an earlier version polished have no yields.
        if f"reads_q{q}_after" in counts:
            before, after = (
                f"{counted(counts[f'reads_q{q}_{when}'], 'read')} ({counts[f'bases_q{q}_{when}']:,} bases) {when}"
                for when in ("before", "after")
            )
            print(f"predicted Q{q} or better: {before}, {after}", file=sys.stderr)


def counted(number: int, noun: str) -> str:
    """``1 read``, ``2 reads``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def log_to_stderr() -> None:
    """Show what the library reports, one plain line each."""
    own = logging.getLogger("deepconsensus_py")
    if own.handlers or any(not isinstance(handler, logging.NullHandler) for handler in logging.getLogger().handlers):
        # Whoever calls a command from a program of theirs says where it goes.
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    own.addHandler(handler)
    own.setLevel(logging.INFO)
