"""How a command's process is set up: quiet libraries, a cache for compiled code, signals that end it."""

import logging
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger(__name__)

CACHE_VARIABLE = "NUMBA_CACHE_DIR"

_STANDARD_ERROR = 2
_ASKED = b"\ninterrupted: finishing the ZMWs in progress; interrupt again to stop at once\n"

_SETTINGS = {"TORCH_LOGS": "-all", "TORCH_CPP_LOG_LEVEL": "ERROR"}
"""Torch has handlers of its own, which it sets up when it is imported: ``-all`` leaves errors alone in them."""

ENDS = (signal.SIGHUP, signal.SIGPIPE, signal.SIGTERM)
"""Signals that end a run; the exit status is 128 and their number."""


def quieten_libraries() -> None:
    """Show errors of libraries, but neither warnings nor notes, unless the user asks for them (``-W``, ``TORCH_LOGS``).

    For a program of its own only: it holds for the whole process and those that it starts.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    # Python prints warnings of loggers that have no handler.
    logging.getLogger().addHandler(logging.NullHandler())
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
        os.environ["PYTHONWARNINGS"] = "ignore"


@contextmanager
def provided_cache() -> Iterator[None]:
    """Give numba a temporary cache where neither the package nor the home folder is writable.

    This is so in containers that run under the caller's user id; numba would refuse to import the compiled modules. The
    folder is private, because numba runs the code that it finds in a cache.
    """
    usual = (Path(__file__).parents[1], Path("~").expanduser())
    if CACHE_VARIABLE in os.environ or any(os.access(folder, os.W_OK) for folder in usual):
        yield
        return
    import tempfile

    with tempfile.TemporaryDirectory(prefix="deepconsensus-py-", ignore_cleanup_errors=True) as folder:
        os.environ[CACHE_VARIABLE] = folder
        log.warning(
            "compiled code cannot be cached, since neither the installation nor the home folder is writable; set %s to "
            "a writable folder to save about twenty seconds a run",
            CACHE_VARIABLE,
        )
        yield


_DRAFTING = "deepconsensus_py.align.votes"
"""Of the modules that build drafts, one with compiled functions."""


def announce_compiling(*, drafts: bool = False) -> None:
    """Report that this run compiles code first, where none is cached; what it will need is imported by now.

    Args:
        drafts: whether drafts are built.
    """
    from deepconsensus_py.kernels import nothing_cached

    if nothing_cached():
        log.info("no compiled code in the cache yet: compiling for this processor, about half a minute")
    elif drafts and nothing_cached(_DRAFTING):
        log.info("first run that builds drafts: compiling code for it, about half a minute")


@contextmanager
def asked_by_interrupt(ask: Callable[[], None]) -> Iterator[None]:
    """While the block runs, the first interrupt calls a function, and the second one raises KeyboardInterrupt.

    Args:
        ask: asks the work to end.
    """
    before = signal.getsignal(signal.SIGINT)
    # The parent may have told us to ignore interrupts, as a shell does for background jobs of a script.
    if before is not signal.default_int_handler:
        yield
        return

    def first(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        ask()
        # Not by the log: what was interrupted may be writing to it.
        os.write(_STANDARD_ERROR, _ASKED)

    signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def listen_to_signals() -> None:
    """Let signals raise SystemExit; those that the parent has us ignore, as nohup does, stay ignored."""
    for number in ENDS:
        # Python itself ignores SIGPIPE, so that it is not known whether the parent did.
        if signal.getsignal(number) is signal.SIG_DFL or number == signal.SIGPIPE:
            signal.signal(number, _stop)


def _stop(number: int, _frame: object) -> None:
    """Exit by an exception, so that unfinished files are removed."""
    sys.exit(128 + number)
