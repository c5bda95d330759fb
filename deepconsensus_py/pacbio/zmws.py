"""Matching of drafts with their passes by movie, hole number and strand, in any order of the two files."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import overload

import numpy as np

from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.pacbio.bam_record import Record
from deepconsensus_py.pacbio.draft_parts import DraftPart, chunk_bounds
from deepconsensus_py.pacbio.drafts import DraftEntry, draft_entries
from deepconsensus_py.pacbio.indexed_subreads import Subreads, open_subreads
from deepconsensus_py.pacbio.inputs import Paths, expand_paths
from deepconsensus_py.pacbio.molecule import Draft, Pass, Zmw
from deepconsensus_py.pacbio.names import MoleculeId, ccs_name, parse_ccs, shortened
from deepconsensus_py.pacbio.records import read_pass

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Fault:
    """A ZMW that cannot be read; it is reported and the run continues.

    Attributes:
        draft: its draft.
        reason: what is wrong, in one sentence.
        outcome: its outcome in the report.
    """

    draft: Draft
    reason: str
    outcome: str = "error"

    @property
    def name(self) -> str:
        """The draft's name."""
        return self.draft.name


@dataclass(frozen=True, slots=True, eq=False)
class Undrafted:
    """A ZMW that has no draft yet.

    Attributes:
        molecule: the ZMW.
        passes: unaligned passes, or the error in reading them.
    """

    molecule: MoleculeId
    passes: tuple[Pass, ...] | MoleculeError

    @property
    def name(self) -> str:
        """The name of the draft to be built."""
        return ccs_name(self.molecule)


Molecule = Zmw | Undrafted | Fault
"""The output of reading and the input of polishing."""


@overload
def read_zmws(
    subreads: Paths, ccs: Paths, *, chunk: tuple[int, int] | None = None, limit: int | None = None, skip: int = 0
) -> Iterator[Zmw | Fault]: ...


@overload
def read_zmws(
    subreads: Paths, ccs: None = None, *, chunk: tuple[int, int] | None = None, limit: int | None = None, skip: int = 0
) -> Iterator[Undrafted]: ...


def read_zmws(
    subreads: Paths,
    ccs: Paths | None = None,
    *,
    chunk: tuple[int, int] | None = None,
    limit: int | None = None,
    skip: int = 0,
) -> Iterator[Zmw | Fault] | Iterator[Undrafted]:
    """Every CCS read with its passes, in the order of the CCS files; without CCS files, the passes of every ZMW.

    With PacBio BAM indexes (``.pbi``) beside the files, ZMWs are found by seeking. Without them the subreads files are
    read once if both have the same order; otherwise ZMWs are found again by seeking, with 16 bytes of memory for each.
    Raw subreads are used for both strands of by-strand CCS reads; the alignment decides which strand a pass belongs to.

    Args:
        subreads: BAM files with subreads grouped by ZMW, raw or aligned to the CCS reads, or files of file names.
        ccs: CCS reads, the drafts: BAM, FASTQ or FASTA, or files of file names; several are read one after the other.
            None builds draft consensus reads from the subreads, when they are polished.
        chunk: (i, n) reads only the i-th, from 1, of n chunks of the drafts, whose sizes differ by one at most; without
            drafts, of the ZMWs of the subreads.
        limit: read only the first ZMWs of the files or chunk.
        skip: skip the first of these, e.g. because another run has finished them.

    Returns:
        One item for every CCS read, or for every ZMW of the subreads; a CCS read without subreads has no passes. A ZMW
        that cannot be read is a ``Fault``.

    Raises:
        InputError: a file cannot be used, the files have no ZMW in common, or there is no such chunk.
    """
    if ccs is not None:
        return match(subreads, DraftPart(ccs, chunk=chunk, limit=limit, skip=skip))
    start, stop = (0, None) if chunk is None else chunk_bounds(count_molecules(subreads), chunk)
    if limit is not None:
        stop = start + limit if stop is None else min(stop, start + limit)
    start += skip
    left = None if stop is None else max(stop - start, 0)
    found = read_subreads(subreads, skip=start, limit=left, checked=chunk is not None)
    return (Undrafted(*molecule) for molecule in found)


def count_molecules(subreads: Paths) -> int:
    """Number of ZMWs in subreads files, from their indexes; without indexes the files are read.

    Raises:
        InputError: a file cannot be used, is a pipe, or the subreads of a ZMW are in two separate places.
    """
    expand_paths(subreads)
    with closing(open_subreads(subreads)) as source:
        _advise_index(source.unindexed)
        source.pass_all()
        return source.n_molecules


def match(subreads: Paths, drafts: DraftPart, *, undrafted: bool = False, skip: int = 0) -> Iterator[Zmw | Fault]:
    """Chosen drafts with their passes; see ``read_zmws``.

    Args:
        subreads: as for ``read_zmws``.
        drafts: the chosen ones.
        undrafted: whether ZMWs without a draft follow after the last draft of the files, as ``no_draft``.
        skip: as given to ``drafts``; the part beyond the last draft is skipped of these ZMWs.
    """
    return _matched(open_subreads(subreads), drafts, skip if undrafted else None)


def read_subreads(
    subreads: Paths, *, skip: int = 0, limit: int | None = None, checked: bool = False
) -> Iterator[tuple[MoleculeId, tuple[Pass, ...] | MoleculeError]]:
    """Every ZMW's passes in sequencing orientation, in file order, to build drafts from.

    Args:
        subreads: BAM files with raw subreads grouped by ZMW, or files of file names.
        skip: skip the first ZMWs.
        limit: read only the first of the others.
        checked: whether it is known that each ZMW is in one place.

    Yields:
        A ZMW with its passes, or with the error in reading them.

    Raises:
        InputError: a file cannot be used, or its subreads are aligned.
    """
    with closing(open_subreads(subreads)) as source:
        if source.aligned:
            raise InputError(
                f"{source.names}: subreads are aligned already; give the CCS reads that they are aligned to as well "
                "(--ccs), or the raw subreads"
            )
        for group in islice(source.groups(skip), limit):
            try:
                yield group.molecule, read_passes(group.records)
            except MoleculeError as error:
                yield group.molecule, error
        if not checked:
            _finish(source, limited=limit is not None)


def _matched(source: Subreads, drafts: DraftPart, skip: int | None) -> Iterator[Zmw | Fault]:
    sure = False
    with closing(source):
        for draft in drafts:
            entry, molecule = _decoded(draft.entry), draft.molecule
            if isinstance(entry, Fault):
                yield entry
                continue
            if draft.earlier is not None:
                yield Fault(entry, f"{entry.name}: occurs twice, as {drafts.places(draft.earlier, draft.number)}")
                continue
            records = source.find(molecule) if molecule else []
            if not sure:
                if not records:
                    _check_some_match(source, drafts)
                _advise(source, drafts)
            sure = True
            yield _zmw(entry, records) if molecule else _misnamed(entry, drafts.names)
        _finish(source, limited=drafts.limited)
        if skip is not None and drafts.to_end:
            yield from islice(_undrafted(source, drafts), drafts.skipped_beyond(skip), None)


def _finish(source: Subreads, *, limited: bool) -> None:
    """Check that the unread rest of the files has no more passes of these ZMWs, or log that this was not checked.

    Raises:
        InputError: the subreads of a ZMW are in two separate places.
    """
    if not limited:
        source.pass_all()
    elif not source.complete:
        log.info("the subreads files were not read to the end; any further subreads of these ZMWs were not found")


def _undrafted(source: Subreads, drafts: DraftPart) -> Iterator[Fault]:
    for molecule in source.molecules():
        if not drafts.has_zmw(molecule):
            name = ccs_name(molecule)
            yield Fault(Draft(name, np.empty(0, np.uint8), None), f"{name}: no CCS read found", "no_draft")


def _advise(source: Subreads, drafts: DraftPart) -> None:
    """Log which files had to be read from the start because they have no index."""
    passed = () if drafts.from_start or source.n_molecules <= 1 else source.unindexed
    _advise_index((*drafts.unindexed, *passed))


def _advise_index(unindexed: Sequence[Path]) -> None:
    if files := " ".join(map(str, unindexed)):
        log.info(
            "%s: no .pbi index found; reading sequentially (create one with 'deepconsensus-py index %s')", files, files
        )


def _decoded(entry: DraftEntry) -> Draft | Fault:
    try:
        return entry.read()
    except MoleculeError as error:
        return Fault(Draft(entry.name, np.empty(0, np.uint8), None), str(error), error.outcome)


def _zmw(draft: Draft, records: list[Record]) -> Zmw | Fault:
    try:
        return read_zmw(draft, records)
    except MoleculeError as error:
        return Fault(draft, str(error), error.outcome)


def read_zmw(draft: Draft, records: Sequence[Record]) -> Zmw:
    """A ZMW from the records of its passes.

    Raises:
        MoleculeError: as ``read_passes``; or a record is aligned to a reference of another length than the draft's.
    """
    passes = read_passes(records)
    for record in records:
        if record.unmapped:
            continue
        length = record.origin.lengths[record.reference_id]
        if length != len(draft.bases):
            raise record.error(
                f"is aligned to {record.reference_name} of {length} bases (@SQ LN), but the draft has "
                f"{len(draft.bases)}; align the subreads to these CCS reads"
            )
    return Zmw(draft, passes)


def read_passes(records: Sequence[Record]) -> tuple[Pass, ...]:
    """The passes of a ZMW.

    Raises:
        MoleculeError: a record cannot be read, or occurs twice, which would count its evidence twice.
    """
    passes, names = [], set()
    for record in records:
        if record.name in names:
            raise record.error("occurs twice; remove the second copy (were files merged that share subreads?)")
        names.add(record.name)
        passes.append(read_pass(record))
    return tuple(passes)


def _misnamed(draft: Draft, drafts: str) -> Fault:
    return Fault(draft, f"{shortened(draft.name)}: not a CCS read name (movie/zmw/ccs), in {drafts}")


def _check_some_match(source: Subreads, drafts: DraftPart) -> None:
    """Fail before anything is yielded if subreads and drafts have no ZMW in common."""
    source.pass_all()
    if source.n_molecules == 0:
        return
    named, name = False, ""
    for entry in draft_entries(drafts.given):
        molecule = parse_ccs(entry.name)
        if molecule and source.has(molecule):
            return
        named, name = named or molecule is not None, name or entry.name
    if not named:
        raise InputError(f"{drafts.names}: read names ({shortened(name)}) are not those of CCS reads (movie/zmw/ccs)")
    raise InputError(
        f"none of the {source.n_molecules} ZMWs of {source.names} is in {drafts.names}; give the CCS reads that were "
        "made from these subreads"
    )


def find_zmw(subreads: Paths, drafts: Paths, zmw: str) -> Zmw:
    """A draft with its passes; the drafts files are read to their end.

    Args:
        subreads: BAM files with subreads grouped by ZMW, raw or aligned to the drafts, or files of file names.
        drafts: CCS reads: BAM, FASTQ or FASTA, or files of file names.
        zmw: hole number, or the name of the CCS read.

    Raises:
        InputError: a file cannot be used, or there is no such ZMW, or more than one.
        MoleculeError: it has no passes, or they cannot be read.
    """
    entry, molecule = _only_draft(drafts, zmw)
    with closing(open_subreads(subreads)) as source:
        records = source.find(molecule)
        source.pass_all()
        if not records:
            raise MoleculeError(
                f"{entry.name}: no subreads found in {source.names}; give the subreads that it was made from"
            )
        return read_zmw(entry.read(), records)


def _only_draft(drafts: Paths, zmw: str) -> tuple[DraftEntry, MoleculeId]:
    found, names = [], ", ".join(map(str, expand_paths(drafts)))
    for entry in draft_entries(drafts):
        molecule = parse_ccs(entry.name)
        if molecule and zmw in {entry.name, str(molecule.hole)}:
            found.append((entry, molecule))
    if not found:
        raise InputError(f"{names}: no CCS read of ZMW {zmw}; give the hole number or the name of a read in it")
    if len(found) > 1:
        reads = ", ".join(entry.name for entry, _ in found)
        raise InputError(f"{names}: {len(found)} CCS reads of ZMW {zmw}; give the name of one: {reads}")
    return found[0]
