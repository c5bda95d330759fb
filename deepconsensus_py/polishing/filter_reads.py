"""Reads of a file that are good enough by their own qualities."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pysam
from numpy.typing import NDArray

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.headers import Program, drafts_header, extended_header, identity_tags
from deepconsensus_py.pacbio.inputs import RECORD_KINDS, Kind, RecordFile, kind_of, reading
from deepconsensus_py.pacbio.molecule import encode_bases
from deepconsensus_py.pacbio.writers import ReadWriter, RecordWriter, open_reads
from deepconsensus_py.polishing.filters import ReadFilter
from deepconsensus_py.polishing.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class FilterCounts:
    """How many reads were there, and how many were written."""

    reads: int
    kept: int


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """A read as it lies in its file; ``record`` is None in a FASTQ, ``comment`` empty in a BAM."""

    name: str
    sequence: str
    qualities: NDArray[np.uint8]
    comment: str = ""
    record: pysam.AlignedSegment | None = None

    @property
    def is_primary(self) -> bool:
        """Whether it is the read itself, not one of its further alignments."""
        return self.record is None or not (self.record.is_secondary or self.record.is_supplementary)


def filter_reads(source: Path, target: Path, reads: ReadFilter, program: Program) -> FilterCounts:
    """Write the reads that pass, in their order.

    BAM records go to a BAM as they are. A FASTQ takes the sequenced strand of a BAM's primary records, and keeps the
    comments of a FASTQ.

    Args:
        source: BAM, SAM, CRAM or FASTQ.
        target: BAM, SAM or FASTQ, by its ending, as ``pacbio.writers.open_reads`` has it.
        reads: what a read must reach; its quality is the mean over its bases, whatever its tag ``rq`` says.
        program: for the ``@PG`` line.

    Raises:
        InputError: the source cannot be used.
        OutputError: the target cannot be written.
    """
    total = kept = 0
    with open_reads(target, _header(source, target, program)) as writer:
        for read in _reads(source):
            if not isinstance(writer, RecordWriter) and not read.is_primary:
                continue
            total += 1
            if reads.outcome(read.qualities) is Outcome.SUCCESS:
                kept += 1
                _write(read, writer)
    return FilterCounts(total, kept)


def _write(read: _Read, writer: ReadWriter) -> None:
    if not isinstance(writer, RecordWriter):
        title = f"{read.name} {read.comment}".rstrip()
        writer.write_read(title, encode_bases(read.sequence), read.qualities)
    elif read.record is not None:
        writer.write(read.record)
    else:
        writer.write_read(read.name, encode_bases(read.sequence), read.qualities, identity_tags(read.name))


def _header(source: Path, target: Path, program: Program) -> pysam.AlignmentHeader:
    if kind_of(source) in RECORD_KINDS:
        with RecordFile(source) as file:
            return extended_header(file.header, program)
    # The read groups of a FASTQ are found by reading it through: not where a FASTQ is written.
    has_groups = target.suffix in {".bam", ".sam"}
    return extended_header(drafts_header(source) if has_groups else pysam.AlignmentHeader(), program)


def _reads(source: Path) -> Iterator[_Read]:
    """The reads of a file; those without qualities have none that counts."""
    kind = kind_of(source)
    if kind is Kind.FASTA:
        raise InputError(f"{source}: is FASTA, which has no qualities to filter by; give BAM or FASTQ")
    if kind in RECORD_KINDS:
        with RecordFile(source) as file:
            for record in file:
                qualities = np.asarray(record.get_forward_qualities() or (), np.uint8)
                yield _Read(record.query_name or "", record.get_forward_sequence() or "", qualities, record=record)
        return
    with reading(source), pysam.FastxFile(str(source)) as fastq:
        for entry in fastq:
            qualities = np.frombuffer((entry.quality or "").encode(), np.uint8) - np.uint8(33)
            yield _Read(entry.name or "", entry.sequence or "", qualities, entry.comment or "")
