"""Reading drafts (CCS reads) from BAM, SAM, CRAM, FASTQ or FASTA, compressed or not."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.bam_record import Record
from deepconsensus_py.pacbio.inputs import RECORD_KINDS, Kind, Paths, expand_paths, kind_of
from deepconsensus_py.pacbio.molecule import Draft, encode_bases
from deepconsensus_py.pacbio.names import identity_tags, parse_ccs
from deepconsensus_py.pacbio.pbi import BASIC, PbiFile
from deepconsensus_py.pacbio.places import index_of, misfit, require_end, zmw_keys
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


class _IndexedFile:
    """A BAM file of drafts and where they lie: 12 bytes for each.

    Attributes:
        n_drafts: of the file.
        holes: ``int32[n_drafts]`` ZMW hole numbers.
        keys: ``int64[n_drafts]`` movie and hole number; None where the read groups do not tell movies.
    """

    def __init__(self, path: Path, pbi: PbiFile, movies: dict[str, int]) -> None:
        """Read the index.

        Args:
            path: the file.
            pbi: its index.
            movies: the number of each movie; extended here.

        Raises:
            InputError: the index is damaged, or that of another file; or the file holds no CCS reads.
        """
        self._path = path
        self._pbi = pbi
        self.n_drafts = pbi.n_records
        columns = {name: np.empty(pbi.n_records, BASIC[name]) for name in ("rgId", "holeNumber", "fileOffset")}
        for block in pbi.blocks(columns):
            columns[block.column][block.start : block.start + len(block.values)] = block.values
        self._offsets = columns["fileOffset"]
        self.holes = columns["holeNumber"]
        with RecordFile(path) as file:
            require_end(pbi, file, int(self._offsets[-1]) if self.n_drafts else 0)
            self._types = ReadTypes(file.header, path, CCS)
            if self.n_drafts:
                require_form(path, self._at(file, 0).name, CCS)

            def movie_at(row: int) -> int:
                molecule = parse_ccs(self._at(file, row).name)
                return movies.setdefault(molecule.movie if molecule else "", len(movies))

            self.keys = zmw_keys(columns["rgId"], self.holes, movie_at)

    def entries(self, rows: Sequence[int], start: int, stop: int) -> Iterator[tuple[int, DraftEntry]]:
        """Some drafts by their rows, then those of a range."""
        if not rows and start >= stop:
            return
        with RecordFile(self._path) as file:
            for row in rows:
                yield row, self._at(file, row)
            if start < stop:
                file.seek(int(self._offsets[start]))
                for row, record in zip(range(start, stop), file, strict=False):
                    yield row, self._entry(record, row)

    def _at(self, file: RecordFile, row: int) -> DraftEntry:
        file.seek(int(self._offsets[row]))
        try:
            record = next(iter(file))
        except InputError as error:
            raise misfit(self._pbi, self._path, "there is no record where it says") from error
        return self._entry(record, row)

    def _entry(self, record: Record, row: int) -> DraftEntry:
        self._types.require(record)
        entry, hole = record_entry(record), int(self.holes[row])
        molecule = parse_ccs(entry.name)
        # pbindex gives hole number 0 to a record without the tag.
        untagged = molecule.hole if molecule and hole else hole
        if hole != (untagged if (tagged := record.hole()) is None else tagged) and not record.fault:
            raise misfit(self._pbi, self._path, f"{entry.name} lies where ZMW {hole} should")
        return entry


class IndexedDrafts:
    """BAM files of drafts that all have an index: 20 bytes for each draft.

    Attributes:
        n_drafts: of all files.
        starts: how many drafts lie before each file.
    """

    def __init__(self, files: Sequence[_IndexedFile]) -> None:
        """Join files."""
        self._files = files
        *self.starts, self.n_drafts = accumulate((file.n_drafts for file in files), initial=0)
        by_movie = [file.keys for file in files if file.keys is not None]
        # Hole numbers alone find too many, of which the names choose.
        self._keys: NDArray[np.int64] = np.concatenate(
            by_movie if len(by_movie) == len(files) else [file.holes.astype(np.int64) for file in files]
        )

    def entries(self, start: int, stop: int | None) -> Iterator[tuple[int, DraftEntry]]:
        """Some numbered drafts, and before them those that are of the ZMW of one of these and come earlier.

        Args:
            start: number of the first.
            stop: number of the first after them; None goes on to the end.

        Raises:
            InputError: a file is damaged, or the index is that of another file.
        """
        if start >= self.n_drafts:
            return
        # Which of them is of the same molecule, their names tell.
        same_zmw = np.flatnonzero(np.isin(self._keys[:start], self._keys[start:stop]))
        last = self.n_drafts if stop is None else min(stop, self.n_drafts)
        for file, first in zip(self._files, self.starts, strict=True):
            rows = same_zmw[(same_zmw >= first) & (same_zmw < first + file.n_drafts)] - first
            chosen = file.entries(rows.tolist(), max(start - first, 0), min(last - first, file.n_drafts))
            yield from ((first + row, entry) for row, entry in chosen)


def indexed_drafts(paths: Sequence[Path]) -> IndexedDrafts | None:
    """The drafts of BAM files through their indexes, where all have one that says all that matters.

    Raises:
        InputError: an index is damaged, or that of another file; or a file holds no CCS reads.
    """
    indexes = [index_of(path) if kind_of(path) is Kind.BAM else None for path in paths]
    # Of records that are aligned to a genome some are secondary, which the index does not say.
    whole = [pbi for pbi in indexes if pbi is not None and "mapped" not in pbi.tables]
    if len(whole) < len(paths):
        return None
    if not any(pbi.n_records for pbi in whole):
        raise no_drafts(paths)
    movies: dict[str, int] = {}
    return IndexedDrafts([_IndexedFile(path, pbi, movies) for path, pbi in zip(paths, whole, strict=True)])
