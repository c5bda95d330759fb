"""Reading drafts (CCS reads) from BAM, SAM, CRAM, FASTQ or FASTA, compressed or not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pysam

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.inputs import RECORD_KINDS, Kind, Paths, RecordFile, expand_paths, kind_of, reading
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


def draft_entries(paths: Paths) -> Iterator[DraftEntry]:
    """The drafts of files, in file order, not yet decoded.

    Args:
        paths: BAM, SAM, CRAM, FASTQ or FASTA; secondary and supplementary records are passed over.

    Raises:
        InputError: a file is missing, damaged, or holds subreads; or there is no draft in any.
    """
    return (entry for _, entry in placed_entries(expand_paths(paths)))


def placed_entries(paths: Sequence[Path]) -> Iterator[tuple[int, DraftEntry]]:
    """Drafts with the number of their file, from 0; see ``draft_entries``.

    Args:
        paths: the files themselves; one of several may be empty, as that of a chunk without HiFi reads is.
    """
    n_entries = 0
    for number, path in enumerate(paths):
        for entry in _checked_entries(path):
            n_entries += 1
            yield number, entry
    if n_entries == 0:
        raise no_drafts(paths)


def _checked_entries(path: Path) -> Iterator[DraftEntry]:
    kind = kind_of(path)
    first = True
    for entry in _from_records(path) if kind in RECORD_KINDS else _from_text(path, kind):
        if first:
            require_ccs(path, entry.name)
        first = False
        yield entry


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


def no_drafts(paths: Sequence[Path]) -> InputError:
    """What is said of empty files."""
    verb = "holds" if len(paths) == 1 else "hold"
    return InputError(f"{', '.join(map(str, paths))}: {verb} no reads")


def read_drafts(paths: Paths) -> Iterator[Draft]:
    """The drafts of files, in file order.

    Raises:
        InputError: as ``draft_entries``.
    """
    return (entry.read() for entry in draft_entries(paths))


def count_drafts(paths: Paths) -> int:
    """How many drafts files hold; they are read through.

    Raises:
        InputError: as ``draft_entries``.
    """
    return sum(1 for _ in draft_entries(paths))


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
