"""Reading drafts (CCS reads) from BAM, SAM, CRAM, FASTQ or FASTA, compressed or not."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.pacbio.bam_record import Record
from deepconsensus_py.pacbio.dataset import RecordFilter
from deepconsensus_py.pacbio.inputs import RECORD_KINDS, Kind, Paths, expand_paths, kind_of, record_filters
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
    """A draft that is not decoded yet.

    Attributes:
        name: read name; anything but printable ASCII is escaped.
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
        paths: BAM, SAM, CRAM, FASTQ or FASTA; secondary and supplementary records are skipped, and those that the
            filters of a data set do not choose.

    Raises:
        InputError: a file is missing, damaged, or holds other reads; or there is no draft in any.
    """
    return (entry for _, entry in placed_entries(expand_paths(paths), record_filters(paths)))


def placed_entries(
    paths: Sequence[Path], filters: Mapping[Path, RecordFilter] | None = None
) -> Iterator[tuple[int, DraftEntry]]:
    """Drafts with the number of their file, from 0; see ``draft_entries``.

    Args:
        paths: the files themselves; one of several may be empty, like that of a chunk without HiFi reads.
        filters: those of some files (``inputs.record_filters``).
    """
    n_entries = 0
    for number, path in enumerate(paths):
        for entry in _checked_entries(path, (filters or {}).get(path)):
            n_entries += 1
            yield number, entry
    if n_entries == 0:
        raise no_drafts(paths)


def _checked_entries(path: Path, chosen: RecordFilter | None) -> Iterator[DraftEntry]:
    first = True
    for entry in _from_records(path, chosen) if kind_of(path) in RECORD_KINDS else _from_text(path):
        if first:
            require_form(path, entry.name, CCS)
        first = False
        yield entry


def first_drafts(paths: Paths, most: int) -> Iterator[Draft]:
    """The first drafts of each BAM, SAM or CRAM file; damaged ones are skipped.

    Args:
        paths: the files; others are skipped.
        most: drafts of each file to look at.

    Raises:
        InputError: as ``draft_entries``.
    """
    filters = record_filters(paths)
    for path in expand_paths(paths):
        for entry in islice(_checked_entries(path, filters.get(path)), most) if kind_of(path) in RECORD_KINDS else ():
            with suppress(MoleculeError):
                yield entry.read()


def no_drafts(paths: Sequence[Path]) -> InputError:
    """The error for files without reads."""
    return InputError(f"{', '.join(map(str, paths))}: no reads found")


def count_drafts(paths: Paths) -> int:
    """Number of drafts in files, counted by reading them.

    Raises:
        InputError: as ``draft_entries``.
    """
    return sum(1 for _ in draft_entries(paths))


def _from_records(path: Path, chosen: RecordFilter | None) -> Iterator[DraftEntry]:
    yield from (record_entry(record) for _, record in located_records(path, chosen))


def located_records(path: Path, chosen: RecordFilter | None = None) -> Iterator[tuple[int, Record]]:
    """The records of drafts with their virtual offsets (``RecordFile.tell``), in file order.

    Args:
        path: BAM, SAM or CRAM; offsets are 0 in the last two.
        chosen: the filter of a data set.

    Raises:
        InputError: the file is damaged, or holds other reads.
    """
    with RecordFile(path) as file:
        types = ReadTypes(file.header, path, CCS)
        offset = file.tell()
        for record in file:
            types.require(record)
            if (record.primary or record.fault) and (chosen is None or chosen.accepts(record)):
                yield offset, record
            offset = file.tell()


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
    """A BAM file of drafts with their offsets: 12 bytes for each.

    Attributes:
        n_drafts: number of drafts.
        holes: ``int32[n_drafts]`` ZMW hole numbers.
        keys: ``int64[n_drafts]`` movie and hole number; None if a read group has several movies.
    """

    def __init__(self, path: Path, pbi: PbiFile, movies: dict[str, int]) -> None:
        """Read the index.

        Args:
            path: the file.
            pbi: its index.
            movies: the number of each movie; extended here.

        Raises:
            InputError: the index is damaged or belongs to another file, or the file has no CCS reads.
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
            raise misfit(self._pbi, self._path, "no record at the given offset") from error
        return self._entry(record, row)

    def _entry(self, record: Record, row: int) -> DraftEntry:
        self._types.require(record)
        entry, hole = record_entry(record), int(self.holes[row])
        molecule = parse_ccs(entry.name)
        # pbindex writes hole number 0 for a record without the tag.
        untagged = molecule.hole if molecule and hole else hole
        if hole != (untagged if (tagged := record.hole()) is None else tagged) and not record.fault:
            raise misfit(self._pbi, self._path, f"{entry.name} found instead of ZMW {hole}")
        return entry


class IndexedDrafts:
    """BAM files of drafts that all have an index: 20 bytes for each draft.

    Attributes:
        n_drafts: number of drafts in all files.
        starts: number of drafts before each file.
    """

    def __init__(self, files: Sequence[_IndexedFile]) -> None:
        """Join files."""
        self._files = files
        *self.starts, self.n_drafts = accumulate((file.n_drafts for file in files), initial=0)
        by_movie = [file.keys for file in files if file.keys is not None]
        # Hole numbers alone find too many drafts; the names decide.
        self._keys: NDArray[np.int64] = np.concatenate(
            by_movie if len(by_movie) == len(files) else [file.holes.astype(np.int64) for file in files]
        )

    def entries(self, start: int, stop: int | None) -> Iterator[tuple[int, DraftEntry]]:
        """A range of numbered drafts, after any earlier drafts of the same ZMWs (to find drafts that occur twice).

        Args:
            start: number of the first draft.
            stop: one past the number of the last draft; None is the end.

        Raises:
            InputError: a file is damaged, or the index belongs to another file.
        """
        if start >= self.n_drafts:
            return
        # Their names decide which of them are of the same molecule (strand).
        same_zmw = np.flatnonzero(np.isin(self._keys[:start], self._keys[start:stop]))
        last = self.n_drafts if stop is None else min(stop, self.n_drafts)
        for file, first in zip(self._files, self.starts, strict=True):
            rows = same_zmw[(same_zmw >= first) & (same_zmw < first + file.n_drafts)] - first
            chosen = file.entries(rows.tolist(), max(start - first, 0), min(last - first, file.n_drafts))
            yield from ((first + row, entry) for row, entry in chosen)


def indexed_drafts(paths: Sequence[Path]) -> IndexedDrafts | None:
    """The drafts of BAM files through their indexes; None unless all have one that can be used.

    Raises:
        InputError: an index is damaged or belongs to another file, or a file has no CCS reads.
    """
    indexes = [index_of(path) if kind_of(path) is Kind.BAM else None for path in paths]
    # Files aligned to a genome have secondary records, which an index does not tell from primary ones.
    whole = [pbi for pbi in indexes if pbi is not None and "mapped" not in pbi.tables]
    if len(whole) < len(paths):
        return None
    if not any(pbi.n_records for pbi in whole):
        raise no_drafts(paths)
    movies: dict[str, int] = {}
    return IndexedDrafts([_IndexedFile(path, pbi, movies) for path, pbi in zip(paths, whole, strict=True)])
