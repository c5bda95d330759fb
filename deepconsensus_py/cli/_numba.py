"""Where numba keeps compiled code."""

import os
import sys
from pathlib import Path

VARIABLE = "NUMBA_CACHE_DIR"


def provide_cache() -> None:
    """Give numba a folder of this run where it finds none: neither the package nor the home folder can be written.

    So it is in containers that run under the caller's user id; numba would refuse to import the compiled modules. The
    folder is nobody else's, for what lies in a cache is run.
    """
    usual = (Path(__file__).parents[1], Path("~").expanduser())
    if VARIABLE in os.environ or any(os.access(folder, os.W_OK) for folder in usual):
        return
    import atexit
    import shutil
    import tempfile

    folder = tempfile.mkdtemp(prefix="deepconsensus-py-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ[VARIABLE] = folder
    print(
        "compiled code cannot be kept, as neither the installation nor the home folder can be written; to save the ten "
        f"seconds that it takes each time, set {VARIABLE} to a folder of yours",
        file=sys.stderr,
    )
