"""The command line: ``deepconsensus-py COMMAND``. Commands live one to a module and import their work when run."""

import argparse
import importlib
import logging
import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NoReturn

from deepconsensus_py._version import __version__
from deepconsensus_py.cli._log import add_options, finish, reporting, start_logging
from deepconsensus_py.cli._options import deprecated
from deepconsensus_py.cli._parser import Parser
from deepconsensus_py.cli._process import ENDS, listen_to_signals, provided_cache, quieten_libraries
from deepconsensus_py.errors import DeepConsensusError

log = logging.getLogger("deepconsensus_py.cli.main")

COMMANDS = {
    "polish": ("polish", "correct", "gather", "filter"),
    "prepare": ("index", "align", "draft", "encode", "overlaps"),
    "evaluate": ("evaluate", "report", "explain", "calibrate"),
    "models and training": ("model", "self-label", "prepare-training", "train", "distill"),
    "research": ("simulate", "bench", "claims"),
    "installation": ("doctor",),
}
"""The commands in the order of the help, by what they are for; each is a module of ``cli``."""

RENAMED = {"evidence": "prepare-training"}
"""Earlier names of commands, accepted until the next release."""

_EXAMPLE = ("polish CCS reads with their subreads", "polish subreads.bam --ccs ccs.bam -o polished.bam")


def commands() -> list[str]:
    """The names of all commands."""
    return [name for names in COMMANDS.values() for name in names]


def build_parser() -> Parser:
    """The parser of all commands; each module of ``cli`` adds its own."""
    parser = Parser(
        prog="deepconsensus-py",
        usage="%(prog)s COMMAND [options]",
        description="Polish PacBio HiFi (CCS) reads with their subreads. 'deepconsensus-py COMMAND --help' lists the "
        "options of a command.",
        examples=[_EXAMPLE],
    )
    subparsers = parser.add_subparsers(
        prog=parser.prog, dest="command", metavar="COMMAND", required=True, help=argparse.SUPPRESS
    )
    for title, names in COMMANDS.items():
        for name in names:
            module = importlib.import_module(f"deepconsensus_py.cli.{name.replace('-', '_')}")
            module.add_parser(subparsers)
            # argparse itself has one list for all commands.
            parser.group(title)._group_actions.append(subparsers._choices_actions[-1])
    parser.group("options").add_argument(
        "--version", action="version", version=f"deepconsensus-py {__version__}", help="show the version and exit"
    )
    parser.add_help_option("options")
    for command in _commands_of(parser):
        if not command.has_commands:
            add_options(command)
        command.add_help_option("options" if command.has_commands else "run")
        command.set_defaults(parser=command, check=command.get_default("check") or (lambda _: None))
    return parser


def _commands_of(parser: argparse.ArgumentParser) -> Iterator[Parser]:
    """The parsers of a parser's commands, and of their own commands."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield inner
                yield from _commands_of(inner)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 when all is written, 1 for a bad input or an output that cannot be written,
        3 when the run finished but some ZMWs could not be processed, 130 when interrupted, 141 when nobody reads
        standard output any more.

    Raises:
        SystemExit: 2 for wrong usage; as a program also 129 when the terminal is gone, 141 when a pipe is, and 143 when
            terminated.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    parser = build_parser()
    if not words:
        parser.print_help(sys.stderr)
        sys.exit(2)
    args = parser.parse_args([RENAMED.get(words[0], words[0]), *words[1:]])
    args.command_line = shlex.join(["deepconsensus-py", *words])
    with reporting(args):
        try:
            if words[0] in RENAMED:
                deprecated(words[0], args.command)
            return _run(args)
        except DeepConsensusError as error:
            log.error("%s", error)
            return 1
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            log.error("this needs PyTorch, which is not installed; pip install 'deepconsensus-py[torch]'")
            return 1
        except KeyboardInterrupt:
            log.error("interrupted")
            return 130
        except BrokenPipeError:
            # The reader of our output has closed it, as head does; Python must not fail again when it flushes on exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 128 + signal.SIGPIPE


def _run(args: argparse.Namespace) -> int:
    started = time.monotonic()
    args.check(args)
    start_logging(args)
    with provided_cache():
        status = int(args.run(args))
    sys.stdout.flush()
    finish(args, time.monotonic() - started)
    return status


def program() -> NoReturn:
    """Run one command as a program, and exit with its status."""
    listen_to_signals()
    quieten_libraries()
    try:
        status = main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    for number in (signal.SIGINT, *ENDS):
        signal.signal(number, signal.SIG_IGN)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    # All files are written and closed. A normal exit would run torch's exit handlers, which take 0.4 s.
    if workers := sys.modules.get("deepconsensus_py.workers.sockets"):
        workers.remove_sockets()
    os._exit(status)


if __name__ == "__main__":
    program()
