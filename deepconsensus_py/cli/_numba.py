"""Where numba keeps compiled code."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "NUMBA_CACHE_DIR"


@contextmanager
def provided_cache() -> Iterator[None]:
    """Give numba a folder of this run where it finds none: neither the package nor the home folder can be written.

    So it is in containers that run under the caller's user id; numba would refuse to import the compiled modules. The
    folder is nobody else's, for what lies in a cache is run.
    """
    usual = (Path(__file__).parents[1], Path("~").expanduser())
    if VARIABLE in os.environ or any(os.access(folder, os.W_OK) for folder in usual):
        yield
        return
    import tempfile

    with tempfile.TemporaryDirectory(prefix="deepconsensus-py-", ignore_cleanup_errors=True) as folder:
        os.environ[VARIABLE] = folder
        _tell()
        yield


def _tell() -> None:
    print(
        "compiled code cannot be kept, as neither the installation nor the home folder can be written; to save the ten "
        f"seconds that it takes each time, set {VARIABLE} to a folder of yours",
        file=sys.stderr,
    )
