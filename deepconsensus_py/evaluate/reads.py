"""Reads and truths by molecule, from BAM, FASTQ or FASTA."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mappy
import numpy as np
import pysam
from numpy.typing import NDArray

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.inputs import RECORD_KINDS, RecordFile, kind_of, reading
from deepconsensus_py.pacbio.names import MoleculeId


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """A read, in the direction of sequencing.

    Attributes:
        name: as in the file.
        bases: upper-case letters.
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
        return replace(self, bases=reverse_complement(self.bases), qualities=qualities)


@dataclass(frozen=True, slots=True, eq=False)
class ReadSet:
    """The reads of a file.

    Attributes:
        path: the file.
        reads: the longest read of each molecule.
        duplicates: how many shorter reads of the same molecules were left out.
    """

    path: Path
    reads: dict[MoleculeId, Read]
    duplicates: int


def reverse_complement(bases: str) -> str:
    """The opposite strand of upper-case letters."""
    return str(mappy.revcomp(bases))


def molecule_of(name: str) -> MoleculeId | None:
    """The ZMW of a read named ``movie/zmw/…``, whatever its strand, or None."""
    movie, _, rest = name.partition("/")
    hole = rest.partition("/")[0]
    return MoleculeId(movie, int(hole)) if hole.isascii() and hole.isdigit() else None


def load_reads(path: Path) -> ReadSet:
    """All reads of a file; of several reads of one molecule (by strand, say) the longest.

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
    return _records(path) if kind_of(path) in RECORD_KINDS else _entries(path)


def _records(path: Path) -> Iterator[Read]:
    with RecordFile(path) as file:
        for record in file:
            if record.query_sequence and not (record.is_secondary or record.is_supplementary):
                yield _from_record(record)


def _from_record(record: pysam.AlignedSegment) -> Read:
    qualities = record.query_qualities
    read = Read(
        name=str(record.query_name),
        bases=str(record.query_sequence).upper(),
        qualities=None if qualities is None else np.asarray(qualities, np.float64),
        passes=_tag(record, "np"),
        read_quality=_tag(record, "rq"),
    )
    return read.reverse_complement() if record.is_reverse else read


def _tag(record: pysam.AlignedSegment, name: str) -> Any:
    return record.get_tag(name) if record.has_tag(name) else None


def _entries(path: Path) -> Iterator[Read]:
    with reading(path), pysam.FastxFile(str(path)) as file:
        for entry in file:
            yield _from_entry(entry)


def _from_entry(entry: pysam.FastxRecord) -> Read:
    phred = entry.get_quality_array()
    qualities = None if phred is None else np.asarray(phred, np.float64)
    return Read(str(entry.name), str(entry.sequence or "").upper(), qualities)
