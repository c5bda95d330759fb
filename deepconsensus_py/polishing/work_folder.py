"""The folder beside an output that holds what is done of it, until all files take their names; one process has it."""

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
from deepconsensus_py.polishing.outputs import Pieces, Stored, Targets

log = logging.getLogger(__name__)

LOCK = "lock"

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


SUFFIX = ".unfinished"
OWN = ("reads", "failed", "molecules", "report", "piece-", journals.NAME)
"""How the names of all files in the folder begin, but for the lock; the journal goes when the others have gone."""


def folder_of(output: Path) -> Path:
    """The folder of an output: beside the file itself where the output is a link."""
    target = Path(os.path.realpath(output))
    return target.with_name(target.name + SUFFIX)


class Unfinished:
    """What is done of a run; made by ``claimed``.

    Attributes:
        folder: where it lies.
        journal: what is stored for good, or None where nothing is.
    """

    def __init__(self, targets: Targets, identity: Mapping[str, Any], lock: FolderLock) -> None:
        self.folder = folder_of(targets.output)
        self.journal = read_journal(self.folder)
        self._targets, self._identity, self._lock = targets, identity, lock

    @property
    def molecules(self) -> int:
        """How many molecules are done."""
        return self.journal.molecules if self.journal else 0

    @property
    def complete(self) -> bool:
        """Whether there is nothing left but ``deliver``."""
        return self.journal is not None and self.journal.complete

    def pieces(self, header: pysam.AlignmentHeader, *, threads: int) -> Pieces:
        """The growing files, cut back to what is stored.

        Args:
            header: of the reads, where they have none yet.
            threads: for compression of BAM.

        Raises:
            OutputError: a file cannot be written.
        """
        earlier = self.journal.files if self.journal else {}
        return Pieces(self.folder, self._targets, earlier, header, threads=threads)

    def commit(self, files: Mapping[str, Stored], report: Mapping[str, Any], *, complete: bool = False) -> None:
        """Count what has been stored: it will not be done again.

        Args:
            files: what is stored of each file, by name.
            report: of the run so far.
            complete: whether this is all.

        Raises:
            OutputError: the journal cannot be written.
        """
        self._lock.require()
        journal = Journal(self._identity, self._targets.places(), report, files, complete)
        write_journal(self.folder, journal)
        self.journal = journal

    def deliver(self) -> None:
        """Give all files their names, the reads last; what has its name already is left.

        Raises:
            OutputError: a file cannot be moved; it stays, with those behind it.
        """
        self._lock.require()
        for name in self._waiting():
            give_name(self.folder / name, self._targets.finals()[name])
        self._clear()

    def require_fit(self, *, resume: bool) -> None:
        """Let what an earlier run has left be resumed, or refuse it.

        Raises:
            InputError: a file is damaged or lost.
            OutputError: it is not to be resumed, or of another run.
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
                "delete that folder to start over"
            )
        if found := differences(self.journal.identity, self._identity) or self._other_places(self.journal):
            raise OutputError(
                f"{self.folder}: is of another run ({found}); resume with the options of that run, or delete that "
                "folder to start over"
            )
        for name in self.journal.places if self.complete else self.journal.files:
            if not self._delivered(name):
                self.journal.files[name].require(self.folder / name)

    def leave(self) -> None:
        """Say where to go on, or remove the folder where nothing is worth it."""
        if not self._lock.held():
            return
        # What is on the disk counts: the run may have been ended between writing a journal and hearing of it.
        self.journal = read_journal(self.folder)
        if self.journal is None or not can_be_resumed(self._identity):
            with suppress(OSError, OutputError):
                self._clear()
                (self.folder / LOCK).unlink()
                self.folder.rmdir()
            return
        log.warning(
            "%d ZMWs are finished and kept in %s; repeat the command with --resume to continue",
            self.molecules,
            self.folder,
        )

    def _other_places(self, journal: Journal) -> str:
        """Which final paths differ from an earlier run's, in words."""
        now = self._targets.places()
        return ", ".join(
            f"{name} for {then}, now {now.get(name)}" for name, then in journal.places.items() if then != now[name]
        )

    def _delivered(self, name: str) -> bool:
        """Whether a finished file has taken its final name."""
        final = self._targets.finals().get(name)
        if self.journal is None or final is None or (self.folder / name).exists():
            return False
        return is_stream(final) or (final.is_file() and final.stat().st_size == self.journal.files[name].size)

    def _waiting(self) -> list[str]:
        """Names of the finished files that have not taken their final names."""
        return [name for name in self.journal.places if (self.folder / name).exists()] if self.journal else []

    def _clear(self) -> None:
        with writing(self.folder):
            for start in OWN:
                for path in sorted(self.folder.glob(f"{start}*"), reverse=True):
                    path.unlink()
        self.journal = None


@contextmanager
def claimed(targets: Targets, identity: Mapping[str, Any], *, resume: bool) -> Iterator[Unfinished]:
    """What is done of a run, for this process alone; it stays when the block fails, unless it is nothing.

    Args:
        targets: the run's outputs.
        identity: what decides its records; see ``polishing.journal``.
        resume: go on with what an earlier run has left.

    Raises:
        InputError: the journal or a file of an earlier run is damaged.
        OutputError: an earlier run has left something that is not to be gone on with, or was another run; one is at
            work there now; or the folder cannot be made.
    """
    for path in (targets.output, targets.failed):
        if path is not None and not is_stream(path):
            require_place(path)
    folder = folder_of(targets.output)
    with writing(targets.output):
        folder.mkdir(exist_ok=True)
    with FolderLock(folder) as lock:
        unfinished = Unfinished(targets, identity, lock)
        unfinished.require_fit(resume=resume)
        if unfinished.journal:
            log.info("resuming an unfinished run: %d ZMWs are finished", unfinished.molecules)
        try:
            yield unfinished
        finally:
            unfinished.leave()
