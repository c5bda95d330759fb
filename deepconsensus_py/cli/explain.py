"""``explain``: show a window of a draft with the evidence of each pass."""

import argparse
import logging

from deepconsensus_py.cli import _options
from deepconsensus_py.cli._parser import Commands

log = logging.getLogger(__name__)


def add_parser(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "explain",
        help="show 100 bases of a draft with the evidence of each pass",
        description="Show a window of 100 draft bases on an HTML page: pileup, calls, the homopolymers and repeats "
        "that passes disagree with, the evidence of each pass, and which passes the network's calls depend on.",
        usage="%(prog)s [options] SUBREADS... --ccs CCS --zmw N --window K -o HTML",
        examples=[
            ("draft bases 300 to 399 of a ZMW", "subreads.bam --ccs ccs.bam --zmw 4194370 --window 3 -o window.html"),
            (
                "the same with another model",
                "subreads.bam --ccs ccs.bam --zmw 4194370 --window 3 -m pairhmm -o window.html",
            ),
        ],
    )
    _options.add_subreads(parser)
    _options.add_ccs(parser)
    group = parser.group("input")
    group.add_argument("--zmw", required=True, metavar="N", help="ZMW, by hole number or name of the CCS read")
    group.add_argument(
        "--window",
        type=_options.whole(0),
        required=True,
        metavar="K",
        help="window, counted from 0: draft bases 100 K to 100 K + 99",
    )
    _options.add_output(parser, "HTML", "the page")
    _options.add_model(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the page."""
    from importlib.util import find_spec

    from deepconsensus_py.errors import InputError
    from deepconsensus_py.evaluate.window import explain_reads
    from deepconsensus_py.files import atomic_path, require_place

    if find_spec("jinja2") is None:
        raise InputError("jinja2 is not installed; pip install 'deepconsensus-py[report]'")
    from deepconsensus_py.evaluate.window_page import render_explanation

    require_place(args.output)
    page = render_explanation(explain_reads(args.subreads, args.ccs, args.zmw, args.window, model=args.model))
    with atomic_path(args.output) as target:
        # Names of files are bytes, which need not be text.
        target.write_text(page, encoding="utf-8", errors="backslashreplace")
    log.info("page written to %s", args.output)
    return 0
