"""``simulate``: simulate subreads and CCS reads of known sequence."""

import argparse
import logging
from pathlib import Path

from deepconsensus_py.cli import _options
from deepconsensus_py.cli._log import counted
from deepconsensus_py.cli._parser import Commands

log = logging.getLogger(__name__)


def add_parser(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "simulate",
        help="simulate subreads and CCS reads of known sequence",
        description="Simulate ZMWs of known sequence: writes subreads.bam, ccs.bam, truth.fasta and truth.bed.",
        usage="%(prog)s [options] -o FOLDER",
        examples=[
            ("ten ZMWs of random sequence", "-o simulated"),
            (
                "four ZMWs of a genome, as Sequel II reads them",
                "-o simulated --num-zmws 4 --length 800 1200 --template truth.fasta --profile sequel2",
            ),
        ],
    )
    parser.group("input").add_argument(
        "--template", type=Path, metavar="FASTA", help="cut ZMWs out of these sequences (default: random sequence)"
    )
    _options.add_output(parser, "FOLDER", "folder to write to")
    group = parser.group("simulation")
    group.add_argument("--num-zmws", type=int, default=10, metavar="N", help="number of ZMWs (default %(default)s)")
    group.add_argument("--molecules", type=int, help=argparse.SUPPRESS)
    group.add_argument(
        "--length",
        type=int,
        nargs=2,
        default=(1000, 3000),
        metavar=("MIN", "MAX"),
        help="length of a ZMW's sequence, bases (default 1000 3000)",
    )
    group.add_argument(
        "--passes",
        type=int,
        nargs=2,
        default=(3, 12),
        metavar=("MIN", "MAX"),
        help="full passes of a ZMW (default 3 12)",
    )
    group.add_argument(
        "--profile",
        default="sequel",
        metavar="NAME|FILE",
        help="instrument: sequel, sequel2, or a JSON file (default %(default)s)",
    )
    group.add_argument("--seed", type=int, default=1, metavar="N", help="random seed (default %(default)s)")
    parser.set_defaults(run=run, check=check)


def check(args: argparse.Namespace) -> None:
    """Accept the number of ZMWs as ``--molecules``, as earlier versions did."""
    if args.molecules is not None:
        _options.deprecated("simulate --molecules N", "simulate --num-zmws N")
        args.num_zmws = args.molecules


def run(args: argparse.Namespace) -> int:
    """Simulate, and report what was written."""
    from deepconsensus_py.simulate.movies import MovieSettings, simulate_movie, write_movie
    from deepconsensus_py.simulate.profile import load_profile
    from deepconsensus_py.simulate.sites import SHORTEST_PASS
    from deepconsensus_py.simulate.templates import read_templates

    settings = MovieSettings(args.num_zmws, tuple(args.length), tuple(args.passes), args.seed)
    profile = load_profile(args.profile)
    templates = read_templates(args.template, SHORTEST_PASS) if args.template else None
    molecules = simulate_movie(settings, profile, templates)
    count = write_movie(molecules, args.output, args.command_line, profile.instrument)
    log.info("%s in %s: subreads.bam, ccs.bam, truth.fasta, truth.bed", counted(count, "ZMW"), args.output)
    return 0
