"""Removal of the folder with the fork server's socket, however a process ends.

Python removes it on a normal exit. ``cli.main.program`` does not wait for that and calls ``remove_sockets``. After a
process was killed, the fork server removes it: it ends when no process is left that could ask for workers.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import util

_VARIABLE = "DEEPCONSENSUS_PY_SOCKETS"

_LONGEST, _SHORT = 107 - len("/pymp-12345678/listener-12345678"), "/tmp"  # noqa: S108 - a new folder is made there
"""Longest folder name in bytes (``sun_path`` has 108 with the final zero, unix(7)), and the folder used instead."""

_folders: set[str] = set()


@contextmanager
def announced() -> Iterator[None]:
    """Tell a fork server that is started in the block the folder of its socket."""
    folder = _folder()
    _folders.add(folder)
    os.environ[_VARIABLE] = folder
    try:
        yield
    finally:
        os.environ.pop(_VARIABLE, None)


def _folder() -> str:
    """The folder that multiprocessing uses, in ``$TMPDIR`` unless that is too long for a socket address."""
    given = tempfile.gettempdir()
    if len(os.fsencode(given)) > _LONGEST:
        tempfile.tempdir = _SHORT
    try:
        return util.get_temp_dir()
    finally:
        tempfile.tempdir = given


def remove_sockets() -> None:
    """Remove the folder, if there is one; no worker can be started after that."""
    while _folders:
        shutil.rmtree(_folders.pop(), ignore_errors=True)


if folder := os.environ.pop(_VARIABLE, ""):
    # This is the fork server: its workers end without running atexit handlers.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
