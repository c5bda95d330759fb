"""What several commands share: options and exit status."""

import argparse
import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from deepconsensus_py.align.zmw_filter import ZmwFilter
from deepconsensus_py.cli._parser import Parser, given
from deepconsensus_py.methods import DEFAULT
from deepconsensus_py.pacbio.names import whole_number
from deepconsensus_py.workers.resources import default_threads

if TYPE_CHECKING:
    from deepconsensus_py.polishing.sources import Reads

log = logging.getLogger(__name__)

READ_FILES = ".bam, .sam, .fastq or .fastq.gz; - writes BAM to standard output"
"""How an output of reads may be named."""

ZMWS_FAILED = 3
"""Exit status of a run that finished, but could not process some ZMWs."""


def chunk(text: str) -> tuple[int, int]:
    """``i/N``: the i-th, from 1, of N parts."""
    number, _, chunks = text.partition("/")
    i, n = whole_number(number), whole_number(chunks)
    if i is None or n is None or not 1 <= i <= n:
        raise argparse.ArgumentTypeError(f"must be i/N with 1 <= i <= N, such as 2/7, not {text!r}")
    return i, n


def whole(lowest: int, highest: float = math.inf) -> Callable[[str], int]:
    """A whole number within bounds, as an argument type."""

    def parse(text: str) -> int:
        number = whole_number(text)
        if number is None or not lowest <= number <= highest:
            bounds = f"from {lowest} to {highest}" if highest < math.inf else f"of at least {lowest}"
            raise argparse.ArgumentTypeError(f"must be an integer {bounds}, not {text!r}")
        return number

    return parse


def number(text: str) -> float:
    """A number of at least 0, as an argument type."""
    value = _parsed(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of at least 0, not {text!r}")
    return value


def quality(text: str) -> float:
    """A Phred quality, as an argument type."""
    value = _parsed(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a Phred quality of at least 0, not {text!r}")
    return value


def accuracy(text: str) -> float:
    """The Phred quality of an accuracy (tag ``rq``), as an argument type."""
    value = _parsed(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"must be an accuracy of at least 0 and below 1, such as 0.99, not {text!r}")
    # The last bit of a logarithm must not decide whether 0.99 is Q20.
    return round(-10 * math.log10(1 - value), 6) + 0.0


def _parsed(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def add_output(parser: Parser, metavar: str, help: str, *, required: bool = True) -> None:  # noqa: A002 - argparse's word
    """``-o``."""
    parser.group("output").add_argument("-o", "--output", type=Path, required=required, metavar=metavar, help=help)


def add_subreads(parser: Parser, *, nargs: str = "+", aligned: bool = True) -> None:
    """Subreads, in an aligned form or not."""
    form = "raw or aligned to the CCS reads" if aligned else "as sequenced"
    parser.group("input").add_argument(
        "subreads",
        nargs=nargs,
        type=Path,
        metavar="SUBREADS",
        help=f"subreads (BAM), {form}, or a .fofn or dataset XML that lists files; - reads standard input",
    )


def add_hifi(parser: Parser, nargs: str = "+") -> None:
    """HiFi reads without subreads."""
    parser.group("input").add_argument(
        "reads",
        type=Path,
        nargs=nargs,
        metavar="READS",
        help="HiFi reads with base qualities (BAM or FASTQ), or a .fofn or dataset XML that lists files",
    )


def add_ccs(parser: Parser, *, required: bool = True, drafted: bool = True) -> None:
    """``--ccs``, in whose place drafts are built where it is not required."""
    default = "" if required or not drafted else "; if omitted, a draft consensus is built from the subreads"
    parser.group("input").add_argument(
        "--ccs",
        action="append",
        type=Path,
        required=required,
        metavar="CCS",
        help=f"CCS reads (BAM, FASTQ or FASTA){default}; may be repeated, or a .fofn or dataset XML that lists files",
    )


def add_chunk(parser: Parser) -> None:
    """``--chunk`` of ZMWs."""
    add_part(
        parser,
        "process only the i-th of N equal parts of the CCS reads, or of the ZMWs if there are none; no more is read of "
        "files that have an index (see 'index')",
    )


def add_part(parser: Parser, meaning: str, default: tuple[int, int] | None = None) -> None:
    """``--chunk`` with a help text of its own."""
    parser.group("input").add_argument("--chunk", type=chunk, default=default, metavar="i/N", help=meaning)


def add_resume(parser: Parser) -> None:
    """``--resume`` of a run that has checkpoints."""
    parser.group("run").add_argument(
        "--resume", action="store_true", help="continue an unfinished run of the same command, if there is one"
    )


def add_limit(parser: Parser) -> None:
    """``--limit``."""
    parser.group("input").add_argument("--limit", type=whole(1), metavar="N", help="process only the first N ZMWs")


ZMW_FILTERS = ("min_snr", "top_passes", "min_passes", "min_length", "max_length", "min_tandem_repeat_length")
"""The options that ``zmw_filter`` reads."""


def add_zmw_filters(parser: Parser, *, marks: bool = True) -> None:
    """The filters of ZMWs on their subreads and draft, those of ``ccs``; ``marks``: and what only marks them."""
    group, default = parser.group("filters"), ZmwFilter()
    group.add_argument(
        "--min-snr",
        type=number,
        default=default.min_snr,
        metavar="SNR",
        help="minimum signal-to-noise ratio of the weakest base (tag sn; default %(default)s)",
    )
    group.add_argument(
        "--top-passes",
        type=whole(0),
        default=default.top_passes,
        metavar="N",
        help="use at most N full passes, those nearest to the median length; 0 uses all (default %(default)s)",
    )
    group.add_argument(
        "--min-passes",
        type=whole(0),
        default=default.min_passes,
        metavar="N",
        help="minimum number of full passes of 50 to 200 %% of the median length; ZMWs with fewer, or whose draft is "
        "not a consensus (rq below 0), are counted as too_few_passes (default %(default)s)",
    )
    group.add_argument(
        "--min-length",
        type=whole(0),
        default=default.min_length,
        metavar="BASES",
        help="minimum length of the draft and of the read (default %(default)s)",
    )
    group.add_argument(
        "--max-length",
        type=whole(0),
        default=default.max_length,
        metavar="BASES",
        help="maximum length of the draft; 0 is no limit (default %(default)s)",
    )
    if marks:
        group.add_argument(
            "--min-tandem-repeat-length",
            type=whole(1),
            default=default.min_tandem_repeat_length,
            metavar="BASES",
            help="length from which tandem repeats mark their ZMW; no filter (default %(default)s)",
        )


def zmw_filter(args: argparse.Namespace) -> ZmwFilter:
    """The filters of ZMWs that the options choose."""
    keep_all = "all" in args and args.all
    return ZmwFilter(**{name: getattr(args, name) for name in ZMW_FILTERS if name in args}, keep_all=keep_all)


def check_all(args: argparse.Namespace) -> None:
    """Refuse filters that ``--all`` does without."""
    for name in ("min_passes", "max_length"):
        if args.all and given(args, name) and getattr(args, name):
            option = name.replace("_", "-")
            args.parser.error(f"--all writes ZMWs of any passes and length; remove --{option}")


def add_min_quality(parser: Parser, default: float | None) -> None:
    """``-q``; without a default it must be given."""
    parser.group("filters").add_argument(
        "-q",
        "--min-quality",
        type=quality,
        default=default,
        required=default is None,
        metavar="Q",
        help="minimum predicted read quality, Phred" + ("" if default is None else " (default %(default)s)"),
    )


def add_threads(parser: Parser) -> None:
    """``--threads``."""
    parser.group("run").add_argument(
        "-t",
        "--threads",
        type=whole(1),
        default=default_threads(),
        metavar="N",
        help="number of threads (default %(default)s)",
    )


def add_model(parser: Parser) -> None:
    """``--model``."""
    parser.group("model").add_argument(
        "-m",
        "--model",
        default=DEFAULT,
        metavar="NAME|FILE",
        help="a model of 'model list', or a .safetensors file (default %(default)s)",
    )


def add_insertion_trim(parser: Parser) -> None:
    """``--ins-trim``, which chooses the encoding together with the model."""
    parser.group("model").add_argument(
        "--ins-trim",
        type=whole(0),
        metavar="N",
        help="ignore insertions longer than N bases; 0 keeps all; column models only (default: as the model was "
        "trained, usually 5)",
    )


def deprecated(old: str, new: str) -> None:
    """Warn of an earlier form of a command line, which is accepted until the next release."""
    log.warning("%r is deprecated; use %r", old, new)


def reads(args: argparse.Namespace) -> "Reads":
    """The reads that the options choose: subreads, CCS reads, chunk, limit and filters."""
    from deepconsensus_py.polishing.sources import Reads

    drafts = tuple(args.ccs) if args.ccs else None
    return Reads(tuple(args.subreads), drafts, args.chunk, args.limit, filter=zmw_filter(args))
