"""Output files that take their name only when they are complete."""

import errno
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deepconsensus_py.errors import OutputError

STDOUT = "-"

_WRITE_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.ENXIO, errno.ESTALE})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


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
        if path.exists() and not path.is_file():
            continue
        place = os.path.realpath(path)
        if place in read:
            raise OutputError(f"{path}: is an input of this command, which it would replace; write elsewhere")
        if place in written:
            raise OutputError(f"{path}: is given for two outputs; give each its own file")
        written.add(place)


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
    if target.exists() and not (target.is_file() or target.is_dir()):
        yield target
        return
    with writing(path):
        temporary = _new_file(path, target)
    try:
        try:
            yield temporary
        except OSError as error:
            if error.errno in _WRITE_ERRORS or error.filename == str(temporary):
                raise _sentence(path, error) from error
            raise
        with writing(path):
            _flush_to_disk(temporary)
            temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _new_file(path: Path, target: Path) -> Path:
    if target.is_dir():
        raise OutputError(f"{path}: is a folder; give a file name")
    if not target.parent.is_dir():
        raise OutputError(f"{path}: there is no folder {path.parent}; make it first")
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    # Not tempfile.mkstemp: the finished file must have the permissions that the user's umask gives.
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    return temporary


def _flush_to_disk(path: Path) -> None:
    """Let network file systems report now what they could not store."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


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
    # Errors of htslib come without a number, and their words say nothing to a user.
    reason = f" ({error.strerror})" if error.strerror else ""
    guess = "has the program that reads it ended?" if str(path) == shown(Path(STDOUT)) else "is the disk full?"
    return OutputError(f"{path}: cannot be written{reason}; {guess}")
