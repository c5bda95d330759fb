"""The drafts chosen for a run: all of them, a chunk, or the first ones; and drafts that occur twice."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.drafts import DraftEntry, count_drafts, draft_entries, indexed_drafts, placed_entries
from deepconsensus_py.pacbio.index import MoleculeNumbers
from deepconsensus_py.pacbio.inputs import Kind, Paths, expand_paths, kind_of, record_filters
from deepconsensus_py.pacbio.names import MoleculeId, parse_ccs
from deepconsensus_py.pacbio.pbi import pbi_path


@dataclass(frozen=True, slots=True, eq=False)
class NumberedDraft:
    """A draft and its place in the files.

    Attributes:
        number: from 0, through all files.
        entry: the draft.
        molecule: from its name; None if that is not the name of a CCS read.
        earlier: the number of an earlier draft of the same molecule, if there is one.
    """

    number: int
    entry: DraftEntry
    molecule: MoleculeId | None
    earlier: int | None


def chunk_bounds(n: int, chunk: tuple[int, int]) -> tuple[int, int]:
    """First and last, exclusive, of the ``n`` ZMWs that are in a chunk.

    Raises:
        InputError: there is no such chunk.
    """
    number, chunks = chunk
    if not 1 <= number <= chunks:
        raise InputError(f"chunk {number}/{chunks}: the first number must be from 1 to {chunks}")
    return n * (number - 1) // chunks, n * number // chunks


class DraftPart:
    """Consecutive drafts of files, found through PacBio BAM indexes if all files have one.

    Attributes:
        given: the files, or lists of files, as they were given.
        paths: the files.
        from_start: whether it begins with the first draft.
        to_end: whether it ends with the last draft.
        limited: whether a limit was given.
        unindexed: BAM files that have to be read from the start because they have no index.
    """

    def __init__(
        self, paths: Paths, *, chunk: tuple[int, int] | None = None, limit: int | None = None, skip: int = 0
    ) -> None:
        """Choose drafts.

        Args:
            paths: CCS reads: BAM, FASTQ or FASTA, or files of file names; several are read one after the other.
            chunk: (i, n) chooses the i-th, from 1, of n chunks of all drafts, whose sizes differ by one at most.
            limit: choose only the first ones.
            skip: skip the first of these.

        Raises:
            InputError: a file or its index cannot be used, or there is no such chunk.
        """
        self.given, self.paths = paths, tuple(expand_paths(paths))
        self._filters = record_filters(paths)
        self._index = None if self._filters else indexed_drafts(self.paths)
        self._starts = [0] if self._index is None else self._index.starts
        start, stop = self._bounds(chunk)
        if limit is not None:
            stop = start + limit if stop is None else min(stop, start + limit)
        self._begin, self._start, self._stop = start, start + skip, stop
        self._known, self._noted = MoleculeNumbers(), 0
        self.limited = limit is not None
        self.to_end = not self.limited and (chunk is None or chunk[0] == chunk[1])
        self.from_start = self._start == 0
        partial = chunk is not None or not self.from_start
        bams = (path for path in self.paths if partial and kind_of(path) is Kind.BAM)
        self.unindexed = tuple(path for path in bams if not pbi_path(path).is_file())

    @property
    def names(self) -> str:
        """The files, for messages."""
        return ", ".join(map(str, self.paths))

    def places(self, earlier: int, later: int) -> str:
        """The places of two drafts that have been read, for messages: ``read 3 of a.bam and read 1 of b.bam``."""
        (first, before), (second, after) = self._place(earlier), self._place(later)
        return f"read {before} of {first} and read {after}" + (f" of {second}" if second != first else "")

    def _place(self, number: int) -> tuple[Path, int]:
        """The file of a draft that has been read, and its number in it, from 1."""
        file = bisect_right(self._starts, number) - 1
        return self.paths[file], number - self._starts[file] + 1

    def _bounds(self, chunk: tuple[int, int] | None) -> tuple[int, int | None]:
        if chunk is None:
            return 0, None
        return chunk_bounds(self._n_drafts, chunk)

    @cached_property
    def _n_drafts(self) -> int:
        return count_drafts(self.given) if self._index is None else self._index.n_drafts

    def __len__(self) -> int:
        """Number of chosen drafts; without indexes the files are read to count them."""
        stop = self._n_drafts if self._stop is None else min(self._stop, self._n_drafts)
        return max(stop - self._start, 0)

    def __iter__(self) -> Iterator[NumberedDraft]:
        """The chosen drafts, in file order, not yet decoded.

        Raises:
            InputError: a file is damaged, an index belongs to another file, or there is no draft.
        """
        if self._stop is not None and self._start >= self._stop:
            return
        self._known, self._noted = MoleculeNumbers(), 0
        for number, entry in self._read():
            if number == self._stop:
                return
            molecule = parse_ccs(entry.name)
            earlier = None if molecule is None else self._known.note(molecule, number)
            self._noted += 1
            if number >= self._start:
                yield NumberedDraft(number, entry, molecule, earlier)

    def skipped_beyond(self, skip: int) -> int:
        """How many of the molecules to skip come after the chosen drafts."""
        stop = self._n_drafts if self._stop is None else min(self._stop, self._n_drafts)
        return max(skip - (stop - self._begin), 0)

    def has_zmw(self, molecule: MoleculeId) -> bool:
        """Whether any of the files has a draft of a ZMW; reads the rest of the files first."""
        if self._noted < self._n_drafts:
            for number, entry in enumerate(draft_entries(self.given)):
                if found := parse_ccs(entry.name):
                    self._known.note(found, number)
            self._noted = self._n_drafts
        return self._known.has_zmw(molecule)

    def _read(self) -> Iterator[tuple[int, DraftEntry]]:
        """Numbered drafts; without indexes, from the start of the files."""
        if self._index is not None:
            yield from self._index.entries(self._start, self._stop)
            return
        for number, (file, entry) in enumerate(placed_entries(self.paths, self._filters)):
            self._starts += [number] * (file + 1 - len(self._starts))
            yield number, entry
