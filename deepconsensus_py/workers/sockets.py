"""The folder in which the fork server's socket lies: it is removed however a process ends.

Python removes it when it takes itself down. ``cli.main.program`` does not wait for that and calls ``remove_sockets``. A
process that is killed does neither: then the fork server removes it, which ends when nobody is left to ask for workers.
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
"""Bytes of a folder, as the 108 of ``sun_path`` end with a zero (unix(7)), and what stands in for a longer one."""

_folders: set[str] = set()


@contextmanager
def announced() -> Iterator[None]:
    """Tell a fork server that is started in the block where its socket lies."""
    folder = _folder()
    _folders.add(folder)
    os.environ[_VARIABLE] = folder
    try:
        yield
    finally:
        os.environ.pop(_VARIABLE, None)


def _folder() -> str:
    """The folder that multiprocessing uses, in ``$TMPDIR`` unless that is too long for the address of a socket."""
    given = tempfile.gettempdir()
    if len(os.fsencode(given)) > _LONGEST:
        tempfile.tempdir = _SHORT
    try:
        return util.get_temp_dir()
    finally:
        tempfile.tempdir = given


def remove_sockets() -> None:
    """Remove the folder, if there is one; no worker can be started any more."""
    while _folders:
        shutil.rmtree(_folders.pop(), ignore_errors=True)


if folder := os.environ.pop(_VARIABLE, ""):
    # This is the fork server: its workers end without looking at what is registered here.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
