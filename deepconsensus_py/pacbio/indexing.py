"""Indexing of BAM files, with the same rows as PacBio's ``pbindex``."""

import re
from array import array
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pysam
from numpy.typing import NDArray

from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.pacbio.bam_record import Record
from deepconsensus_py.pacbio.header_text import header_lines
from deepconsensus_py.pacbio.names import MoleculeId, read_group_id
from deepconsensus_py.pacbio.pbi import (
    BARCODES,
    BASIC,
    MAPPED,
    NO_PLACE,
    REFERENCES,
    UNBARCODED,
    PacBioIndex,
    pbi_path,
    write_pbi,
)
from deepconsensus_py.pacbio.record_file import RecordFile
from deepconsensus_py.pacbio.records import read_tags

_RECORDS = 1 << 14
"""Rows held in memory at a time."""

_WHOLE_READS = ("READTYPE=CCS", "READTYPE=TRANSCRIPT")
"""Read types, in descriptions of read groups, whose reads are not intervals of a polymerase read."""

_NAME = re.compile(r"([^/\s]+)/(\d{1,10})/\S+", re.ASCII)
_INTERVAL = re.compile(r"/(\d{1,10})_(\d{1,10})$", re.ASCII)
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]{1,8}")

_ALIGNMENT_MATCH, _INSERTION, _DELETION, _SKIP, _SOFT_CLIP, _HARD_CLIP, _EQUAL, _DIFFERENT = 0, 1, 2, 3, 4, 5, 7, 8
"""CIGAR operations (SAM specification, section 4.2)."""

_ON_REFERENCE = (_DELETION, _SKIP, _EQUAL, _DIFFERENT)

_NO_BARCODE = tuple(UNBARCODED.item())
_ROW = np.dtype([*BASIC.descr, *MAPPED.descr, *BARCODES.descr])
_BOUNDS = {name: np.iinfo(_ROW[name]) for name in _ROW.names or () if _ROW[name].kind in "iu"}


def index_bam(bam: Path) -> int:
    """Write the index of a BAM file beside it.

    Args:
        bam: subreads or CCS reads, aligned or not.

    Returns:
        Number of records.

    Raises:
        InputError: the file is damaged or not BAM, or a record is not PacBio's.
        OutputError: the index cannot be written.
    """
    with RecordFile(bam) as file:
        if not file.seekable:
            raise InputError(f"{bam}: only BAM files can be indexed; convert it to BAM (samtools view -b)")
        return write_pbi(pbi_path(bam), _parts(file))


def _parts(file: RecordFile) -> Iterator[PacBioIndex]:
    rows = _rows(file)
    references = _References(file.header)
    n_records, any_mapped = 0, False
    while batch := list(islice(rows, _RECORDS)):
        table = np.array(batch, _ROW)
        basic, mapped, barcodes = (table[list(part.names or ())] for part in (BASIC, MAPPED, BARCODES))
        references.add(n_records, table)
        any_mapped = any_mapped or bool((table["tId"] >= 0).any())
        barcoded = (barcodes != UNBARCODED).any()
        yield PacBioIndex(basic, mapped if any_mapped else None, None, barcodes if barcoded else None)
        n_records += len(table)
    yield PacBioIndex(np.empty(0, BASIC), references=references.table)


def _rows(file: RecordFile) -> Iterator[tuple[Any, ...]]:
    groups = _ReadGroups(file)
    offset = file.tell()
    for record in file:
        try:
            yield _row(record, groups, offset)
        except MoleculeError as error:
            raise InputError(str(error)) from error
        offset = file.tell()


def _row(record: Record, groups: "_ReadGroups", offset: int) -> tuple[Any, ...]:
    tags = {tag: value for tag, value, _ in read_tags(record)}
    group, whole = groups.of(record, tags)
    start, end = (0, record.length) if whole else _interval(record, tags)
    hole = tags.get("zm")
    basic = (
        group,
        start,
        end,
        groups.name(record).hole if hole is None else hole,
        tags.get("rq", 0),
        tags.get("cx", 0),
        offset,
    )
    row = (*basic, *_mapped(record, start, end), *_barcodes(record, tags))
    for name, value in zip(_ROW.names or (), row, strict=True):
        if name in _BOUNDS and not _BOUNDS[name].min <= value <= _BOUNDS[name].max:
            raise record.error(f"{name} {value} is out of range for an index")
    return row


def _interval(record: Record, tags: Mapping[str, Any]) -> tuple[int, int]:
    """The interval of a subread in its polymerase read."""
    named = _INTERVAL.search(record.name)
    start, end = (int(named[1]), int(named[2])) if named else (0, record.length)
    return tags.get("qs", start), tags.get("qe", end)


def _mapped(record: Record, start: int, end: int) -> tuple[int, ...]:
    reverse = int(record.reverse)
    operations, lengths = record.read_cigar()
    if record.unmapped or not len(operations):
        place = (record.reference_id, record.start & NO_PLACE, NO_PLACE, NO_PLACE, NO_PLACE)
        return *place, reverse, 0, 0, record.mapping_quality, 0, 0
    if (operations == _ALIGNMENT_MATCH).any():
        raise record.error("CIGAR has M operations, which PacBio BAM files must not have; align with = and X")
    bases = np.bincount(operations, lengths, _DIFFERENT + 1).astype(int).tolist()
    counts = np.bincount(operations, minlength=_DIFFERENT + 1).tolist()
    cigar = list(zip(operations.tolist(), lengths.tolist(), strict=True))
    first, last = (_soft_clipped(cigar[::step]) for step in ((-1, 1) if reverse else (1, -1)))
    return (
        record.reference_id,
        record.start,
        record.start + sum(bases[operation] for operation in _ON_REFERENCE),
        start + first,
        end - last,
        reverse,
        bases[_EQUAL],
        bases[_DIFFERENT],
        record.mapping_quality,
        counts[_INSERTION],
        counts[_DELETION],
    )


def _soft_clipped(cigar: list[tuple[int, int]]) -> int:
    """Soft-clipped bases at the start of a CIGAR."""
    inner = [length * (operation == _SOFT_CLIP) for operation, length in cigar[:2] if operation != _HARD_CLIP]
    return inner[0] if inner else 0


def _barcodes(record: Record, tags: Mapping[str, Any]) -> tuple[int, ...]:
    if "bc" not in tags or "bq" not in tags:
        return _NO_BARCODE
    pair, quality = tags["bc"], tags["bq"]
    if not (isinstance(pair, array) and len(pair) == 2 and pair.typecode != "f" and isinstance(quality, int)):
        raise record.error("tags 'bc' and 'bq' are not a pair of barcodes and their quality")
    return pair[0], pair[1], quality


class _ReadGroups:
    """The read groups of a file, as numbers."""

    def __init__(self, file: RecordFile) -> None:
        self._path = file.path
        self._whole: dict[str, bool] = {}
        for line in header_lines(file.header):
            if line.startswith("@RG"):
                fields = dict(field.split(":", 1) for field in line.split("\t")[1:])
                self._whole[fields["ID"]] = any(item in _WHOLE_READS for item in fields.get("DS", "").split(";"))

    def of(self, record: Record, tags: Mapping[str, Any]) -> tuple[int, bool]:
        """A record's read group as a number, and whether its reads are whole (not intervals of a polymerase read)."""
        group = tags.get("RG", "")
        whole = self._whole.get(group)
        if whole is None:
            whole = "/ccs" in record.name
        base = group.split("/", 1)[0]
        if not _HEXADECIMAL.fullmatch(base):
            base = read_group_id(self.name(record), "CCS" if whole else "SUBREAD")
        unsigned = int(base, 16)
        return unsigned - (unsigned >> 31 << 32), whole

    def name(self, record: Record) -> MoleculeId:
        """The ZMW in a record's name."""
        match = _NAME.fullmatch(record.name)
        if match is None:
            raise InputError(f"{self._path}: read name {record.name} is not a PacBio name (movie/zmw/…)")
        return MoleculeId(match[1], int(match[2]))


class _References:
    """The rows of each reference, for a BAM file sorted by coordinate."""

    def __init__(self, header: pysam.AlignmentHeader) -> None:
        first_line = next(iter(header_lines(header)), "")
        self._sorted = "SO:coordinate" in first_line.split("\t") and header.nreferences > 0
        self._table = np.full(header.nreferences + 1, NO_PLACE, REFERENCES)
        self._table["tId"][:-1] = np.arange(header.nreferences)
        self._latest = 0

    @property
    def table(self) -> NDArray[np.void] | None:
        """The rows, those of unmapped records last; None if the records are not sorted."""
        return self._table if self._sorted else None

    def add(self, row: int, records: NDArray[np.void]) -> None:
        """Add records, from a row on."""
        if not self._sorted:
            return
        unmapped = len(self._table) - 1
        reference = np.where(records["tId"] < 0, unmapped, records["tId"]).astype(np.int64)
        places = np.where(reference == unmapped, 0, records["tStart"]) + (reference << 32)
        self._sorted = bool((np.diff(places, prepend=self._latest) >= 0).all())
        self._latest = int(places[-1])
        present, first = np.unique(reference, return_index=True)
        new = self._table["beginRow"][present] == NO_PLACE
        self._table["beginRow"][present[new]] = row + first[new]
        self._table["endRow"][present] = row + np.append(first[1:], len(records))
