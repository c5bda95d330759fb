"""Output files that get their name only when they are complete."""

import errno
import os
import secrets
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deepconsensus_py.errors import OutputError

STDOUT = "-"

_WRITE_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.ENXIO, errno.ESTALE})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ESTALE})


def shown(path: Path) -> str:
    """The name of an output in messages."""
    return "standard output" if str(path) == STDOUT else str(path)


def require_apart(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Refuse outputs that would overwrite an input or each other.

    Raises:
        OutputError: an output is an input, or is given twice; only ``/dev/null`` and the like may be.
    """
    read = {os.path.realpath(path) for path in inputs}
    written: set[str] = set()
    for path in outputs:
        if str(path) == STDOUT or (path.exists() and not path.is_file()):
            continue
        place = os.path.realpath(path)
        if place in read:
            raise OutputError(f"{path}: is also an input and would be overwritten; choose another output")
        if place in written:
            raise OutputError(f"{path}: is given for two outputs; give each its own file name")
        written.add(place)


def is_stream(path: Path) -> bool:
    """Whether a path is not a regular file: standard output, ``/dev/null``, a named pipe."""
    return str(path) == STDOUT or (path.exists() and not (path.is_file() or path.is_dir()))


def require_place(path: Path) -> None:
    """Check that a file can be created at a path.

    Raises:
        OutputError: the path is a directory, or its directory does not exist or is not writable.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise OutputError(f"{path}: is a directory; give a file name")
    if not target.parent.is_dir():
        raise OutputError(f"{path}: output directory {path.parent} does not exist")
    if not os.access(target.parent, os.W_OK):
        raise OutputError(f"{path}: output directory {path.parent} is not writable")


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary file in the same folder, which replaces ``path`` if the block succeeds.

    If the block fails or is interrupted, the temporary file is removed and ``path`` is unchanged. Anything but a
    regular file (``/dev/null``, a named pipe, ``-`` for standard output) is written to directly.

    Raises:
        OutputError: the file cannot be created, written or renamed.
    """
    if str(path) == STDOUT:
        yield path
        return
    target = Path(os.path.realpath(path))
    if is_stream(target):
        yield target
        return
    require_place(path)
    with writing(path):
        temporary = _new_file(target)
    try:
        try:
            yield temporary
        except OSError as error:
            if error.errno in _WRITE_ERRORS or error.filename == str(temporary):
                raise _sentence(path, error) from error
            raise
        with writing(path):
            flush_to_disk(temporary)
            temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def give_name(part: Path, path: Path) -> None:
    """Move a finished file to its final path: by renaming on the same disk, else by copying; or copy it to a stream.

    Args:
        part: the file; removed once everything is written.
        path: its final path, or a stream.

    Raises:
        OutputError: it cannot be moved.
    """
    if is_stream(path):
        with writing(path), part.open("rb") as source:
            if str(path) == STDOUT:
                shutil.copyfileobj(source, sys.stdout.buffer)
            else:
                with path.open("wb") as target:
                    shutil.copyfileobj(source, target)
            part.unlink()
        return
    try:
        part.replace(os.path.realpath(path))
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise _sentence(path, error) from error
        with atomic_path(path) as temporary:
            shutil.copyfile(part, temporary)
        part.unlink()


def _new_file(target: Path) -> Path:
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    # Not tempfile.mkstemp, which creates files with mode 0600: the umask decides the permissions of an output.
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    return temporary


def flush_to_disk(path: Path) -> None:
    """Flush a file, or the names in a folder, to disk; some network file systems report write errors only then."""
    place = os.open(path, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


@contextmanager
def writing(path: Path | str) -> Iterator[None]:
    """Turn the errors of writing a file into messages for the user.

    Raises:
        OutputError: an ``OSError`` was raised in the block.
    """
    try:
        yield
    except OSError as error:
        raise _sentence(path, error) from error


def _sentence(path: Path | str, error: OSError) -> OutputError:
    if error.errno in _FULL:
        return OutputError(f"{path}: disk is full or quota exceeded; free some space or choose another output")
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return OutputError(f"{path}: cannot be written ({error.strerror}); choose another output")
    if error.errno in _GONE:
        return OutputError(f"{path}: its directory does not exist (any more)")
    # Errors of htslib come without a number, and with messages that do not help users.
    reason = f" ({error.strerror})" if error.strerror else ""
    guess = "has the reading program ended?" if str(path) == shown(Path(STDOUT)) else "is the disk full?"
    return OutputError(f"{path}: cannot be written{reason}; {guess}")
