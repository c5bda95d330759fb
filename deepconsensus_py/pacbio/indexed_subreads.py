"""Subreads whose molecules are sought through PacBio BAM indexes rather than by reading on."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.bam_record import Record
from deepconsensus_py.pacbio.inputs import expand_paths
from deepconsensus_py.pacbio.names import MoleculeId, ccs_name
from deepconsensus_py.pacbio.pbi import PbiFile
from deepconsensus_py.pacbio.places import HOLE_BITS, index_of, misfit, read_runs, zmw_keys
from deepconsensus_py.pacbio.subreads import Group, SubreadFile, SubreadSource, no_subreads


class Subreads(Protocol):
    """Subreads files from which molecules are asked for, in any order.

    Attributes:
        aligned: whether the subreads are aligned to drafts.
        n_molecules: molecules known so far.
        unindexed: BAM files without an index.
    """

    aligned: bool
    n_molecules: int
    unindexed: tuple[Path, ...]

    @property
    def names(self) -> str:
        """The files, for messages."""
        ...

    def find(self, molecule: MoleculeId) -> list[Record]:
        """The records of a molecule; none where the files do not have it.

        Args:
            molecule: that of the draft; raw subreads serve both strands of their ZMW.

        Raises:
            InputError: a file is damaged, not grouped by ZMW, or has the index of another file.
        """
        ...

    def has(self, molecule: MoleculeId) -> bool:
        """Whether the molecules known so far have one."""
        ...

    def pass_all(self) -> None:
        """Know all molecules."""
        ...

    def groups(self, skip: int = 0) -> Iterator[Group]:
        """The molecules in file order, but for the first ``skip``."""
        ...

    def close(self) -> None:
        """Close the files."""
        ...


def open_subreads(paths: Sequence[Path]) -> Subreads:
    """Open subreads files: through their indexes where all have one, to be read through otherwise.

    Args:
        paths: subreads files, or files of file names.

    Raises:
        InputError: a file or an index cannot be used, or some are aligned and some not.
    """
    files: list[SubreadFile] = []
    try:
        files += (SubreadFile(path) for path in expand_paths(paths))
        return _opened(files)
    except InputError:
        for file in files:
            file.close()
        raise


def _opened(files: Sequence[SubreadFile]) -> Subreads:
    if len({file.aligned for file in files}) > 1:
        raise InputError("some subreads files are aligned and some are not; give only one sort")
    indexes = [index_of(file.path) if file.seekable else None for file in files]
    if None in indexes:
        return SubreadSource(files)
    movies: dict[str, int] = {}
    indexed = [_IndexedFile(file, pbi, movies) for file, pbi in zip(files, indexes, strict=True) if pbi]
    if not all(file.has_movies for file in indexed) or _have_molecules_twice(indexed):
        # Reading through tells whether that is a fault, or due to records that do not count.
        for file in files:
            file.rewind()
        return SubreadSource(files)
    return IndexedSubreads(indexed, movies)


class _IndexedFile:
    """A subreads file and where its molecules lie: 28 bytes for each.

    Attributes:
        file: the file.
        n_records: of the file.
        has_movies: whether the read groups tell movies.
        keys: ``int64[molecules]`` movie and hole number, rising; both strands of a ZMW have the same.
        references: ``int32[molecules]`` numbers of the drafts that they are aligned to; 0 of raw subreads.
    """

    def __init__(self, file: SubreadFile, pbi: PbiFile, movies: dict[str, int]) -> None:
        """Read the index.

        Args:
            file: the subreads.
            pbi: their index.
            movies: the number of each movie; extended here.

        Raises:
            InputError: the index is damaged, or that of another file.
        """
        self.file = file
        self.n_records = pbi.n_records
        self._pbi = pbi
        runs = read_runs(pbi, aligned=file.aligned)
        file.require_end(pbi, runs.last)

        def movie_at(run: int) -> int:
            zmw = self._zmw_at(int(runs.offsets[run]), int(runs.sizes[run]), int(runs.holes[run]))
            return movies.setdefault(zmw.movie if zmw else "", len(movies))

        keys = zmw_keys(runs.groups, runs.holes, movie_at)
        self.has_movies = keys is not None
        keys = runs.holes.astype(np.int64) if keys is None else keys
        order = np.lexsort((runs.references, keys))
        self.keys, self.references = keys[order], runs.references[order]
        self._offsets, self._sizes = runs.offsets[order], runs.sizes[order]

    def _zmw_at(self, offset: int, size: int, hole: int) -> MoleculeId | None:
        try:
            records = self.file.records_at(offset, size)
        except InputError as error:
            raise misfit(self._pbi, self.file.path, "there is no record where it says") from error
        zmw = self.file.zmw_of(records[0]) if records else None
        if zmw and zmw.hole != hole:
            raise misfit(self._pbi, self.file.path, f"{records[0].name} lies where ZMW {hole} should")
        return zmw

    def find(self, key: int, molecule: MoleculeId) -> list[Record] | None:
        """The records of a molecule, or None where the file does not have it.

        Raises:
            InputError: the file is damaged, or the index is that of another file.
        """
        places = np.arange(*np.searchsorted(self.keys, (key, key + 1)))
        if self.file.aligned:
            places = places[self.references[places] == self.file.header.get_tid(ccs_name(molecule))]
        if not len(places):
            return None
        records = self.file.records_at(int(self._offsets[places[0]]), int(self._sizes[places[0]]))
        found = []
        for record in records:
            if (fitted := self.file.fitted(record, molecule)) is None:
                raise misfit(self._pbi, self.file.path, f"{record.name} lies where {molecule} should")
            found.append(fitted)
        return found

    def groups(self, skip: int) -> Iterator[Group]:
        """The molecules in file order, but for the first ``skip``."""
        if skip < len(self.keys):
            yield from self.file.groups_from(int(np.partition(self._offsets, skip)[skip]))


def _have_molecules_twice(files: Sequence[_IndexedFile]) -> bool:
    """Whether a molecule lies in several places of a file, or in several files."""
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
        unindexed: none of the files.
    """

    def __init__(self, files: Sequence[_IndexedFile], movies: Mapping[str, int]) -> None:
        """Take files with their places.

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
        """All molecules are known from the start."""

    def groups(self, skip: int = 0) -> Iterator[Group]:
        """The molecules in file order, but for the first ``skip``."""
        for file in self._files:
            yield from file.groups(skip)
            skip = max(skip - len(file.keys), 0)

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.file.close()
