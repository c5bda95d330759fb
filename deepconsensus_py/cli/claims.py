"""``claims``: reproduce the claims of published attention systems, each beside a baseline."""

import argparse
import logging
from pathlib import Path

from deepconsensus_py.cli._parser import Commands

log = logging.getLogger(__name__)


def add_parser(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "claims",
        help="reproduce the claims of published attention systems at small scale",
        description="Reproduce what published attention systems claim, each beside its baseline: figures and costs in "
        "FOLDER/ID.json, plots, and the page FOLDER.md. Systems that have a result of the same code in the folder are "
        "not run again. All of them take up to five hours of one core. Verdicts follow from 95 % intervals: holds, "
        "tie, or misses.",
        usage="%(prog)s [options] [-o FOLDER]",
        examples=[
            ("all systems", "-o claims"),
            ("what is exact or counted, of one system", "--fast --only sasa -o claims"),
        ],
    )
    parser.group("output").add_argument(
        "-o", "--output", type=Path, default=Path("claims"), metavar="FOLDER", help="(default %(default)s)"
    )
    group = parser.group("systems")
    group.add_argument(
        "--fast",
        action="store_true",
        help="only exact checks, in a few minutes, without training",
    )
    group.add_argument("--only", action="append", default=[], metavar="ID", help="only this system; may be repeated")
    group.add_argument(
        "--list",
        action="store_true",
        help="list the systems, and whether FOLDER has results of them and of which code, and exit",
    )
    group.add_argument("--page", action="store_true", help="write the page of the results in FOLDER anew and exit")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the claims, or list them."""
    from importlib.util import find_spec

    from deepconsensus_py.errors import InputError
    from deepconsensus_py.lab.run import claims, collect, run_claims, standing

    if args.list:
        print(*(f"{one.id}\t{standing(args.output, one)}\t{one.system}" for one in claims()), sep="\n")
        return 0
    if missing := [name for name in ("sklearn", "networkx", "matplotlib") if find_spec(name) is None]:
        raise InputError(f"{', '.join(missing)} not installed; pip install 'deepconsensus-py[examples]'")
    if args.page:
        collect(args.output)
        print(f"{args.output}.md")
        return 0
    done = run_claims(args.output, args.only, log.info, fast=args.fast)
    print(f"{args.output}.md")
    return 0 if done else 1
