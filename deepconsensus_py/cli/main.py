"""The command line: ``deepconsensus-py COMMAND``. Commands live one to a module and import their work when run."""

import argparse
import importlib
import os
import pkgutil
import shlex
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from deepconsensus_py import cli
from deepconsensus_py._version import __version__
from deepconsensus_py.cli._parser import Parser
from deepconsensus_py.cli._process import ENDS, listen_to_signals, provided_cache, quieten_libraries
from deepconsensus_py.errors import DeepConsensusError


def commands() -> list[str]:
    """The modules beside this one whose names do not start with an underscore."""
    return [m.name for m in pkgutil.iter_modules(cli.__path__) if m.name != "main" and not m.name.startswith("_")]


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; each module of ``cli`` adds its own."""
    parser = Parser(prog="deepconsensus-py", description="Polish PacBio HiFi reads.")
    parser.add_argument("--version", action="version", version=f"deepconsensus-py {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in commands():
        importlib.import_module(f"deepconsensus_py.cli.{command}").add_parser(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 when all is written, 1 for a bad input or an output that cannot be written,
        3 when the run finished but some molecules could not be processed, 130 when interrupted, 141 when nobody reads
        standard output any more.

    Raises:
        SystemExit: 2 for wrong usage; as a program also 129 when the terminal is gone, 141 when a pipe is, and 143 when
            terminated.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    args = build_parser().parse_args(words)
    args.command_line = shlex.join(["deepconsensus-py", *words])
    try:
        with provided_cache():
            status = int(args.run(args))
        sys.stdout.flush()
        return status
    except DeepConsensusError as error:
        print(f"deepconsensus-py {args.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"deepconsensus-py {args.command}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Who reads our output has seen enough, as head has; Python must not fail again when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


def program() -> NoReturn:
    """Run one command, and end with its status."""
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
    # All is written and closed. Python would have torch take apart what it registered, which lasts 0.4 s.
    if workers := sys.modules.get("deepconsensus_py.workers.sockets"):
        workers.remove_sockets()
    os._exit(status)


if __name__ == "__main__":
    program()
