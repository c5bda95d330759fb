"""A folder that one process at a time writes in."""

import errno
import fcntl
import os
from pathlib import Path
from typing import Self

from deepconsensus_py.errors import OutputError
from deepconsensus_py.pacbio.outputs import writing

NAME = "lock"

_WITHOUT_LOCKS = frozenset({errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK, errno.EINVAL})
"""What disks say that know no locks."""


class FolderLock:
    """A file in a folder that one process holds at a time; where the disk knows no locks, every one does.

    Args:
        folder: the folder.

    Raises:
        OutputError: another process holds it, or the file cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        with writing(folder):
            self._place = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(self._place, folder)
            self.require()
        except BaseException:
            os.close(self._place)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._place)

    def held(self) -> bool:
        """Whether the file is still the one that was locked: its folder may have been removed, or made anew."""
        try:
            return os.path.samestat(os.fstat(self._place), self._path.stat())
        except OSError:
            return False

    def require(self) -> None:
        """Refuse to go on where it is not.

        Raises:
            OutputError: it is another, or gone.
        """
        if not self.held():
            raise OutputError(f"{self._path.parent}: was removed while a run was writing there; run anew")


def _lock(place: int, folder: Path) -> None:
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as fault:
        raise OutputError(f"{folder}: another run is writing there; wait for it, or write elsewhere") from fault
    except OSError as fault:
        if fault.errno not in _WITHOUT_LOCKS:
            raise
