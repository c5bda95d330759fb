"""Filters on read quality and length, for polished reads and for the reads of a file."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pysam
from numpy.typing import NDArray

from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.pacbio.bam_record import Record
from deepconsensus_py.pacbio.headers import Program, drafts_header, extended_header
from deepconsensus_py.pacbio.inputs import RECORD_KINDS, Kind, kind_of
from deepconsensus_py.pacbio.molecule import encode_bases
from deepconsensus_py.pacbio.names import identity_tags
from deepconsensus_py.pacbio.record_file import RecordFile, header_of
from deepconsensus_py.pacbio.records import copied_record, read_draft
from deepconsensus_py.pacbio.text_reads import TextRead, text_reads
from deepconsensus_py.pacbio.writers import ReadWriter, RecordWriter, is_fastq, open_reads
from deepconsensus_py.polishing.qualities import mean_quality
from deepconsensus_py.reports.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class ReadFilter:
    """Minimum quality and length of a read, tested in this order, as in DeepConsensus.

    Attributes:
        min_quality: Phred of the mean error probability of the read's bases.
        min_length: bases.
    """

    min_quality: float = 20.0
    min_length: int = 0

    def outcome(self, qualities: NDArray[Any]) -> Outcome:
        """The outcome of a called read.

        Args:
            qualities: ``[n]`` Phred, one for each base.
        """
        if len(qualities) == 0:
            return Outcome.ONLY_GAPS
        # Five decimals, as in DeepConsensus: an exact Q10 read must not fail by the last bit of a logarithm.
        if round(mean_quality(qualities), 5) < self.min_quality:
            return Outcome.FAILED_QUALITY_FILTER
        if len(qualities) < self.min_length:
            return Outcome.FAILED_LENGTH_FILTER
        return Outcome.SUCCESS


log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FilterCounts:
    """Numbers of reads in the input, of reads written, and of damaged reads that were skipped."""

    reads: int
    kept: int
    faulty: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """A read with its base qualities; ``write`` writes it."""

    qualities: NDArray[np.uint8]
    write: Callable[[], None]


def filter_reads(source: Path, target: Path, reads: ReadFilter, program: Program) -> FilterCounts:
    """Write the reads that pass, in input order.

    BAM records are copied unchanged to a BAM. A FASTQ gets the primary records of a BAM in sequencing orientation, and
    keeps the comments of a FASTQ. Damaged reads are skipped with a warning.

    Args:
        source: BAM, SAM, CRAM or FASTQ.
        target: BAM, SAM or FASTQ, by its extension; see ``pacbio.writers.open_reads``.
        reads: minimum quality and length. The quality is the mean over the bases, whatever the tag ``rq``; but a read
            with ``rq`` below 0 is not a consensus and counts as quality 0.
        program: for the ``@PG`` line.

    Raises:
        InputError: the source cannot be used.
        OutputError: the target cannot be written.
    """
    total = kept = faulty = 0
    with open_reads(target, _header(source, target, program)) as writer:
        for decode in _reads(source, writer):
            total += 1
            try:
                read = decode()
                if reads.outcome(read.qualities) is Outcome.SUCCESS:
                    read.write()
                    kept += 1
            except MoleculeError as error:
                log.warning("%s", error)
                faulty += 1
    return FilterCounts(total, kept, faulty)


def _header(source: Path, target: Path, program: Program) -> pysam.AlignmentHeader:
    if kind_of(source) in RECORD_KINDS:
        return extended_header(header_of(source), program)
    # Finding the read groups of a FASTQ takes reading all of it, which is not needed to write a FASTQ.
    has_groups = not is_fastq(target)
    return extended_header(drafts_header(source) if has_groups else pysam.AlignmentHeader(), program)


def _reads(source: Path, writer: ReadWriter) -> Iterator[Callable[[], _Read]]:
    """The reads of a file, not yet decoded; a read without qualities fails every filter."""
    kind = kind_of(source)
    if kind is Kind.FASTA:
        raise InputError(f"{source}: is FASTA, which has no qualities to filter by; give BAM or FASTQ")
    if kind not in RECORD_KINDS:
        yield from (partial(_of_text, read, writer) for read in text_reads(source))
        return
    with RecordFile(source) as file:
        for record in file:
            if isinstance(writer, RecordWriter):
                yield partial(_copied, record, writer)
            elif record.primary or record.fault:
                yield partial(_of_record, record, writer)


def _copied(record: Record, writer: RecordWriter) -> _Read:
    record.require_sound()
    return _Read(_claimed(record), lambda: writer.write(copied_record(record, writer.header)))


def _of_record(record: Record, writer: ReadWriter) -> _Read:
    draft = read_draft(record)
    return _Read(_claimed(record), lambda: writer.write_read(draft.name, draft.bases, draft.qualities))


def _claimed(record: Record) -> NDArray[np.uint8]:
    """The qualities to filter by; 0 for a read that is not a consensus (``rq`` below 0)."""
    qualities = record.qualities()
    if qualities is None:
        return np.empty(0, np.uint8)
    unpolished = any(tag == "rq" and isinstance(value, float) and value < 0 for tag, value, _ in record.read_tags())
    return np.zeros_like(qualities) if unpolished else qualities


def _of_text(read: TextRead, writer: ReadWriter) -> _Read:
    bases, qualities = encode_bases(read.letters()), read.qualities()
    kept = isinstance(writer, RecordWriter)
    title, tags = (read.name, identity_tags(read.name)) if kept else (f"{read.title} {read.comment}".rstrip(), ())
    known = np.empty(0, np.uint8) if qualities is None else qualities
    return _Read(known, lambda: writer.write_read(title, bases, known, tags))
