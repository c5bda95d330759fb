"""Molecules: drafts matched with their passes by (movie, hole number, strand), whatever the order of the two files."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pysam

from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.pacbio.drafts import count_drafts, draft_entries
from deepconsensus_py.pacbio.index import MoleculeKeys, OffsetIndex
from deepconsensus_py.pacbio.molecule import Draft, Pass, Zmw
from deepconsensus_py.pacbio.names import MoleculeId, parse_ccs
from deepconsensus_py.pacbio.records import read_pass
from deepconsensus_py.pacbio.subreads import SubreadSource


@dataclass(frozen=True, slots=True, eq=False)
class Fault:
    """A molecule that cannot be read properly; it is reported and the run goes on.

    Attributes:
        draft: its draft.
        reason: one sentence.
        outcome: its row in the report.
    """

    draft: Draft
    reason: str
    outcome: str = "error"

    @property
    def name(self) -> str:
        """The draft's name."""
        return self.draft.name


def read_zmws(
    subreads: Sequence[Path],
    drafts: Path,
    *,
    chunk: tuple[int, int] | None = None,
    limit: int | None = None,
    skip: int = 0,
) -> Iterator[Zmw | Fault]:
    """Every draft with its passes, in the order of the drafts file.

    The subreads files are read through once where both orders agree; otherwise molecules are sought in them, with
    16 bytes of memory for each. Subreads that are not aligned serve both strands of a by-strand CCS: which of them a
    pass belongs to, its alignment decides.

    Args:
        subreads: BAM files with subreads grouped by ZMW, raw or aligned to the drafts, or files of file names.
        drafts: CCS reads: BAM, FASTQ or FASTA.
        chunk: (i, n) reads only the i-th, from 1, of n neighbouring parts of the drafts file, equal but for one draft;
            the n chunks together are the whole.
        limit: read only so many molecules, from the start of the file or chunk.
        skip: pass over so many of these, the first ones, without building them: another run has done them.

    Returns:
        One item for every draft; one without subreads has no passes.

    Raises:
        InputError: a file cannot be used, or none of the molecules is in both.
    """
    source = SubreadSource(subreads)
    start, stop = _part(drafts, chunk)
    if limit is not None:
        stop = start + limit if stop is None else min(stop, start + limit)
    return _matched(source, drafts, start + skip, stop)


def read_subreads(
    subreads: Sequence[Path], *, skip: int = 0
) -> Iterator[tuple[MoleculeId, tuple[Pass, ...] | MoleculeError]]:
    """Every molecule's passes as they were sequenced, in file order, for drafts to be made of.

    Args:
        subreads: BAM files with raw subreads grouped by ZMW, or files of file names.
        skip: pass over so many molecules, the first ones, without building them.

    Yields:
        A molecule with its passes, or with what is wrong with them.

    Raises:
        InputError: a file cannot be used, or its subreads are aligned.
    """
    with closing(SubreadSource(subreads)) as source:
        if source.aligned:
            raise InputError(
                f"{source.names}: its subreads are aligned already; give the drafts that they are aligned to as well "
                "(--ccs), or the subreads as they were sequenced"
            )
        for group in islice(source, skip, None):
            try:
                yield group.molecule, _passes(group.records)
            except MoleculeError as error:
                yield group.molecule, error


def _part(drafts: Path, chunk: tuple[int, int] | None) -> tuple[int, int | None]:
    if chunk is None:
        return 0, None
    number, chunks = chunk
    if not 1 <= number <= chunks:
        raise InputError(f"chunk {number}/{chunks}: give a number from 1 to the number of chunks")
    n_drafts = count_drafts(drafts)
    return n_drafts * (number - 1) // chunks, n_drafts * number // chunks


def _matched(source: SubreadSource, drafts: Path, start: int, stop: int | None) -> Iterator[Zmw | Fault]:
    sure = False
    names = _Names()
    with closing(source):
        for number, entry in enumerate(draft_entries(drafts)):
            if number == stop:
                return
            molecule = parse_ccs(entry.name)
            earlier = names.note(molecule, number)
            if number < start:
                continue
            if earlier is not None:
                yield Fault(
                    entry.read(), f"{entry.name}: is read {earlier + 1} of {drafts} and again read {number + 1}"
                )
                continue
            records = source.find(molecule) if molecule else []
            if not (sure or records):
                _check_some_match(source, drafts)
            sure = True
            yield _zmw(entry.read(), records) if molecule else _misnamed(entry.read(), drafts)


class _Names:
    """The molecules of the drafts so far."""

    def __init__(self) -> None:
        self._keys = MoleculeKeys()
        self._numbers = OffsetIndex()

    def note(self, molecule: MoleculeId | None, number: int) -> int | None:
        """The number of the earlier draft of the same molecule, or None."""
        if molecule is None:
            return None
        key = self._keys.key(molecule)
        earlier = self._numbers.find(key)
        if earlier is None:
            self._numbers.add(key, number)
        return earlier


def _zmw(draft: Draft, records: list[pysam.AlignedSegment]) -> Zmw | Fault:
    try:
        return Zmw(draft, _passes(records))
    except MoleculeError as error:
        return Fault(draft, str(error), error.outcome)


def _passes(records: list[pysam.AlignedSegment]) -> tuple[Pass, ...]:
    return tuple(read_pass(record) for record in records)


def _misnamed(draft: Draft, drafts: Path) -> Fault:
    return Fault(draft, f"{draft.name}: is not the name of a CCS read (movie/zmw/ccs) in {drafts}")


def _check_some_match(source: SubreadSource, drafts: Path) -> None:
    """Fail before anything is yielded where the two files are of different molecules."""
    for _ in source:
        pass
    if source.n_molecules == 0:
        return
    molecules = (parse_ccs(entry.name) for entry in draft_entries(drafts))
    if not any(molecule and source.has(molecule) for molecule in molecules):
        raise InputError(
            f"none of the {source.n_molecules} molecules of {source.names} is in {drafts}; give the CCS reads that "
            "were made from these subreads"
        )
