"""BAM records to their PacBio BAM index, row by row as PacBio's own ``pbindex`` makes it."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np
import pysam
from numpy.typing import NDArray

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.headers import read_group_id
from deepconsensus_py.pacbio.inputs import RecordFile
from deepconsensus_py.pacbio.names import MoleculeId
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

_RECORDS = 1 << 14
"""Records whose rows are held at a time."""

_WHOLE_READS = ("READTYPE=CCS", "READTYPE=TRANSCRIPT")
"""In descriptions of read groups whose reads are no intervals of a polymerase read."""

_NAME = re.compile(r"([^/\s]+)/(\d+)/\S+", re.ASCII)
_INTERVAL = re.compile(r"/(\d+)_(\d+)$", re.ASCII)
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]{1,8}")

_ALIGNMENT_MATCH, _INSERTION, _DELETION, _SOFT_CLIP, _HARD_CLIP, _EQUAL, _DIFFERENT = 0, 1, 2, 4, 5, 7, 8
"""CIGAR operations (SAM specification, section 4.2)."""

_NO_BARCODE = tuple(UNBARCODED.item())
_ROW = np.dtype([*BASIC.descr, *MAPPED.descr, *BARCODES.descr])


def index_bam(bam: Path) -> int:
    """Write the index of a BAM file beside it.

    Args:
        bam: subreads or CCS reads, aligned or not.

    Returns:
        How many records it has.

    Raises:
        InputError: the file is damaged, no BAM, or a record is not PacBio's.
        OutputError: the index cannot be written.
    """
    with RecordFile(bam) as file:
        if not file.seekable:
            raise InputError(f"{bam}: only a BAM file can have an index; convert it to BAM (samtools view -b)")
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
        group, whole = groups.of(record)
        start, end = (0, record.query_length) if whole else _interval(record)
        basic = (
            group,
            start,
            end,
            record.get_tag("zm") if record.has_tag("zm") else groups.name(record).hole,
            _tag(record, "rq", 0),
            _tag(record, "cx", 0),
            offset,
        )
        yield (*basic, *_mapped(record, start, end, file.path), *_barcodes(record))
        offset = file.tell()


def _tag(record: pysam.AlignedSegment, tag: str, default: Any) -> Any:
    return record.get_tag(tag) if record.has_tag(tag) else default


def _interval(record: pysam.AlignedSegment) -> tuple[int, int]:
    """Where a subread lies in its polymerase read."""
    named = _INTERVAL.search(str(record.query_name))
    start, end = (int(named[1]), int(named[2])) if named else (0, record.query_length)
    return _tag(record, "qs", start), _tag(record, "qe", end)


def _mapped(record: pysam.AlignedSegment, start: int, end: int, path: Path) -> tuple[int, ...]:
    reverse = int(record.is_reverse)
    if record.is_unmapped or not record.cigartuples:
        place = (record.reference_id, record.reference_start & NO_PLACE, NO_PLACE, NO_PLACE, NO_PLACE)
        return *place, reverse, 0, 0, record.mapping_quality, 0, 0
    bases, operations = record.get_cigar_stats()
    if bases[_ALIGNMENT_MATCH]:
        raise InputError(
            f"{path}: the alignment of {record.query_name} does not tell matches from mismatches (M in its CIGAR), "
            "which PacBio BAM files must; align with = and X"
        )
    first, last = (_soft_clipped(record.cigartuples[::step]) for step in ((-1, 1) if reverse else (1, -1)))
    return (
        record.reference_id,
        record.reference_start,
        int(record.reference_end or 0),
        start + first,
        end - last,
        reverse,
        bases[_EQUAL],
        bases[_DIFFERENT],
        record.mapping_quality,
        operations[_INSERTION],
        operations[_DELETION],
    )


def _soft_clipped(cigar: list[tuple[int, int]]) -> int:
    """Bases that are clipped at the beginning of a CIGAR."""
    inner = [length * (operation == _SOFT_CLIP) for operation, length in cigar[:2] if operation != _HARD_CLIP]
    return inner[0] if inner else 0


def _barcodes(record: pysam.AlignedSegment) -> tuple[int, ...]:
    if not (record.has_tag("bc") and record.has_tag("bq")):
        return _NO_BARCODE
    forward, reverse = cast("Sequence[int]", record.get_tag("bc"))
    return forward, reverse, cast("int", record.get_tag("bq"))


class _ReadGroups:
    """The read groups of a file, as numbers."""

    def __init__(self, file: RecordFile) -> None:
        self._path = file.path
        self._whole: dict[str, bool] = {}
        for line in str(file.header).splitlines():
            if line.startswith("@RG"):
                fields = dict(field.split(":", 1) for field in line.split("\t")[1:])
                self._whole[fields["ID"]] = any(item in _WHOLE_READS for item in fields.get("DS", "").split(";"))
        self._numbers: dict[tuple[str, str], int] = {}

    def of(self, record: pysam.AlignedSegment) -> tuple[int, bool]:
        """A record's read group as a number, and whether its reads are no intervals of a polymerase read."""
        group = str(_tag(record, "RG", ""))
        whole = self._whole.get(group)
        if whole is None:
            whole = "/ccs" in str(record.query_name)
        base = group.split("/", 1)[0]
        if not _HEXADECIMAL.fullmatch(base):
            base = read_group_id(self.name(record), "CCS" if whole else "SUBREAD")
        unsigned = int(base, 16)
        return unsigned - (unsigned >> 31 << 32), whole

    def name(self, record: pysam.AlignedSegment) -> MoleculeId:
        """The ZMW in a record's name."""
        match = _NAME.fullmatch(str(record.query_name))
        if match is None:
            raise InputError(f"{self._path}: read name {record.query_name} is not PacBio's (movie/zmw/…)")
        return MoleculeId(match[1], int(match[2]))


class _References:
    """Which rows each reference has, of a BAM file sorted by coordinate."""

    def __init__(self, header: pysam.AlignmentHeader) -> None:
        first_line = str(header).split("\n", 1)[0]
        self._sorted = "SO:coordinate" in first_line.split("\t") and header.nreferences > 0
        self._table = np.full(header.nreferences + 1, NO_PLACE, REFERENCES)
        self._table["tId"][:-1] = np.arange(header.nreferences)
        self._latest = 0

    @property
    def table(self) -> NDArray[np.void] | None:
        """The rows, last those of unmapped records; None where the records are not sorted."""
        return self._table if self._sorted else None

    def add(self, row: int, records: NDArray[np.void]) -> None:
        """Enter the records from a row on."""
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
