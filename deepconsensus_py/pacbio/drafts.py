"""Reading drafts (CCS reads) from BAM, SAM, CRAM, FASTQ or FASTA, compressed or not."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.bam_record import Record
from deepconsensus_py.pacbio.inputs import RECORD_KINDS, Kind, Paths, expand_paths, kind_of
from deepconsensus_py.pacbio.molecule import Draft, encode_bases
from deepconsensus_py.pacbio.names import identity_tags
from deepconsensus_py.pacbio.read_types import CCS, ReadTypes, require_form
from deepconsensus_py.pacbio.record_file import RecordFile
from deepconsensus_py.pacbio.records import read_draft
from deepconsensus_py.pacbio.text_reads import TextRead, no_qualities, text_reads


@dataclass(frozen=True, slots=True, eq=False)
class DraftEntry:
    """A draft as it lies in its file; it is decoded when asked for.

    Attributes:
        name: the read's name; what is not printable ASCII stands in it as an escape.
        length: bases.
    """

    name: str
    length: int
    _decode: Callable[[], Draft]

    def read(self) -> Draft:
        """Decode it.

        Raises:
            MoleculeError: its record is damaged.
        """
        return self._decode()


def draft_entries(paths: Paths) -> Iterator[DraftEntry]:
    """The drafts of files, in file order, not yet decoded.

    Args:
        paths: BAM, SAM, CRAM, FASTQ or FASTA; secondary and supplementary records are passed over.

    Raises:
        InputError: a file is missing, damaged, or holds other reads; or there is no draft in any.
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
    first = True
    for entry in _from_records(path) if kind_of(path) in RECORD_KINDS else _from_text(path):
        if first:
            require_form(path, entry.name, CCS)
        first = False
        yield entry


def no_drafts(paths: Sequence[Path]) -> InputError:
    """What is said of empty files."""
    verb = "holds" if len(paths) == 1 else "hold"
    return InputError(f"{', '.join(map(str, paths))}: {verb} no reads")


def count_drafts(paths: Paths) -> int:
    """How many drafts files hold; they are read through.

    Raises:
        InputError: as ``draft_entries``.
    """
    return sum(1 for _ in draft_entries(paths))


def _from_records(path: Path) -> Iterator[DraftEntry]:
    with RecordFile(path) as file:
        types = ReadTypes(file.header, path, CCS)
        for record in file:
            types.require(record)
            if record.primary or record.fault:
                yield record_entry(record)


def record_entry(record: Record) -> DraftEntry:
    """The draft of a record."""
    return DraftEntry(record.name, record.length, partial(read_draft, record))


def _from_text(path: Path) -> Iterator[DraftEntry]:
    is_fastq = kind_of(path) is Kind.FASTQ
    for read in text_reads(path):
        if is_fastq and read.quality is None:
            raise no_qualities(read)
        yield DraftEntry(read.name, len(read.sequence), partial(_text_draft, read))


def _text_draft(read: TextRead) -> Draft:
    return Draft(read.name, encode_bases(read.letters()), read.qualities(), identity_tags(read.name))
