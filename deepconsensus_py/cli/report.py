"""``report``: summarize runs on an HTML page."""

import argparse
import logging
from pathlib import Path

from deepconsensus_py.cli import _options
from deepconsensus_py.cli._parser import Commands

log = logging.getLogger(__name__)


def add_parser(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "report",
        help="summarize runs on an HTML page",
        description="Summarize one or more polish runs on an HTML page: ZMW outcomes, qualities, errors where the "
        "truth is known, run times and parameters.",
        usage="%(prog)s [options] REPORT... -o HTML",
        examples=[
            ("a run", "polished.report.json -o report.html"),
            ("a run and its evaluation", "polished.report.json evaluation.json -o report.html"),
        ],
    )
    parser.group("input").add_argument(
        "runs",
        type=Path,
        nargs="+",
        metavar="REPORT",
        help="OUT.report.json of 'polish', and the JSON that 'evaluate' wrote of its reads",
    )
    _options.add_output(parser, "HTML", "the page")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the page."""
    from importlib.util import find_spec

    from deepconsensus_py.errors import InputError
    from deepconsensus_py.evaluate.runs import load_runs
    from deepconsensus_py.files import atomic_path

    if missing := [name for name in ("jinja2", "matplotlib") if find_spec(name) is None]:
        raise InputError(f"{' and '.join(missing)} not installed; pip install 'deepconsensus-py[report]'")
    from deepconsensus_py.evaluate.page import render_page

    page = render_page(load_runs(args.runs))
    with atomic_path(args.output) as target:
        # Names of files are bytes, which need not be text.
        target.write_text(page, encoding="utf-8", errors="backslashreplace")
    log.info("page written to %s", args.output)
    return 0
