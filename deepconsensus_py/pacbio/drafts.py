"""Reading drafts (CCS reads) from BAM, SAM, CRAM, FASTQ or FASTA, compressed or not."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pysam

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.inputs import RECORD_KINDS, Kind, RecordFile, kind_of, reading
from deepconsensus_py.pacbio.molecule import Draft, encode_bases
from deepconsensus_py.pacbio.names import parse_subread
from deepconsensus_py.pacbio.records import read_draft

_PHRED_OFFSET = 33


@dataclass(frozen=True, slots=True, eq=False)
class DraftEntry:
    """A draft as it lies in its file; it is decoded when asked for.

    Attributes:
        name: the read's name.
        length: bases.
    """

    name: str
    length: int
    _record: pysam.AlignedSegment | pysam.FastxRecord

    def read(self) -> Draft:
        """Decode it."""
        if isinstance(self._record, pysam.AlignedSegment):
            return read_draft(self._record)
        quality = self._record.quality
        phred = None if quality is None else np.frombuffer(quality.encode("ascii"), np.uint8) - _PHRED_OFFSET
        return Draft(self.name, encode_bases(self._record.sequence or ""), phred)


def draft_entries(path: Path) -> Iterator[DraftEntry]:
    """The drafts of a file, in file order, not yet decoded.

    Args:
        path: BAM, SAM, CRAM, FASTQ or FASTA; secondary and supplementary records are passed over.

    Raises:
        InputError: the file is missing, damaged, empty, or holds subreads.
    """
    kind = kind_of(path)
    n_entries = 0
    for entry in _from_records(path) if kind in RECORD_KINDS else _from_text(path, kind):
        if n_entries == 0:
            require_ccs(path, entry.name)
        n_entries += 1
        yield entry
    if n_entries == 0:
        raise no_drafts(path)


def require_ccs(path: Path, name: str) -> None:
    """Refuse a file of subreads.

    Args:
        path: the file.
        name: of its first read.

    Raises:
        InputError: it is a subread.
    """
    if parse_subread(name):
        raise InputError(f"{path}: holds subreads ({name}) where CCS reads are needed")


def no_drafts(path: Path) -> InputError:
    """What is said of an empty file."""
    return InputError(f"{path}: holds no reads")


def read_drafts(path: Path) -> Iterator[Draft]:
    """The drafts of a file, in file order.

    Raises:
        InputError: as ``draft_entries``.
    """
    return (entry.read() for entry in draft_entries(path))


def count_drafts(path: Path) -> int:
    """How many drafts a file holds; the file is read through.

    Raises:
        InputError: as ``draft_entries``.
    """
    return sum(1 for _ in draft_entries(path))


def _from_records(path: Path) -> Iterator[DraftEntry]:
    with RecordFile(path) as file:
        for record in file:
            if not (record.is_secondary or record.is_supplementary):
                yield record_entry(record)


def record_entry(record: pysam.AlignedSegment) -> DraftEntry:
    """The draft of a record."""
    return DraftEntry(str(record.query_name), record.query_length, record)


def _from_text(path: Path, kind: Kind) -> Iterator[DraftEntry]:
    with reading(path), pysam.FastxFile(str(path)) as file:
        for record in file:
            if kind is Kind.FASTQ and record.quality is None:
                raise InputError(f"{path}: read {record.name} has no qualities; the file is truncated or damaged")
            yield DraftEntry(str(record.name), len(record.sequence or ""), record)
