"""Opening input files: what a file is, is found by looking into it; what is wrong with it is said in one sentence."""

import gzip
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from deepconsensus_py.errors import InputError

_GZIP_MAGIC = b"\x1f\x8b"
_LOOKED_AT = 4096


class Kind(Enum):
    """What an input file is."""

    BAM = "BAM"
    SAM = "SAM"
    CRAM = "CRAM"
    FASTQ = "FASTQ"
    FASTA = "FASTA"


RECORD_KINDS = frozenset({Kind.BAM, Kind.SAM, Kind.CRAM})


Paths = Path | Sequence[Path]
"""A file, or several that are read one after the other; each may be a file of file names (``.fofn``)."""


def as_paths(paths: Paths | None) -> list[Path]:
    """The files as they were given."""
    if paths is None:
        return []
    return [paths] if isinstance(paths, Path) else list(paths)


def expand_paths(paths: Paths | None) -> list[Path]:
    """Replace each file of file names (``.fofn``) by the files it names, one to a line, relative to its own folder.

    Raises:
        InputError: a file of file names cannot be read or names nothing, or a file is named twice.
    """
    expanded = [path for given in as_paths(paths) for path in (_fofn(given) if given.suffix == ".fofn" else [given])]
    require_once(expanded)
    return expanded


def require_once(paths: Iterable[Path]) -> None:
    """Refuse a file that is given twice: its molecules would count twice.

    Raises:
        InputError: two of the paths lead to the same file.
    """
    seen: set[str] = set()
    for path in paths:
        place = os.path.realpath(path)
        if place in seen:
            raise InputError(f"{path}: is given twice; give each file once")
        seen.add(place)


def _fofn(path: Path) -> list[Path]:
    with reading(path):
        lines = [line.strip() for line in path.read_text().splitlines()]
    named = [path.parent / line for line in lines if line and not line.startswith("#")]
    if not named:
        raise InputError(f"{path}: names no file; write one file name to a line")
    return named


def kind_of(path: Path) -> Kind:
    """What a file is, by its first bytes.

    Raises:
        InputError: it is missing, unreadable, empty, or none of the known kinds.
    """
    with reading(path):
        start = _first_bytes(path)
    if not start:
        raise InputError(f"{path}: the file is empty")
    if start.startswith(b"BAM\1"):
        return Kind.BAM
    if start.startswith(b"CRAM"):
        return Kind.CRAM
    if start.startswith(b">"):
        return Kind.FASTA
    if start.startswith(b"@"):
        first_line = start.split(b"\n", 1)[0]
        return Kind.SAM if first_line[1:4] in {b"HD\t", b"SQ\t", b"RG\t", b"PG\t", b"CO\t"} else Kind.FASTQ
    if start.lstrip().startswith(b"<?xml"):
        raise InputError(f"{path}: is a dataset XML; give the BAM files that it names")
    raise InputError(f"{path}: is not a BAM, SAM, CRAM, FASTQ or FASTA file")


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        start = file.read(_LOOKED_AT)
    if not start.startswith(_GZIP_MAGIC):
        return start
    with gzip.open(path) as compressed:
        return compressed.read(_LOOKED_AT)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong while a file is read into one sentence.

    Raises:
        InputError: missing, unreadable or damaged.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except IsADirectoryError as error:
        raise InputError(f"{path}: is a folder, not a file") from error
    except PermissionError as error:
        raise InputError(f"{path}: may not be read (permission denied)") from error
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise InputError(f"{path}: is truncated or damaged ({error}); copy or make it again") from error
