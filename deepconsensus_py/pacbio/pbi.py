"""The PacBio BAM index (``.pbi``): a few numbers for every record, stored by column in a BGZF file beside the BAM.

Source: PacBioFileFormats, "PacBio BAM index file (bam.pbi) format". Versions 3.0.1 to 4.x are read, 4.0.0 is written.
"""

import gzip
import struct
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path
from typing import IO, Any

import numpy as np
import pysam
from numpy.typing import NDArray

from deepconsensus_py.errors import InputError
from deepconsensus_py.files import atomic_path, writing
from deepconsensus_py.pacbio.inputs import reading

MAGIC = b"PBI\1"
VERSION = (4, 0, 0)
REMEDY = "make the index again (deepconsensus-py index)"

_OLDEST = (3, 0, 1)
"""Earlier versions had a separate section for context flags."""

_NEWEST = (4, 255, 255)
_FIRST_WITH_INDEL_OPS = (4, 0, 0)
_INDEL_OPS = ("nInsOps", "nDelOps")
_HEADER = struct.Struct("<4sIHI18x")

BASIC = np.dtype(
    [
        ("rgId", "<i4"),
        ("qStart", "<i4"),
        ("qEnd", "<i4"),
        ("holeNumber", "<i4"),
        ("readQual", "<f4"),
        ("ctxtFlag", "u1"),
        ("fileOffset", "<i8"),
    ]
)
MAPPED = np.dtype(
    [
        ("tId", "<i4"),
        ("tStart", "<u4"),
        ("tEnd", "<u4"),
        ("aStart", "<u4"),
        ("aEnd", "<u4"),
        ("revStrand", "u1"),
        ("nM", "<u4"),
        ("nMM", "<u4"),
        ("mapQV", "u1"),
        ("nInsOps", "<u4"),
        ("nDelOps", "<u4"),
    ]
)
REFERENCES = np.dtype([("tId", "<u4"), ("beginRow", "<u4"), ("endRow", "<u4")])
BARCODES = np.dtype([("bcForward", "<i2"), ("bcReverse", "<i2"), ("bcQual", "i1")])

NO_PLACE = 2**32 - 1
"""-1 in an unsigned column."""

UNMAPPED = np.array((-1, NO_PLACE, NO_PLACE, NO_PLACE, NO_PLACE, 0, 0, 0, 255, 0, 0), MAPPED)
UNBARCODED = np.array((-1, -1, -1), BARCODES)

_ROWS = 1 << 16
"""Values held in memory at a time when only some are needed."""

_COPIED = 1 << 20

_RECORDS_OF_BYTE = 2
"""Upper bound: offsets all differ and take about a byte each, however well they compress. Guards against headers that
claim more records than the file can have."""


class Section(IntFlag):
    """Optional sections of an index."""

    MAPPED = 1
    SORTED = 2
    BARCODES = 4


@dataclass(frozen=True, slots=True, eq=False)
class PacBioIndex:
    """An index, or the part of it for some consecutive records.

    Attributes:
        basic: ``BASIC[records]``; ``fileOffset`` is the BGZF virtual offset of the record.
        mapped: ``MAPPED[records]``, without the counts of operations in versions before 4.0.0; None if no record is
            mapped.
        references: ``REFERENCES``, the rows of each reference of a coordinate-sorted BAM, those of unmapped records
            last; None for other files.
        barcodes: ``BARCODES[records]``; None if no record has any.
    """

    basic: NDArray[np.void]
    mapped: NDArray[np.void] | None = None
    references: NDArray[np.void] | None = None
    barcodes: NDArray[np.void] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ColumnPart:
    """Consecutive values of a column.

    Attributes:
        column: its name.
        start: the row of the first value.
        values: in the order of the records.
    """

    column: str
    start: int
    values: NDArray[Any]


def pbi_path(bam: Path) -> Path:
    """The path of the index of a BAM file."""
    return bam.with_name(f"{bam.name}.pbi")


class PbiFile:
    """An index that is read column by column, with bounded memory.

    Attributes:
        path: the file.
        version: of its format.
        tables: that it has, with their row types, in order: ``basic`` and some of ``mapped``, ``references`` and
            ``barcodes``.
        n_records: of the BAM file.
    """

    def __init__(self, path: Path) -> None:
        """Read the header.

        Raises:
            InputError: missing, damaged, or of another kind or version.
        """
        self.path = path
        with reading(path), gzip.open(path) as file:
            header = file.read(_HEADER.size)
        if not header.startswith(MAGIC):
            raise InputError(f"{path}: is not a PacBio BAM index; {REMEDY}")
        if len(header) < _HEADER.size:
            raise self._truncated()
        _, version, flags, self.n_records = _HEADER.unpack(header)
        self.version = (version >> 16, version >> 8 & 0xFF, version & 0xFF)
        if not _OLDEST <= self.version <= _NEWEST:
            found, oldest = (".".join(map(str, v)) for v in (self.version, _OLDEST))
            raise InputError(f"{path}: has format version {found}; versions {oldest} to 4.x are supported; {REMEDY}")
        if self.n_records > _RECORDS_OF_BYTE * path.stat().st_size:
            raise InputError(f"{path}: is too small for {self.n_records} records; {REMEDY}")
        self.tables = _tables(Section(flags & (Section.MAPPED | Section.SORTED | Section.BARCODES)), self.version)

    def blocks(self, wanted: Collection[str]) -> Iterator[ColumnPart]:
        """The values of some columns of all records, in the order of the file.

        Args:
            wanted: names of fields of ``BASIC``, ``MAPPED`` or ``BARCODES``, or ``references`` for that whole table;
                columns that the file lacks are skipped.

        Raises:
            InputError: the file is truncated or damaged.
        """
        left = set(wanted)
        with reading(self.path), gzip.open(self.path) as file:
            self._read(file, _HEADER.size)
            for name, dtype in self._columns():
                if not left:
                    return
                rows = int.from_bytes(self._read(file, 4), "little") if dtype is REFERENCES else self.n_records
                for start in range(0, rows, _ROWS):
                    data = self._read(file, min(_ROWS, rows - start) * dtype.itemsize)
                    if name in left:
                        yield ColumnPart(name, start, np.frombuffer(data, dtype))
                left.discard(name)

    def _columns(self) -> Iterator[tuple[str, np.dtype[Any]]]:
        for table, dtype in self.tables.items():
            if dtype is REFERENCES:
                yield table, dtype
            else:
                yield from ((name, dtype[name]) for name in _names(dtype))

    def _read(self, file: gzip.GzipFile, size: int) -> bytes:
        data = file.read(size)
        if len(data) < size:
            raise self._truncated()
        return data

    def _truncated(self) -> InputError:
        return InputError(f"{self.path}: is truncated; {REMEDY}")


def _tables(sections: Section, version: tuple[int, int, int]) -> dict[str, np.dtype[np.void]]:
    tables = {"basic": BASIC}
    if Section.MAPPED in sections:
        names = [name for name in _names(MAPPED) if version >= _FIRST_WITH_INDEL_OPS or name not in _INDEL_OPS]
        tables["mapped"] = np.dtype([(name, MAPPED[name]) for name in names])
    if Section.SORTED in sections:
        tables["references"] = REFERENCES
    if Section.BARCODES in sections:
        tables["barcodes"] = BARCODES
    return tables


def _names(dtype: np.dtype[np.void]) -> tuple[str, ...]:
    return dtype.names or ()


def read_pbi(path: Path) -> PacBioIndex:
    """A whole index in memory: 29 bytes for each record, 39 more where records are mapped.

    Raises:
        InputError: missing, truncated, or of another kind or version.
    """
    file = PbiFile(path)
    tables = {name: np.empty(file.n_records, dtype) for name, dtype in file.tables.items() if dtype is not REFERENCES}
    columns = {name: table[name] for table in tables.values() for name in _names(table.dtype)}
    references = [np.empty(0, REFERENCES)]
    for block in file.blocks({*columns, "references"}):
        if block.column in columns:
            columns[block.column][block.start : block.start + len(block.values)] = block.values
        else:
            references.append(block.values)
    if "references" in file.tables:
        tables["references"] = np.concatenate(references)
    return PacBioIndex(**tables)


def write_pbi(path: Path, parts: Iterable[PacBioIndex]) -> int:
    """Write an index; the file gets its name only when it is complete. Columns are collected in temporary files.

    Args:
        path: the file, in the folder of the BAM.
        parts: of the index, in the order of the records; ``references`` are those of the last part that has them.

    Returns:
        Number of records.

    Raises:
        OutputError: the file cannot be written.
    """
    n_records = 0
    references = None
    with atomic_path(path) as target, writing(path), ExitStack() as files:
        defaults = (np.zeros((), BASIC), UNMAPPED, UNBARCODED)
        basic, mapped, barcodes = (_Spool(default, target.parent, files) for default in defaults)
        for part in parts:
            size = len(part.basic)
            basic.add(part.basic, size)
            mapped.add(part.mapped, size)
            barcodes.add(part.barcodes, size)
            references = part.references if part.references is not None else references
            n_records += size
        sections = (mapped.present, references is not None, barcodes.present)
        flags = sum(flag for flag, present in zip(Section, sections, strict=True) if present)
        major, minor, patch = VERSION
        with pysam.BGZFile(str(target), "wb", None) as file:
            file.write(_HEADER.pack(MAGIC, major << 16 | minor << 8 | patch, flags, n_records))
            basic.copy(file)
            mapped.copy(file)
            if references is not None:
                file.write(len(references).to_bytes(4, "little") + references.astype(REFERENCES).tobytes())
            barcodes.copy(file)
    return n_records


class _Spool:
    """The columns of a section while they are collected, each in an anonymous temporary file.

    Attributes:
        present: whether any record has values of its own.
    """

    def __init__(self, default: NDArray[np.void], folder: Path, files: ExitStack) -> None:
        self.present = False
        self._default = default
        self._folder = folder
        self._files = files
        self._absent = 0
        self._columns: dict[str, IO[bytes]] = {}

    def add(self, rows: NDArray[np.void] | None, size: int) -> None:
        """Add the rows of some records, or None if they have none."""
        if rows is None and not self.present:
            self._absent += size
            return
        if not self.present:
            self.present = True
            for name in _names(self._default.dtype):
                file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - the exit stack closes it
                self._columns[name] = self._files.enter_context(file)
            self._append(np.full(self._absent, self._default))
        self._append(np.full(size, self._default) if rows is None else rows)

    def _append(self, rows: NDArray[np.void]) -> None:
        for name, column in self._columns.items():
            column.write(rows[name].tobytes())

    def copy(self, file: pysam.BGZFile) -> None:
        """Write the columns one after the other."""
        for column in self._columns.values():
            column.seek(0)
            while data := column.read(_COPIED):
                file.write(data)
