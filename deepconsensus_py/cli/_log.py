"""What a command reports while it runs, on standard error and in a log file: its start, its end and its summary."""

import argparse
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deepconsensus_py._version import __version__
from deepconsensus_py.cli._parser import Parser
from deepconsensus_py.files import is_stream, require_apart, shown, writing
from deepconsensus_py.pacbio.inputs import expand_paths
from deepconsensus_py.pacbio.pipes import called

log = logging.getLogger(__name__)

_PACKAGE, _PROGRESS_BAR = "deepconsensus_py", "deepconsensus_py.progress.bar"
"""The logger of all reports, and the one whose level says whether a progress bar is drawn."""

_LIBRARIES = ("numpy", "numba", "pysam", "torch")
_NAMED = 3
"""Input files that are named at the start; the others are counted."""


def add_options(parser: Parser) -> None:
    """Declare how much a command reports, and where."""
    group = parser.group("run")
    loudness = group.add_mutually_exclusive_group()
    loudness.add_argument("-v", "--verbose", action="store_true", help="report details as well")
    loudness.add_argument("--quiet", action="store_true", help="report nothing but warnings and errors")
    group.add_argument(
        "--log-file", type=Path, metavar="FILE", help="append all reports, with time stamps and details, to this file"
    )


@contextmanager
def reporting(args: argparse.Namespace) -> Iterator[None]:
    """While the block runs, show reports on standard error, as many as were asked for."""
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setLevel(logging.WARNING if args.quiet else logging.DEBUG if args.verbose else logging.INFO)
    terminal.setFormatter(_TerminalFormatter(args.parser.prog))
    package, bar = logging.getLogger(_PACKAGE), logging.getLogger(_PROGRESS_BAR)
    before = package.handlers[:], package.level, package.propagate, bar.level
    package.addHandler(terminal)
    package.setLevel(terminal.level)
    package.propagate = False
    bar.setLevel(terminal.level)
    try:
        yield
    finally:
        for handler in package.handlers[:]:
            if handler not in before[0]:
                package.removeHandler(handler)
                handler.close()
        package.setLevel(before[1])
        package.propagate = before[2]
        bar.setLevel(before[3])


def start_logging(args: argparse.Namespace) -> None:
    """Open the log file, and report what is run on which files.

    Raises:
        InputError: a file of file names cannot be read, or a file is given twice.
        OutputError: an output is an input or another output, or the log file cannot be written.
    """
    read, written = _files(args)
    outputs = [*written, *([args.log_file] if args.log_file else [])]
    require_apart(outputs, [path for paths in read for path in expand_paths(paths, pipes=True)])
    if args.log_file:
        with writing(args.log_file):
            file = logging.FileHandler(args.log_file, encoding="utf-8", errors="backslashreplace")
        file.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%Y-%m-%d %H:%M:%S"))
        package = logging.getLogger(_PACKAGE)
        package.addHandler(file)
        package.setLevel(logging.DEBUG)
    if read or written:
        _announce(args, [path for paths in read for path in paths], written)


def finish(args: argparse.Namespace, seconds: float) -> None:
    """Report how long it took."""
    if any(_files(args)):
        log.info("finished in %s", duration(seconds))


_KINETICS = {
    "computed": "computed from subreads",
    "carried": "carried over from CCS reads",
    "invalid": "with invalid ones in the CCS reads, dropped",
    "dropped": "dropped",
}
"""Origins of the kinetics of reads, and what is said of each."""


def report_yields(counts: Mapping[str, Any]) -> None:
    """Report yields before and after polishing, and the origin of tags of bases, from a report's ``counts``."""
    found = [(counts.get(f"kinetics_{origin}", 0), words) for origin, words in _KINETICS.items()]
    if kinetics := ", ".join(f"{counted(reads, 'read')} {words}" for reads, words in found if reads):
        log.info("kinetics (fi fp ri rp ip pw): %s", kinetics)
    _report_modifications(counts)
    # Parts that an earlier version polished have no yields.
    qualities = [q for q in (20, 30, 40) if f"reads_q{q}_after" in counts]
    if not qualities:
        return
    rows = [["predicted quality", "before polishing", "after polishing"]]
    rows += [[f"Q{q} or better", *(_yield(counts, f"q{q}_{when}") for when in ("before", "after"))] for q in qualities]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        name, *cells = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        log.info("%s", "   ".join((name.strip().ljust(widths[0]), *cells)))


def _report_modifications(counts: Mapping[str, Any]) -> None:
    kept, dropped, new, invalid = (
        counts.get(f"mods_{what}", 0) for what in ("kept", "dropped", "new_sites", "invalid")
    )
    if kept or dropped:
        without = f", {counted(new, 'CpG')} made by polishing without a call" if new else ""
        log.info("base modifications (MM ML): %s kept, %d dropped%s", counted(kept, "call"), dropped, without)
    if invalid:
        log.warning(
            "base modifications of %s contradict the read or each other (MM, ML, MN) and were dropped",
            counted(invalid, "CCS read"),
        )


def _yield(counts: Mapping[str, Any], which: str) -> str:
    return f"{counted(counts[f'reads_{which}'], 'read')}, {counted(counts[f'bases_{which}'], 'base')}"


def counted(number: int, noun: str) -> str:
    """``1 read``, ``2,000 reads``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def duration(seconds: float) -> str:
    """``3.2 s``, ``1 min 23 s`` or ``2 h 05 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def _files(args: argparse.Namespace) -> tuple[list[list[Path]], list[Path]]:
    """The files that a command reads, by option, and those that it writes."""
    titles = [title for title in args.parser.titles if title not in {"output", "run"}]
    read = [paths for title in titles for paths in args.parser.paths(title, args)]
    return read, [path for paths in args.parser.paths("output", args) for path in paths]


def _announce(args: argparse.Namespace, read: Sequence[Path], written: Sequence[Path]) -> None:
    facts = [f"model {args.model}"] if "model" in args else []
    facts += [f"device {args.device or 'cpu'}"] if "device" in args else []
    facts += [counted(args.threads, "thread")] if "threads" in args else []
    command = args.parser.prog.partition(" ")[2]
    log.info("deepconsensus-py %s %s%s", __version__, command, ": " + ", ".join(facts) if facts else "")
    if read:
        more = f" and {len(read) - _NAMED:,} more" if len(read) > _NAMED else ""
        log.info("reading %s%s", ", ".join(map(called, read[:_NAMED])), more)
    for path in written:
        replaced = path.is_file() and not is_stream(path)
        log.info("%s %s", "overwriting" if replaced else "writing", shown(path))
    if log.isEnabledFor(logging.DEBUG):
        log.debug("command line: %s", args.command_line)
        log.debug("%s", _versions())


def _versions() -> str:
    import platform
    from importlib.metadata import version

    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return f"Python {platform.python_version()} on {platform.platform()}, {libraries}"


class _TerminalFormatter(logging.Formatter):
    """Plain lines; warnings and errors are marked."""

    def __init__(self, prog: str) -> None:
        super().__init__()
        self._prefixes = {logging.WARNING: "warning: ", logging.ERROR: f"{prog}: error: "}

    def format(self, record: logging.LogRecord) -> str:
        return self._prefixes.get(record.levelno, "") + super().format(record)
