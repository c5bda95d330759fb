"""Reads and truths by molecule, from BAM, FASTQ or FASTA."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import mappy
import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.pacbio.bam_record import Record
from deepconsensus_py.pacbio.inputs import RECORD_KINDS, kind_of
from deepconsensus_py.pacbio.names import MAX_HOLE, MoleculeId, whole_number
from deepconsensus_py.pacbio.record_file import RecordFile
from deepconsensus_py.pacbio.records import read_tags
from deepconsensus_py.pacbio.text_reads import TextRead, text_reads

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """A read in sequenced orientation.

    Attributes:
        name: as in the file.
        bases: in upper case.
        qualities: ``float64[n]`` Phred, or None.
        passes: tag ``np``, or None.
        read_quality: tag ``rq``, or None.
    """

    name: str
    bases: str
    qualities: NDArray[np.float64] | None = None
    passes: int | None = None
    read_quality: float | None = None

    def reverse_complement(self) -> "Read":
        """The same read from the other strand."""
        qualities = None if self.qualities is None else self.qualities[::-1]
        return replace(self, bases=reverse_complement_letters(self.bases), qualities=qualities)


@dataclass(frozen=True, slots=True, eq=False)
class ReadSet:
    """The reads of a file.

    Attributes:
        path: the file.
        reads: the longest read of each molecule.
        duplicates: number of shorter reads of the same molecules, skipped.
    """

    path: Path
    reads: dict[MoleculeId, Read]
    duplicates: int


def reverse_complement_letters(bases: str) -> str:
    """The reverse complement of upper-case bases."""
    return str(mappy.revcomp(bases))


def molecule_of(name: str) -> MoleculeId | None:
    """The ZMW of a read named ``movie/zmw/…``, whatever its strand, or None."""
    movie, _, rest = name.partition("/")
    hole = rest.partition("/")[0]
    number = whole_number(hole)
    return None if number is None or number > MAX_HOLE else MoleculeId(movie, number)


def load_reads(path: Path) -> ReadSet:
    """All reads of a file; of several reads of one molecule (by strand, for example) the longest.

    Damaged records are skipped with a warning.

    Args:
        path: BAM, SAM, CRAM, FASTQ or FASTA.

    Raises:
        InputError: the file cannot be read, or a name is not ``movie/zmw/…``.
    """
    reads: dict[MoleculeId, Read] = {}
    count = 0
    for read in _read_all(path):
        molecule = molecule_of(read.name)
        if molecule is None:
            raise InputError(f"{path}: read {read.name!r} has no ZMW number; names must be movie/zmw/…")
        count += 1
        if molecule not in reads or len(read.bases) > len(reads[molecule].bases):
            reads[molecule] = read
    return ReadSet(path, reads, count - len(reads))


def _read_all(path: Path) -> Iterator[Read]:
    for decode in _records(path) if kind_of(path) in RECORD_KINDS else _entries(path):
        try:
            yield decode()
        except MoleculeError as error:
            log.warning("%s", error)


def _records(path: Path) -> Iterator[Callable[[], Read]]:
    with RecordFile(path) as file:
        for record in file:
            if record.fault or (record.length and record.primary):
                yield partial(_from_record, record)


def _from_record(record: Record) -> Read:
    values = {tag: value for tag, value, _ in read_tags(record)}
    qualities = record.qualities()
    read = Read(
        name=record.name,
        bases=record.letters(),
        qualities=None if qualities is None else qualities.astype(np.float64),
        passes=values.get("np"),
        read_quality=values.get("rq"),
    )
    return read.reverse_complement() if record.reverse else read


def _entries(path: Path) -> Iterator[Callable[[], Read]]:
    return (partial(_from_text, read) for read in text_reads(path))


def _from_text(read: TextRead) -> Read:
    phred = read.qualities()
    qualities = None if phred is None else phred.astype(np.float64)
    return Read(read.name, read.letters().upper(), qualities)
