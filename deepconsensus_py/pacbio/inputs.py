"""Input files: detection of their kind by content, lists of file names, and messages for what is wrong with them."""

import codecs
import gzip
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from deepconsensus_py.errors import DeepConsensusError, InputError
from deepconsensus_py.pacbio.dataset import SUFFIX, DataSet, RecordFilter, local_file, parse_dataset
from deepconsensus_py.pacbio.pipes import LOOKED_AT, called, is_pipe, pipe_at, place_of, require_rereadable

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 31
"""How zlib is told to expect a gzip header."""

FOFN = ".fofn"
"""Ending of a file of file names."""


class Kind(Enum):
    """Format of an input file."""

    BAM = "BAM"
    SAM = "SAM"
    CRAM = "CRAM"
    FASTQ = "FASTQ"
    FASTA = "FASTA"


RECORD_KINDS = frozenset({Kind.BAM, Kind.SAM, Kind.CRAM})


Paths = str | Path | Sequence[str | Path]
"""A file, or several that are read one after the other; each may be a file of file names (``.fofn``) or a data set
(``.xml``)."""


def as_paths(paths: Paths | None) -> list[Path]:
    """The files as they were given."""
    if paths is None:
        return []
    return [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]


def is_dataset(path: Path) -> bool:
    """Whether a file is a dataset XML, by its name."""
    return path.suffix.lower() == SUFFIX


def read_dataset(path: Path) -> DataSet:
    """Read a dataset XML.

    Raises:
        InputError: it cannot be read, or used; see ``dataset.parse_dataset``.
    """
    with reading(path):
        data = path.read_bytes()
    return parse_dataset(data, path)


def record_filters(paths: Paths | None) -> dict[Path, RecordFilter]:
    """The filters of data sets, by the BAM files whose records they choose; files without a filter are not there.

    Raises:
        InputError: as ``read_dataset``.
    """
    sets = (read_dataset(path) for path in as_paths(paths) if is_dataset(path))
    return {file: one.filter for one in sets if one.filter for file in one.files}


def expand_paths(paths: Paths | None, *, pipes: bool = False) -> list[Path]:
    """Replace each file of file names (``.fofn``) or data set (``.xml``) by the files listed in it, in order.

    Args:
        paths: the files.
        pipes: accept pipes; the caller must read each file only once.

    Raises:
        InputError: a list of files cannot be read or is empty, a file is given twice, or is a pipe.
    """
    expanded = [path for given in as_paths(paths) for path in _listed(given)]
    require_once(expanded, pipes=pipes)
    return expanded


def require_once(paths: Iterable[Path], *, pipes: bool = False) -> None:
    """Refuse a file that is given twice: its molecules would count twice. Pipes are refused as well, unless allowed.

    Raises:
        InputError: two of the paths lead to the same file, or one to a pipe.
    """
    seen: set[str] = set()
    for path in paths:
        if not pipes:
            require_rereadable(path)
        place = place_of(path)
        if place in seen:
            raise InputError(f"{called(path)}: given twice; give each file once")
        seen.add(place)


def _listed(path: Path) -> Sequence[Path]:
    if is_dataset(path):
        return read_dataset(path).files
    return _fofn(path) if path.suffix == FOFN else [path]


def _fofn(path: Path) -> list[Path]:
    """The files listed in a file of file names, one per line, relative to its folder.

    Lines may be quoted, or ``file://`` URLs; blank lines and lines starting with ``#`` are ignored. Names are bytes, as
    in the file system, whatever their encoding.
    """
    with reading(path):
        lines = path.read_bytes().removeprefix(codecs.BOM_UTF8).splitlines()
    if lines and lines[0].startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputError(f"{path}: is UTF-16 text; save it as UTF-8")
    names = [_unquoted(os.fsdecode(line.strip())) for line in lines]
    named = [_local(path, name) for name in names if name and not name.startswith("#")]
    if not named:
        raise InputError(f"{path}: lists no files; write one file name per line")
    if nested := next((file for file in named if file.suffix == FOFN or is_dataset(file)), None):
        raise InputError(f"{path}: lists {nested}, which is a list of files itself; list its files instead")
    return named


def _unquoted(line: str) -> str:
    return line[1:-1] if len(line) > 1 and line[0] == line[-1] and line[0] in "\"'" else line


def _local(fofn: Path, name: str) -> Path:
    return local_file(fofn, name) or fofn.parent / name


def kind_of(path: Path) -> Kind:
    """The format of a file, by its first bytes; those of a pipe are kept for its reader.

    Raises:
        InputError: it is missing, unreadable, empty, or none of the known kinds.
    """
    with reading(path):
        start = _first_bytes(path)
    if not start:
        raise InputError(f"{called(path)}: the file is empty")
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
        raise InputError(f"{path}: is XML; give BAM files, or a dataset XML whose name ends in .xml")
    raise InputError(f"{called(path)}: is not a BAM, SAM, CRAM, FASTQ or FASTA file")


def _first_bytes(path: Path) -> bytes:
    if pipe := pipe_at(path):
        packed = pipe.start.startswith(_GZIP_MAGIC)
        return zlib.decompressobj(_GZIP_WINDOW).decompress(pipe.start, LOOKED_AT) if packed else pipe.start
    with path.open("rb") as file:
        start = file.read(LOOKED_AT)
    if not start.startswith(_GZIP_MAGIC):
        return start
    with gzip.open(path) as compressed:
        return compressed.read(LOOKED_AT)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn the errors of reading a file into messages for the user.

    Raises:
        InputError: missing, unreadable or damaged.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except IsADirectoryError as error:
        raise InputError(f"{path}: is a directory, not a file") from error
    except PermissionError as error:
        raise InputError(f"{path}: cannot be read (permission denied)") from error
    except (OSError, EOFError, ValueError, zlib.error) as error:
        if is_pipe(path):
            raise InputError(
                f"{called(path)}: ended early, or is damaged ({error}); has its program failed?"
            ) from error
        raise InputError(f"{path}: is truncated or damaged ({error}); copy or make it again") from error


@contextmanager
def understanding(path: Path | str, what: str) -> Iterator[None]:
    """Turn the errors of parsing a file's content into messages for the user.

    Damage can raise any exception, of Python or of a library: missing keys, wrong types, numbers out of range, unknown
    compression methods.

    Args:
        path: the file, or a part of it.
        what: what it should be, as in ``"a feature shard; write it again with 'encode'"``.

    Raises:
        InputError: anything but one of our own errors was raised in the block.
    """
    try:
        yield
    except DeepConsensusError:
        raise
    except Exception as fault:
        raise InputError(f"{path}: is damaged ({type(fault).__name__}: {fault}), or not {what}") from fault
