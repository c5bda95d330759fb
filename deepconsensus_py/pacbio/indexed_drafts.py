"""Drafts that are sought through the PacBio BAM index of their file."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pysam

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.drafts import DraftEntry, no_drafts, record_entry, require_ccs
from deepconsensus_py.pacbio.inputs import RecordFile
from deepconsensus_py.pacbio.names import parse_ccs
from deepconsensus_py.pacbio.pbi import BASIC, PbiFile
from deepconsensus_py.pacbio.places import index_of, misfit, require_end, zmw_keys


class IndexedDrafts:
    """A BAM file of drafts and where they lie: 20 bytes for each.

    Attributes:
        n_drafts: of the file.
    """

    def __init__(self, path: Path, pbi: PbiFile) -> None:
        """Read the index.

        Raises:
            InputError: the index is damaged, or that of another file; or the file holds no CCS reads.
        """
        if not pbi.n_records:
            raise no_drafts(path)
        self._path = path
        self._pbi = pbi
        self.n_drafts = pbi.n_records
        columns = {name: np.empty(pbi.n_records, BASIC[name]) for name in ("rgId", "holeNumber", "fileOffset")}
        for block in pbi.blocks(columns):
            columns[block.column][block.start : block.start + len(block.values)] = block.values
        self._offsets = columns["fileOffset"]
        self._holes = columns["holeNumber"]
        movies: dict[str, int] = {}
        with RecordFile(path) as file:
            require_end(pbi, file, int(self._offsets[-1]))
            require_ccs(path, self._at(file, 0).name)

            def movie_at(row: int) -> int:
                molecule = parse_ccs(self._at(file, row).name)
                return movies.setdefault(molecule.movie if molecule else "", len(movies))

            keys = zmw_keys(columns["rgId"], self._holes, movie_at)
            self._keys = self._holes if keys is None else keys

    def entries(self, start: int, stop: int | None) -> Iterator[tuple[int, DraftEntry]]:
        """Some numbered drafts, and before them those that are of the ZMW of one of these and come earlier.

        Args:
            start: number of the first.
            stop: number of the first after them; None goes on to the end.

        Raises:
            InputError: the file is damaged, or the index is that of another file.
        """
        if start >= self.n_drafts:
            return
        # Which of them is of the same molecule, their names tell.
        same_zmw = np.flatnonzero(np.isin(self._keys[:start], self._keys[start:stop]))
        with RecordFile(self._path) as file:
            for row in same_zmw.tolist():
                yield row, self._at(file, row)
            file.seek(int(self._offsets[start]))
            last = self.n_drafts if stop is None else min(stop, self.n_drafts)
            for row, record in zip(range(start, last), file, strict=False):
                yield row, self._entry(record, row)

    def _at(self, file: RecordFile, row: int) -> DraftEntry:
        file.seek(int(self._offsets[row]))
        try:
            record = next(iter(file))
        except InputError as error:
            raise misfit(self._pbi, self._path, "there is no record where it says") from error
        return self._entry(record, row)

    def _entry(self, record: pysam.AlignedSegment, row: int) -> DraftEntry:
        entry, hole = record_entry(record), int(self._holes[row])
        molecule = parse_ccs(entry.name)
        # pbindex gives hole number 0 to a record without the tag.
        untagged = molecule.hole if molecule and hole else hole
        if hole != (record.get_tag("zm") if record.has_tag("zm") else untagged):
            raise misfit(self._pbi, self._path, f"{entry.name} lies where ZMW {hole} should")
        return entry


def indexed_drafts(path: Path) -> IndexedDrafts | None:
    """The drafts of a BAM file through its index, where it has one that says all that matters.

    Raises:
        InputError: the index is damaged, or that of another file; or the file holds no CCS reads.
    """
    pbi = index_of(path)
    # Of records that are aligned to a genome some are secondary, which the index does not say.
    return None if pbi is None or "mapped" in pbi.tables else IndexedDrafts(path, pbi)
