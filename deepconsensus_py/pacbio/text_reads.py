"""Reads of FASTQ and FASTA files, compressed or not; bases and qualities are checked on request."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pysam
from numpy.typing import NDArray

from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.pacbio.header_text import prepare_htslib
from deepconsensus_py.pacbio.inputs import Kind, kind_of, reading
from deepconsensus_py.pacbio.names import printable
from deepconsensus_py.pacbio.pipes import named

_LETTERS = re.compile(r"[A-Za-z]*")
_PHRED = re.compile(r"[!-~]*")
_PHRED_OFFSET = np.uint8(33)


@dataclass(frozen=True, slots=True)
class TextRead:
    """A read, not decoded; bytes that are not UTF-8 are surrogate escapes.

    Attributes:
        path: the file.
        title: the name.
        comment: the text after the name; may be empty.
        sequence: the bases.
        quality: a character for each base; None in FASTA.
    """

    path: Path
    title: str
    comment: str
    sequence: str
    quality: str | None

    @property
    def name(self) -> str:
        """The name, with anything but printable ASCII escaped."""
        return printable(self.title)

    def letters(self) -> str:
        """The bases.

        Raises:
            MoleculeError: one is not a letter.
        """
        if not _LETTERS.fullmatch(self.sequence):
            raise MoleculeError(f"{self.path}: read {self.name}: bases must be letters")
        return self.sequence

    def qualities(self) -> NDArray[np.uint8] | None:
        """``uint8[n]`` Phred, or None in FASTA.

        Raises:
            MoleculeError: one is out of range.
        """
        if self.quality is None:
            return None
        if not _PHRED.fullmatch(self.quality):
            raise MoleculeError(f"{self.path}: read {self.name}: qualities must be from 0 (!) to 93 (~)")
        return np.frombuffer(self.quality.encode("ascii"), np.uint8) - _PHRED_OFFSET


def text_reads(path: Path) -> Iterator[TextRead]:
    """The reads of a file, in file order.

    Raises:
        InputError: the file is missing, truncated or damaged; or a read of a FASTQ file has no qualities.
    """
    is_fastq = kind_of(path) is Kind.FASTQ
    prepare_htslib()
    with reading(path), named(path) as name, pysam.FastxFile(name) as file:
        for entry in file:
            read = TextRead(path, entry.name or "", entry.comment or "", entry.sequence or "", entry.quality)
            if is_fastq and read.sequence and read.quality is None:
                raise no_qualities(read)
            yield read


def no_qualities(read: TextRead) -> InputError:
    """The error for a FASTQ file that ends within a read."""
    return InputError(f"{read.path}: read {read.name} has no qualities; the file is truncated or damaged")
