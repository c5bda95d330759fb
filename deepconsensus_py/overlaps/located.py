"""Where the reads of files are, so that only those in work are in memory: some 30 bytes for each of the others."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py._version import __version__
from deepconsensus_py.align import cigar
from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.pacbio.bam_record import Record
from deepconsensus_py.pacbio.dataset import RecordFilter
from deepconsensus_py.pacbio.drafts import draft_entries, located_records, no_drafts
from deepconsensus_py.pacbio.headers import Program, polished_header
from deepconsensus_py.pacbio.inputs import Kind, expand_paths, kind_of, record_filters
from deepconsensus_py.pacbio.molecule import Alignment, Draft
from deepconsensus_py.pacbio.read_types import CCS, require_form
from deepconsensus_py.pacbio.record_file import RecordFile, header_of
from deepconsensus_py.pacbio.records import read_draft
from deepconsensus_py.pacbio.writers import open_reads

ROW = np.dtype(
    [("file", "i2"), ("offset", "i8"), ("length", "i4"), ("reference", "i4"), ("start", "i4"), ("stop", "i4")]
)
"""Of a read: number of its file, virtual offset in it, bases; reference, first and last base that it is aligned to."""

UNPLACED = -1
"""Reference of a read that is not aligned."""


@dataclass(frozen=True, slots=True, eq=False)
class PlacedRead:
    """A read with its alignment to a reference.

    Attributes:
        draft: the read, as it was sequenced; without bases if its record is damaged.
        alignment: to the reference, in its orientation; None if there is none.
        reverse: whether the read is of the opposite strand.
        reason: why its record cannot be used; else empty.
    """

    draft: Draft
    alignment: Alignment | None = None
    reverse: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class LocatedReads:
    """Reads of files, by their numbers.

    Attributes:
        paths: BAM files.
        rows: ``ROW[n]`` where each is; those without reference are the last if they are in the order of a reference.
        faults: names of the reads that could not be copied, with the reasons.
    """

    paths: tuple[Path, ...]
    rows: NDArray[np.void]
    faults: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        """Number of reads."""
        return len(self.rows)

    def part(self, numbers: NDArray[np.int64]) -> "LocatedReads":
        """Some of the reads, which get new numbers from 0."""
        return LocatedReads(self.paths, self.rows[numbers])

    def read(self) -> Iterator[PlacedRead]:
        """All reads, in the order of their numbers; a damaged one has its reason.

        Raises:
            InputError: a file is damaged or has changed, or a read has no base qualities.
        """
        yield from map(_placed, self._records())

    def names(self) -> Iterator[str]:
        """The names of all reads, in the order of their numbers."""
        yield from (record.name for record in self._records())

    def _records(self) -> Iterator[Record]:
        with ExitStack() as files:
            opened: dict[int, RecordFile] = {}
            for file, offset in zip(self.rows["file"].tolist(), self.rows["offset"].tolist(), strict=True):
                if file not in opened:
                    opened[file] = files.enter_context(RecordFile(self.paths[file]))
                yield _record_at(opened[file], offset)


def _record_at(file: RecordFile, offset: int) -> Record:
    if file.tell() != offset:
        file.seek(offset)
    record = next(iter(file), None)
    if record is None:
        raise InputError(f"{file.path}: has changed since it was first read; start again")
    return record


def _placed(record: Record) -> PlacedRead:
    try:
        draft = read_draft(record)
        if record.unmapped:
            return PlacedRead(draft)
        return PlacedRead(draft, Alignment(record.start, *record.read_cigar()), record.reverse)
    except MoleculeError as fault:
        return PlacedRead(Draft(record.name, np.empty(0, np.uint8), None), reason=str(fault))


def locate(paths: Sequence[Path], folder: Path, *, aligned: bool = False) -> LocatedReads:
    """Find the reads of files.

    Args:
        paths: HiFi reads: BAM, SAM, CRAM or FASTQ, lists of files and data sets; others than BAM are copied first.
        folder: for the copies.
        aligned: number the reads in the order of the reference that they are aligned to, those that are not aligned
            last, and not in the order of the files.

    Raises:
        InputError: a file cannot be used, or has reads without base qualities.
    """
    files, filters, faults = expand_paths(paths), record_filters(paths), list[tuple[str, str]]()
    own, found = list[Path](), list[NDArray[np.void]]()
    if aligned:
        _require_one_reference(files)
    for number, path in enumerate(files):
        own.append(path if kind_of(path) is Kind.BAM else _copied(path, folder / f"piece-reads-{number}.bam", faults))
        places = ((number, offset, *_facts(record)) for offset, record in _checked(own[-1], filters.get(path)))
        found.append(np.fromiter(places, ROW))
    rows = np.concatenate(found)
    if not len(rows) + len(faults):
        raise no_drafts(files)
    if aligned:
        rows = rows[np.lexsort((rows["start"], rows["reference"].astype(np.uint32)))]
        if (rows["reference"] == UNPLACED).all():
            raise InputError(f"{', '.join(map(str, files))}: no read is aligned; remove --aligned")
    return LocatedReads(tuple(own), rows, tuple(faults))


def _checked(path: Path, chosen: RecordFilter | None) -> Iterator[tuple[int, Record]]:
    for number, (offset, record) in enumerate(located_records(path, chosen)):
        if not number:
            require_form(path, record.name, CCS)
        if not record.fault and record.phred.startswith(_NO_QUALITIES):
            raise without_qualities(record.name)
        yield offset, record


_NO_QUALITIES = b"\xff"
"""Start of the qualities of a record that has none (SAM specification, section 4.2)."""


def without_qualities(name: str) -> InputError:
    """The error for a read without base qualities."""
    return InputError(f"{name}: has no base qualities; give HiFi reads with them (BAM or FASTQ)")


def _facts(record: Record) -> tuple[int, int, int, int]:
    """Length, reference, start and stop of a record."""
    if not (record.unmapped or record.fault):
        with suppress(MoleculeError):
            operations, lengths = record.read_cigar()
            stop = record.start + int(lengths @ cigar.ON_DRAFT[operations])
            return record.length, record.reference_id, record.start, stop
    return record.length, UNPLACED, 0, 0


def _require_one_reference(files: Sequence[Path]) -> None:
    """Refuse aligned files whose numbers of references mean different ones."""
    known = None
    for path in files:
        if kind_of(path) is not Kind.BAM:
            raise InputError(f"{path}: --aligned needs BAM files (samtools view -b)")
        header = header_of(path)
        own = header.references, header.lengths
        if known is not None and own != known:
            raise InputError(f"{path}: is aligned to another reference than {files[0]}; give files of one reference")
        known = own


def _copied(path: Path, copy: Path, faults: list[tuple[str, str]]) -> Path:
    """A copy of reads as BAM, which can be read in any order."""
    with open_reads(copy, polished_header([path], Program(__version__, ""))) as writer:
        for entry in draft_entries([path]):
            try:
                read = entry.read()
            except MoleculeError as fault:
                faults.append((entry.name, str(fault)))
                continue
            if read.qualities is None:
                raise without_qualities(read.name)
            writer.write_read(read.name, read.bases, read.qualities, read.tags)
    return copy
