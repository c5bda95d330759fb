"""Subreads files whose ZMWs are found through PacBio BAM indexes instead of by reading from the start."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.bam_record import Record
from deepconsensus_py.pacbio.grouping import Group
from deepconsensus_py.pacbio.inputs import Paths, expand_paths, record_filters
from deepconsensus_py.pacbio.names import MoleculeId, ccs_name, parse_ccs
from deepconsensus_py.pacbio.pbi import PbiFile
from deepconsensus_py.pacbio.places import HOLE_BITS, index_of, misfit, read_spans, zmw_keys
from deepconsensus_py.pacbio.subreads import SubreadFile, SubreadSource, no_subreads


class Subreads(Protocol):
    """Subreads files that can be searched for molecules, in any order.

    Attributes:
        aligned: whether the subreads are aligned to drafts.
        n_molecules: molecules known so far.
        complete: whether these are all.
        unindexed: BAM files without an index.
    """

    aligned: bool
    n_molecules: int
    complete: bool
    unindexed: tuple[Path, ...]

    @property
    def names(self) -> str:
        """The files, for messages."""
        ...

    def find(self, molecule: MoleculeId) -> list[Record]:
        """The records of a molecule; empty if the files do not have it.

        Args:
            molecule: that of the draft; raw subreads are used for both strands of their ZMW.

        Raises:
            InputError: a file is damaged, not grouped by ZMW, or has the index of another file.
        """
        ...

    def has(self, molecule: MoleculeId) -> bool:
        """Whether a molecule is among those known so far."""
        ...

    def pass_all(self) -> None:
        """Read to the end, so that all molecules are known.

        Raises:
            InputError: a file is damaged, or the subreads of a ZMW are in two separate places.
        """
        ...

    def molecules(self) -> Iterator[MoleculeId]:
        """The molecules known so far, in file order."""
        ...

    def groups(self, skip: int = 0) -> Iterator[Group]:
        """The molecules in file order, without the first ``skip``."""
        ...

    def close(self) -> None:
        """Close the files."""
        ...


def open_subreads(paths: Paths) -> Subreads:
    """Open subreads files, with their indexes if all have one, else to be read from the start.

    Args:
        paths: subreads files, or files of file names.

    Raises:
        InputError: a file or an index cannot be used, or some are aligned and some not.
    """
    files: list[SubreadFile] = []
    try:
        filters = record_filters(paths)
        files += (SubreadFile(path, filters.get(path)) for path in expand_paths(paths, pipes=True))
        return _opened(files)
    except InputError:
        for file in files:
            file.close()
        raise


def _opened(files: Sequence[SubreadFile]) -> Subreads:
    if len({file.aligned for file in files}) > 1:
        raise InputError("some subreads files are aligned and others are not; give only one kind")
    # An index finds all records of a ZMW, those too that the filters of a data set do not choose.
    indexes = [index_of(file.path) if file.seekable and file.chosen is None else None for file in files]
    if None in indexes:
        return SubreadSource(files)
    movies: dict[str, int] = {}
    indexed = [_IndexedFile(file, pbi, movies) for file, pbi in zip(files, indexes, strict=True) if pbi]
    if not all(file.has_movies for file in indexed) or _have_molecules_twice(indexed):
        # Reading the files shows whether this is an error, or caused by records that are ignored.
        for file in files:
            file.rewind()
        source = SubreadSource(files)
        source.pass_all()
        return source
    return IndexedSubreads(indexed, movies)


class _IndexedFile:
    """A subreads file with the offsets of its ZMWs: 41 bytes for each.

    Attributes:
        file: the file.
        n_records: number of records.
        has_movies: whether each read group has one movie.
        keys: ``int64[molecules]`` movie and hole number, ascending; both strands of a ZMW have the same.
    """

    def __init__(self, file: SubreadFile, pbi: PbiFile, movies: dict[str, int]) -> None:
        """Read the index.

        Args:
            file: the subreads.
            pbi: their index.
            movies: the number of each movie; extended here.

        Raises:
            InputError: the index is damaged or belongs to another file.
        """
        self.file = file
        self.n_records = pbi.n_records
        self._pbi = pbi
        spans = read_spans(pbi, aligned=file.aligned)
        file.require_end(pbi, spans.last)

        self._holes, self._references = spans.holes, spans.references
        self._offsets, self._sizes = spans.offsets, spans.sizes
        self._checked = np.zeros(len(spans.holes), bool)

        def movie_at(span: int) -> int:
            zmw = self._check(span)
            return movies.setdefault(zmw.movie if zmw else "", len(movies))

        keys = zmw_keys(spans.groups, spans.holes, movie_at)
        self.has_movies = keys is not None
        keys = spans.holes.astype(np.int64) if keys is None else keys
        self._order = np.lexsort((spans.references, keys))
        self.keys = keys[self._order]

    @property
    def references(self) -> NDArray[np.int32]:
        """``int32[molecules]`` numbers of the drafts that they are aligned to, in the order of ``keys``; 0 if raw."""
        return self._references[self._order]

    def _check(self, span: int) -> MoleculeId | None:
        """The ZMW of the first record of a span; None if the record is damaged.

        Raises:
            InputError: the index has another ZMW there.
        """
        try:
            record = self.file.record_at(int(self._offsets[span]))
        except InputError as error:
            raise misfit(self._pbi, self.file.path, "no record at the given offset") from error
        if record is None:
            raise misfit(self._pbi, self.file.path, "no record at the given offset")
        own, placed = self.file.grouping.placed(record)
        if own and own.hole != self._holes[span]:
            raise misfit(self._pbi, self.file.path, f"{record.name} found instead of ZMW {self._holes[span]}")
        if self.file.aligned and not placed.fault and placed.reference_id != self._references[span]:
            raise misfit(self._pbi, self.file.path, f"{record.name} is aligned to another draft than in the index")
        self._checked[span] = True
        return own and own.zmw

    def find(self, key: int, molecule: MoleculeId) -> list[Record] | None:
        """The records of a molecule, or None if the file does not have it.

        The spans before and after it are checked once: records that a wrong index assigns to another ZMW would be
        missing here.

        Raises:
            InputError: the file is damaged, or the index belongs to another file.
        """
        spans = self._order[slice(*np.searchsorted(self.keys, (key, key + 1)))]
        if self.file.aligned:
            spans = spans[self._references[spans] == self.file.header.get_tid(ccs_name(molecule))]
        if not len(spans):
            return None
        span = int(spans[0])
        self._check_neighbour(span - 1)
        found = []
        for record in self.file.records_at(int(self._offsets[span]), int(self._sizes[span])):
            if (fitted := self.file.grouping.fitted(record, molecule)) is None:
                raise misfit(self._pbi, self.file.path, f"{record.name} found instead of {molecule}")
            found.append(fitted)
        self._check_neighbour(span + 1)
        return found

    def _check_neighbour(self, span: int) -> None:
        if 0 <= span < len(self._checked) and not self._checked[span]:
            self._check(span)

    def molecules(self, movies: Sequence[str]) -> Iterator[MoleculeId]:
        """The molecules in file order.

        Args:
            movies: by their numbers.
        """
        keys = np.empty_like(self.keys)
        keys[self._order] = self.keys
        for key, reference in zip(keys.tolist(), self._references.tolist(), strict=True):
            draft = parse_ccs(self.file.header.references[reference]) if self.file.aligned else None
            yield draft or MoleculeId(movies[key >> HOLE_BITS], key & (1 << HOLE_BITS) - 1)

    def groups(self, skip: int) -> Iterator[Group]:
        """The molecules in file order, without the first ``skip``."""
        if skip < len(self.keys):
            yield from self.file.groups_from(int(np.partition(self._offsets, skip)[skip]))


def _have_molecules_twice(files: Sequence[_IndexedFile]) -> bool:
    """Whether a molecule is in several places of a file, or in several files."""
    for file in files:
        if ((np.diff(file.keys) == 0) & (np.diff(file.references) == 0)).any():
            return True
    keys = np.concatenate([np.unique(file.keys) for file in files])
    return len(np.unique(keys)) < len(keys)


class IndexedSubreads:
    """Subreads files that all have an index; see ``Subreads``.

    Attributes:
        aligned: whether the subreads are aligned to drafts.
        n_molecules: molecules in all files.
        complete: always.
        unindexed: none of the files.
    """

    def __init__(self, files: Sequence[_IndexedFile], movies: Mapping[str, int]) -> None:
        """Combine files.

        Args:
            files: all aligned, or none.
            movies: the numbers of their movies.

        Raises:
            InputError: there are records, but no molecules.
        """
        self._files = files
        self._movies = movies
        self.aligned = files[0].file.aligned
        self.n_molecules = sum(len(file.keys) for file in files)
        self.complete = True
        self.unindexed: tuple[Path, ...] = ()
        self._latest: tuple[MoleculeId, list[Record]] | None = None
        n_records = sum(file.n_records for file in files)
        if self.n_molecules == 0 and (n_records or not self.aligned):
            raise no_subreads(self.names, n_records, aligned=self.aligned)

    @property
    def names(self) -> str:
        """The files, for messages."""
        return ", ".join(str(file.file.path) for file in self._files)

    def find(self, molecule: MoleculeId) -> list[Record]:
        """The records of a molecule; see ``Subreads.find``."""
        wanted = molecule if self.aligned else molecule.zmw
        if self._latest is None or self._latest[0] != wanted:
            self._latest = wanted, self._read(wanted)
        return self._latest[1]

    def _read(self, molecule: MoleculeId) -> list[Record]:
        movie = self._movies.get(molecule.movie)
        if movie is None:
            return []
        found = (file.find(movie << HOLE_BITS | molecule.hole, molecule) for file in self._files)
        return next((records for records in found if records is not None), [])

    def has(self, molecule: MoleculeId) -> bool:
        """Whether the files have a molecule."""
        return bool(self.find(molecule))

    def pass_all(self) -> None:
        """Nothing to do: all molecules are known from the index."""

    def molecules(self) -> Iterator[MoleculeId]:
        """All molecules, in file order."""
        movies = list(self._movies)
        for file in self._files:
            yield from file.molecules(movies)

    def groups(self, skip: int = 0) -> Iterator[Group]:
        """The molecules in file order, without the first ``skip``."""
        for file in self._files:
            yield from file.groups(skip)
            skip = max(skip - len(file.keys), 0)

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.file.close()
