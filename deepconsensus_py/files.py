"""Output files that take their name only when they are complete."""

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
    """What messages call an output."""
    return "standard output" if str(path) == STDOUT else str(path)


def require_apart(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Refuse to write over what is read, and two outputs into one file.

    Raises:
        OutputError: an output is an input, or another output; ``/dev/null`` and the like may be several.
    """
    read = {os.path.realpath(path) for path in inputs}
    written: set[str] = set()
    for path in outputs:
        if str(path) == STDOUT or (path.exists() and not path.is_file()):
            continue
        place = os.path.realpath(path)
        if place in read:
            raise OutputError(f"{path}: is an input of this command, which it would replace; write elsewhere")
        if place in written:
            raise OutputError(f"{path}: is given for two outputs; give each its own file")
        written.add(place)


def is_stream(path: Path) -> bool:
    """Whether what is written there is gone for us: standard output, ``/dev/null``, a named pipe."""
    return str(path) == STDOUT or (path.exists() and not (path.is_file() or path.is_dir()))


def require_place(path: Path) -> None:
    """Refuse a file name that is a folder's, or whose folder is not there or locked.

    Raises:
        OutputError: it is so.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise OutputError(f"{path}: is a folder; give a file name")
    if not target.parent.is_dir():
        raise OutputError(f"{path}: output directory {path.parent} does not exist")
    if not os.access(target.parent, os.W_OK):
        raise OutputError(f"{path}: may not be written there; write elsewhere")


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary file to write into, in the same folder, that replaces ``path`` when the block ends well.

    When the block fails, or is interrupted, the temporary file is removed and ``path`` stays as it was. What is not a
    regular file (``/dev/null``, a named pipe, ``-`` for standard output) is written to directly.

    Raises:
        OutputError: the file cannot be made, written or moved to its place.
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
    """Move a finished file to its name: at once where that is on the same disk; into a stream, its content.

    Args:
        part: the file; it is gone when all is done, and only then.
        path: its name, or a stream.

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
    # Not tempfile.mkstemp: the finished file must have the permissions that the user's umask gives.
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    return temporary


def flush_to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, are stored; network file systems report only then what was not."""
    place = os.open(path, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


@contextmanager
def writing(path: Path | str) -> Iterator[None]:
    """Turn whatever goes wrong while a file is written into one sentence.

    Raises:
        OutputError: an ``OSError`` was raised in the block.
    """
    try:
        yield
    except OSError as error:
        raise _sentence(path, error) from error


def _sentence(path: Path | str, error: OSError) -> OutputError:
    if error.errno in _FULL:
        return OutputError(f"{path}: the disk is full or its quota used up; make room or write elsewhere")
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return OutputError(f"{path}: may not be written there ({error.strerror}); write elsewhere")
    if error.errno in _GONE:
        return OutputError(f"{path}: the folder that it was being written in is gone; make it again and run anew")
    # Errors of htslib come without a number, and their words say nothing to a user.
    reason = f" ({error.strerror})" if error.strerror else ""
    guess = "has the program that reads it ended?" if str(path) == shown(Path(STDOUT)) else "is the disk full?"
    return OutputError(f"{path}: cannot be written{reason}; {guess}")
