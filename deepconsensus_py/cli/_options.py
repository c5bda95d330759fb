"""Options that several commands share."""

import argparse
import logging
import os
from pathlib import Path


def chunk(text: str) -> tuple[int, int]:
    """``i/N``: the i-th, from 1, of N parts."""
    number, _, chunks = text.partition("/")
    if not (number.isdigit() and chunks.isdigit() and 1 <= int(number) <= int(chunks)):
        raise argparse.ArgumentTypeError(f"{text!r} is not i/N with 1 <= i <= N, e.g. 2/7")
    return int(number), int(chunks)


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0))


def at_least(lowest: int) -> "type[int]":
    """A whole number with a lower bound, as an argument type."""

    def whole(text: str) -> int:
        value = int(text)
        if value < lowest:
            raise argparse.ArgumentTypeError(f"{value} is less than {lowest}")
        return value

    whole.__name__ = "int"
    return whole  # type: ignore[return-value]


def add_threads(parser: argparse.ArgumentParser) -> None:
    """``--threads``."""
    parser.add_argument("--threads", type=at_least(1), default=cores(), help="processor cores to use (%(default)s)")


def add_model(parser: argparse.ArgumentParser) -> None:
    """``--model`` and ``--ins-trim``: together they choose the encoding."""
    parser.add_argument(
        "--model", default="vote", metavar="NAME|FILE", help="bundled model, or a .safetensors file (%(default)s)"
    )
    parser.add_argument(
        "--ins-trim",
        type=at_least(0),
        metavar="BASES",
        help="leave longer insertions of a pass out; 0 keeps all (what the model was made with, usually 5)",
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
    parser.add_argument(
        "--ccs",
        type=Path,
        metavar="CCS",
        help="drafts: CCS reads in BAM, FASTQ or FASTA; made from the subreads if not given",
    )
    parser.add_argument("--chunk", type=chunk, metavar="i/N", help="only the i-th of N parts of the drafts")
    parser.add_argument("--limit", type=at_least(1), metavar="N", help="only the first N molecules")


def log_to_stderr() -> None:
    """Show what the library reports, one plain line each."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
