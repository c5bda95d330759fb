"""The folder beside an output that holds an unfinished run, until its files get their final names.

Finished ZMWs survive whatever ends a run, and nothing unfinished ever has the name of an output. A lock keeps two runs
from writing into one folder.
"""

import errno
import fcntl
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import pysam

from deepconsensus_py.errors import OutputError
from deepconsensus_py.files import give_name, is_stream, require_place, writing
from deepconsensus_py.polishing import journal as journals
from deepconsensus_py.polishing.journal import Journal, can_be_resumed, differences, read_journal, write_journal
from deepconsensus_py.polishing.outputs import RunFiles, Stored, Targets

log = logging.getLogger(__name__)

LOCK = "lock"

_WITHOUT_LOCKS = frozenset({errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK, errno.EINVAL})
"""Errors of file systems without locks."""


class FolderLock:
    """A lock file that one process holds at a time; without effect on file systems that have no locks.

    Args:
        folder: the folder.

    Raises:
        OutputError: another process holds it, or the file cannot be created.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK
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
        """Whether the file is still the one that was locked; its folder may have been removed or replaced."""
        try:
            return os.path.samestat(os.fstat(self._place), self._path.stat())
        except OSError:
            return False

    def require(self) -> None:
        """Check that the lock is still held.

        Raises:
            OutputError: it is not.
        """
        if not self.held():
            raise OutputError(f"{self._path.parent}: was removed while a run was writing to it; start again")


def _lock(place: int, folder: Path) -> None:
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as fault:
        raise OutputError(
            f"{folder}: another run is writing this output; wait for it, or choose another output"
        ) from fault
    except OSError as fault:
        if fault.errno not in _WITHOUT_LOCKS:
            raise


SUFFIX = ".unfinished"
OWN = ("reads", "failed", "molecules", "report", "piece-", journals.NAME)
"""Prefixes of the names of all files in the folder but the lock; the journal is deleted last."""


def folder_of(output: Path) -> Path:
    """The work folder of an output; of a symbolic link, beside the file that it points to."""
    target = Path(os.path.realpath(output))
    return target.with_name(target.name + SUFFIX)


class WorkFolder:
    """An unfinished run on disk; made by ``claimed``.

    Attributes:
        folder: its folder.
        journal: the last checkpoint, or None before the first.
    """

    def __init__(self, targets: Targets, identity: Mapping[str, Any], lock: FolderLock) -> None:
        self.folder = folder_of(targets.output)
        self.journal = read_journal(self.folder)
        self._targets, self._identity, self._lock = targets, identity, lock

    @property
    def molecules(self) -> int:
        """Number of finished ZMWs."""
        return self.journal.molecules if self.journal else 0

    @property
    def complete(self) -> bool:
        """Whether only ``deliver`` is left to do."""
        return self.journal is not None and self.journal.complete

    def open_files(self, header: pysam.AlignmentHeader, *, threads: int) -> RunFiles:
        """The output files, cut back to the last checkpoint.

        Args:
            header: BAM header of the reads, for files that have none yet.
            threads: for compression of BAM.

        Raises:
            OutputError: a file cannot be written.
        """
        earlier = self.journal.files if self.journal else {}
        return RunFiles(self.folder, self._targets, earlier, header, threads=threads)

    def commit(self, files: Mapping[str, Stored], report: Mapping[str, Any], *, complete: bool = False) -> None:
        """Write a checkpoint: what it covers will not be polished again.

        Args:
            files: size and checksum of each file, by name.
            report: of the run so far.
            complete: whether the run is finished.

        Raises:
            OutputError: the journal cannot be written.
        """
        self._lock.require()
        journal = Journal(self._identity, self._targets.places(), report, files, complete)
        write_journal(self.folder, journal)
        self.journal = journal

    def deliver(self) -> None:
        """Move all files to their final paths, the reads last; a file that has been moved already is skipped.

        Raises:
            OutputError: a file cannot be moved; it and the following ones stay.
        """
        self._lock.require()
        for name in self._waiting():
            give_name(self.folder / name, self._targets.finals()[name])
        self._clear()

    def require_fit(self, *, resume: bool) -> None:
        """Check that an earlier run, if there is one, can be resumed.

        Raises:
            InputError: a file is damaged or missing.
            OutputError: resuming was not asked for, or the inputs or options have changed.
        """
        if self.journal is None:
            return
        if not can_be_resumed(self.journal.identity):
            self._clear()
            return
        if not resume:
            if self.complete and not self._waiting():
                self._clear()
                return
            raise OutputError(
                f"{self.folder}: found an unfinished run with {self.molecules} ZMWs; use --resume to continue it, or "
                "delete the folder to start over"
            )
        if found := differences(self.journal.identity, self._identity) or self._other_places(self.journal):
            raise OutputError(
                f"{self.folder}: cannot resume, the run was started with other inputs or options ({found}); use those, "
                "or delete the folder to start over"
            )
        for name in self.journal.places if self.complete else self.journal.files:
            if not self._delivered(name):
                self.journal.files[name].require(self.folder / name)

    def leave(self) -> None:
        """Log how to resume, or remove the folder if it holds nothing."""
        if not self._lock.held():
            return
        # Read from disk: an interrupt may have come after the journal was written and before it was assigned here.
        self.journal = read_journal(self.folder)
        if self.journal is None or not can_be_resumed(self._identity):
            with suppress(OSError, OutputError):
                self._clear()
                (self.folder / LOCK).unlink()
                self.folder.rmdir()
            return
        log.warning(
            "%d finished ZMWs are kept in %s; repeat the command with --resume to continue",
            self.molecules,
            self.folder,
        )

    def _other_places(self, journal: Journal) -> str:
        """Description of the final paths that differ from the earlier run's."""
        now = self._targets.places()
        return ", ".join(
            f"{name} was {then}, now {now.get(name)}" for name, then in journal.places.items() if then != now[name]
        )

    def _delivered(self, name: str) -> bool:
        """Whether a finished file has been moved to its final path."""
        final = self._targets.finals().get(name)
        if self.journal is None or final is None or (self.folder / name).exists():
            return False
        return is_stream(final) or (final.is_file() and final.stat().st_size == self.journal.files[name].size)

    def _waiting(self) -> list[str]:
        """Names of the finished files that have not been moved yet."""
        return [name for name in self.journal.places if (self.folder / name).exists()] if self.journal else []

    def _clear(self) -> None:
        with writing(self.folder):
            for start in OWN:
                for path in sorted(self.folder.glob(f"{start}*"), reverse=True):
                    path.unlink()
        self.journal = None


@contextmanager
def claimed(targets: Targets, identity: Mapping[str, Any], *, resume: bool) -> Iterator[WorkFolder]:
    """The work folder of an output, locked for this process; if the block fails, finished ZMWs stay in it.

    Args:
        targets: the run's outputs.
        identity: everything that its records depend on; see ``polishing.journal``.
        resume: continue an unfinished run.

    Raises:
        InputError: the journal or a file of the unfinished run is damaged.
        OutputError: an unfinished run was found without ``resume``, or with other inputs or options; another run is
            writing there; or the folder cannot be created.
    """
    for path in (targets.output, targets.failed):
        if path is not None and not is_stream(path):
            require_place(path)
    folder = folder_of(targets.output)
    with writing(targets.output):
        folder.mkdir(exist_ok=True)
    with FolderLock(folder) as lock:
        work = WorkFolder(targets, identity, lock)
        work.require_fit(resume=resume)
        if work.journal:
            log.info("resuming an unfinished run: %d ZMWs already finished", work.molecules)
        try:
            yield work
        finally:
            work.leave()
