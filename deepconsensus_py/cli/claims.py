"""``claims``: what attention systems claim, shown beside a baseline."""

import argparse
from pathlib import Path


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        "claims",
        help="what attention systems claim, each shown at small scale beside its baseline",
        description="Show the claimed property of each attention system beside its baseline: figures and costs in "
        "FOLDER/ID.json, plots, and the page FOLDER.md. Rows that have a result in the folder "
        "are not run again. All of them take about two hours of one core; a target that is missed is shown so.",
    )
    parser.add_argument(
        "--fast",
        action="store_true",
        help="only what is exact or counted, in a few minutes; a figure that is missed is then a fault (status 1)",
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="ID", help="this row; may be given several times"
    )
    parser.add_argument("--list", action="store_true", help="list the claims, an id and a system each, and exit")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("claims"), metavar="FOLDER", help="(default %(default)s)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the rows."""
    import sys
    from functools import partial
    from importlib.util import find_spec

    from deepconsensus_py.errors import InputError
    from deepconsensus_py.lab.run import claims, run_claims

    if args.list:
        print(*(f"{claim.id}\t{claim.system}" for claim in claims()), sep="\n")
        return 0
    if missing := [name for name in ("sklearn", "networkx", "matplotlib") if find_spec(name) is None]:
        raise InputError(f"{', '.join(missing)} not installed; pip install 'deepconsensus-py[examples]'")
    done = run_claims(args.output, args.only, partial(print, file=sys.stderr), fast=args.fast)
    print(f"{args.output}.md")
    return 0 if done else 1
