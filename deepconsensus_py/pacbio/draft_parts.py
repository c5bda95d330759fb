"""Parts of a drafts file: which molecules a run is of, and whether a draft has come before."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.drafts import DraftEntry, count_drafts, draft_entries
from deepconsensus_py.pacbio.index import MoleculeKeys, OffsetIndex
from deepconsensus_py.pacbio.indexed_drafts import indexed_drafts
from deepconsensus_py.pacbio.inputs import Kind, kind_of
from deepconsensus_py.pacbio.names import MoleculeId, parse_ccs
from deepconsensus_py.pacbio.pbi import pbi_path


@dataclass(frozen=True, slots=True, eq=False)
class NumberedDraft:
    """A draft and its place in the file.

    Attributes:
        number: from 0.
        entry: the draft.
        molecule: what its name says; None where it is not that of a CCS read.
        earlier: the number of the first draft of the same molecule, where that is another one.
    """

    number: int
    entry: DraftEntry
    molecule: MoleculeId | None
    earlier: int | None


class DraftPart:
    """Neighbouring drafts of a file, sought through its PacBio BAM index where it has one.

    Attributes:
        path: the file.
        from_start: whether it is the beginning of the file.
        unindexed: the file, where it is a BAM file of which more is read than is chosen, for want of an index.
    """

    def __init__(
        self, path: Path, *, chunk: tuple[int, int] | None = None, limit: int | None = None, skip: int = 0
    ) -> None:
        """Choose drafts.

        Args:
            path: CCS reads: BAM, FASTQ or FASTA.
            chunk: (i, n) chooses the i-th, from 1, of n parts of the file, equal but for one draft; together they are
                the whole.
            limit: choose only so many of them, the first ones.
            skip: leave so many of these out, the first ones.

        Raises:
            InputError: the file or its index cannot be used, or there is no such chunk.
        """
        self.path = path
        is_bam = kind_of(path) is Kind.BAM
        self._index = indexed_drafts(path) if is_bam else None
        start, stop = self._bounds(chunk)
        if limit is not None:
            stop = start + limit if stop is None else min(stop, start + limit)
        self._start, self._stop = start + skip, stop
        self.from_start = self._start == 0
        partial = chunk is not None or not self.from_start
        self.unindexed = (path,) if partial and is_bam and not pbi_path(path).is_file() else ()

    def _bounds(self, chunk: tuple[int, int] | None) -> tuple[int, int | None]:
        if chunk is None:
            return 0, None
        number, chunks = chunk
        if not 1 <= number <= chunks:
            raise InputError(f"chunk {number}/{chunks}: give a number from 1 to the number of chunks")
        return self._n_drafts * (number - 1) // chunks, self._n_drafts * number // chunks

    @cached_property
    def _n_drafts(self) -> int:
        return count_drafts(self.path) if self._index is None else self._index.n_drafts

    def __len__(self) -> int:
        """How many drafts are chosen; the file may be read through for it."""
        stop = self._n_drafts if self._stop is None else min(self._stop, self._n_drafts)
        return max(stop - self._start, 0)

    def __iter__(self) -> Iterator[NumberedDraft]:
        """The chosen drafts, in file order, not yet decoded.

        Raises:
            InputError: the file is damaged or empty, or its index is that of another file.
        """
        if self._stop is not None and self._start >= self._stop:
            return
        names = _Names()
        for number, entry in self._read():
            if number == self._stop:
                return
            molecule = parse_ccs(entry.name)
            earlier = None if molecule is None else names.note(molecule, number)
            if number >= self._start:
                yield NumberedDraft(number, entry, molecule, earlier)

    def _read(self) -> Iterable[tuple[int, DraftEntry]]:
        """The numbered drafts from the start of the file on, or what of them is needed."""
        if self._index is None:
            return enumerate(draft_entries(self.path))
        return self._index.entries(self._start, self._stop)


class _Names:
    """The molecules of the drafts so far."""

    def __init__(self) -> None:
        self._keys = MoleculeKeys()
        self._numbers = OffsetIndex()

    def note(self, molecule: MoleculeId, number: int) -> int | None:
        """The number of the earlier draft of the same molecule, or None."""
        key = self._keys.key(molecule)
        earlier = self._numbers.find(key)
        if earlier is None:
            self._numbers.add(key, number)
        return earlier
