"""``explain``: one window as a person wants to see it."""

import argparse
from pathlib import Path

from deepconsensus_py.cli import _options
from deepconsensus_py.options import DEFAULT


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        "explain",
        help="one window on a page: pileup, calls, and which passes decided",
        description="Show a window of 100 draft bases: the pileup, the draft, the calls, the runs that passes speak "
        "against with the evidence of each pass, and which passes a run network's calls hang on.",
    )
    parser.add_argument(
        "subreads",
        nargs="+",
        type=Path,
        metavar="SUBREADS",
        help="subreads BAM, raw or aligned to the drafts; several files, or a .fofn with their names",
    )
    _options.add_ccs(parser)
    parser.add_argument("--zmw", required=True, metavar="N", help="ZMW number, or the name of the CCS read")
    parser.add_argument(
        "--window", type=_options.whole(0), required=True, metavar="K", help="from 0: draft bases 100 K to 100 K + 99"
    )
    parser.add_argument(
        "--model",
        default=DEFAULT,
        metavar="NAME|FILE",
        help="what corrects: a name of 'model list', or a .safetensors file (default %(default)s)",
    )
    _options.add_output(parser, "HTML", "the page")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the page."""
    import sys
    from importlib.util import find_spec

    from deepconsensus_py.errors import InputError
    from deepconsensus_py.evaluate.explain import explain_reads
    from deepconsensus_py.files import atomic_path, require_apart, require_place
    from deepconsensus_py.pacbio.inputs import expand_paths

    if find_spec("jinja2") is None:
        raise InputError("jinja2 is not installed; pip install 'deepconsensus-py[report]'")
    from deepconsensus_py.evaluate.explain_page import render_explanation

    require_apart([args.output], [*expand_paths(args.subreads), *expand_paths(args.ccs)])
    require_place(args.output)
    page = render_explanation(explain_reads(args.subreads, args.ccs, args.zmw, args.window, model=args.model))
    with atomic_path(args.output) as target:
        # Names of files are bytes, which need not be text.
        target.write_text(page, encoding="utf-8", errors="backslashreplace")
    print(f"the page is {args.output}", file=sys.stderr)
    return 0
