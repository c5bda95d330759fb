"""Molecules: drafts matched with their passes by (movie, hole number, strand), whatever the order of the two files."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import overload

import numpy as np

from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.pacbio.bam_record import Record
from deepconsensus_py.pacbio.draft_parts import DraftPart
from deepconsensus_py.pacbio.drafts import DraftEntry, draft_entries
from deepconsensus_py.pacbio.indexed_subreads import Subreads, open_subreads
from deepconsensus_py.pacbio.inputs import Paths, expand_paths
from deepconsensus_py.pacbio.molecule import Draft, Pass, Zmw
from deepconsensus_py.pacbio.names import MoleculeId, ccs_name, parse_ccs, shortened
from deepconsensus_py.pacbio.records import read_pass

log = logging.getLogger(__name__)


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


@dataclass(frozen=True, slots=True, eq=False)
class Undrafted:
    """A molecule that has no draft yet.

    Attributes:
        molecule: whose passes they are.
        passes: unaligned passes, or why they cannot be read.
    """

    molecule: MoleculeId
    passes: tuple[Pass, ...] | MoleculeError

    @property
    def name(self) -> str:
        """The name that its draft will have."""
        return ccs_name(self.molecule)


Molecule = Zmw | Undrafted | Fault
"""What reading gives and polishing takes."""


@overload
def read_zmws(
    subreads: Paths, ccs: Paths, *, chunk: tuple[int, int] | None = None, limit: int | None = None, skip: int = 0
) -> Iterator[Zmw | Fault]: ...


@overload
def read_zmws(subreads: Paths, ccs: None = None, *, limit: int | None = None, skip: int = 0) -> Iterator[Undrafted]: ...


def read_zmws(
    subreads: Paths,
    ccs: Paths | None = None,
    *,
    chunk: tuple[int, int] | None = None,
    limit: int | None = None,
    skip: int = 0,
) -> Iterator[Zmw | Fault] | Iterator[Undrafted]:
    """Every CCS read with its passes, in the order of the CCS files; without these, the passes of every molecule.

    Through PacBio BAM indexes (``.pbi``) beside the files, molecules are sought. Without them the subreads files are
    read through once where both orders agree; otherwise molecules that have been passed are sought again, with 16 bytes
    of memory for each. Subreads that are not aligned serve both strands of a by-strand CCS: which of them a
    pass belongs to, its alignment decides.

    Args:
        subreads: BAM files with subreads grouped by ZMW, raw or aligned to the CCS reads, or files of file names.
        ccs: CCS reads, the drafts: BAM, FASTQ or FASTA, or files of file names; several are read one after the other.
            None leaves the drafts to be made from the subreads, when they are polished.
        chunk: (i, n) reads only the i-th, from 1, of n neighbouring parts of the drafts, equal but for one; the n
            chunks together are the whole.
        limit: read only so many molecules, from the start of the files or chunk.
        skip: pass over so many of these, the first ones, without building them: another run has done them.

    Returns:
        One item for every CCS read, or for every molecule of the subreads; a CCS read without subreads has no passes.
        What cannot be read properly is a ``Fault``.

    Raises:
        InputError: a file cannot be used, none of the molecules is in both, or a chunk is asked for without CCS reads.
    """
    if ccs is not None:
        return match(subreads, DraftPart(ccs, chunk=chunk, limit=limit, skip=skip))
    if chunk is not None:
        raise InputError("--chunk needs CCS reads: give them, or build drafts first ('deepconsensus-py draft')")
    found = read_subreads(subreads, skip=skip, limit=None if limit is None else max(limit - skip, 0))
    return (Undrafted(*molecule) for molecule in found)


def match(subreads: Paths, drafts: DraftPart, *, undrafted: bool = False, skip: int = 0) -> Iterator[Zmw | Fault]:
    """Chosen drafts with their passes; see ``read_zmws``.

    Args:
        subreads: as for ``read_zmws``.
        drafts: the chosen ones.
        undrafted: whether molecules without a draft follow behind the last draft of the files, as ``no_draft``.
        skip: as it was given to ``drafts``; what of it lies behind the drafts is skipped of these molecules.
    """
    return _matched(open_subreads(subreads), drafts, skip if undrafted else None)


def read_subreads(
    subreads: Paths, *, skip: int = 0, limit: int | None = None
) -> Iterator[tuple[MoleculeId, tuple[Pass, ...] | MoleculeError]]:
    """Every molecule's passes as they were sequenced, in file order, for drafts to be made of.

    Args:
        subreads: BAM files with raw subreads grouped by ZMW, or files of file names.
        skip: pass over so many molecules, the first ones, without building them.
        limit: read only so many of the others.

    Yields:
        A molecule with its passes, or with what is wrong with them.

    Raises:
        InputError: a file cannot be used, or its subreads are aligned.
    """
    with closing(open_subreads(subreads)) as source:
        if source.aligned:
            raise InputError(
                f"{source.names}: its subreads are aligned already; give the drafts that they are aligned to as well "
                "(--ccs), or the subreads as they were sequenced"
            )
        for group in islice(source.groups(skip), limit):
            try:
                yield group.molecule, read_passes(group.records)
            except MoleculeError as error:
                yield group.molecule, error
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
                yield Fault(entry, f"{entry.name}: is {drafts.places(draft.earlier, draft.number)}")
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
    """Make sure that no passes of the molecules lie where nobody has read yet, or say that this was not done.

    Raises:
        InputError: the subreads of a molecule lie in two separate places.
    """
    if not limited:
        source.pass_all()
    elif not source.complete:
        log.info("the subreads files were not read to their end: further passes of these ZMWs were not searched for")


def _undrafted(source: Subreads, drafts: DraftPart) -> Iterator[Fault]:
    for molecule in source.molecules():
        if not drafts.has_zmw(molecule):
            name = ccs_name(molecule)
            yield Fault(
                Draft(name, np.empty(0, np.uint8), None), f"{name}: the CCS files have no read of it", "no_draft"
            )


def _advise(source: Subreads, drafts: DraftPart) -> None:
    """Say which files an index would have spared reading from their start."""
    passed = () if drafts.from_start or source.n_molecules <= 1 else source.unindexed
    if files := " ".join(str(path) for path in (*drafts.unindexed, *passed)):
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
    """A molecule from the records of its passes.

    Raises:
        MoleculeError: as ``read_passes``; or a record is aligned to a reference of another length than the draft.
    """
    passes = read_passes(records)
    for record in records:
        if record.unmapped:
            continue
        length = record.origin.lengths[record.reference_id]
        if length != len(draft.bases):
            raise record.error(
                f"is aligned to a {record.reference_name} of {length} bases (@SQ LN), and the draft has "
                f"{len(draft.bases)}; align the subreads to the drafts that are given"
            )
    return Zmw(draft, passes)


def read_passes(records: Sequence[Record]) -> tuple[Pass, ...]:
    """The passes of a molecule.

    Raises:
        MoleculeError: a record cannot be read, or its name is that of another one: the same evidence twice.
    """
    passes, names = [], set()
    for record in records:
        if record.name in names:
            raise record.error("is there twice; remove the second copy (were files merged that share subreads?)")
        names.add(record.name)
        passes.append(read_pass(record))
    return tuple(passes)


def _misnamed(draft: Draft, drafts: str) -> Fault:
    return Fault(draft, f"{shortened(draft.name)}: is not the name of a CCS read (movie/zmw/ccs) in {drafts}")


def _check_some_match(source: Subreads, drafts: DraftPart) -> None:
    """Fail before anything is yielded where subreads and drafts are of different molecules."""
    source.pass_all()
    if source.n_molecules == 0:
        return
    named, name = False, ""
    for entry in draft_entries(drafts.paths):
        molecule = parse_ccs(entry.name)
        if molecule and source.has(molecule):
            return
        named, name = named or molecule is not None, name or entry.name
    if not named:
        raise InputError(
            f"{drafts.names}: its read names ({shortened(name)}) are not those of CCS reads (movie/zmw/ccs)"
        )
    raise InputError(
        f"none of the {source.n_molecules} molecules of {source.names} is in {drafts.names}; give the CCS reads that "
        "were made from these subreads"
    )


def find_zmw(subreads: Paths, drafts: Paths, zmw: str) -> Zmw:
    """A draft with its passes; the drafts files are read through.

    Args:
        subreads: BAM files with subreads grouped by ZMW, raw or aligned to the drafts, or files of file names.
        drafts: CCS reads: BAM, FASTQ or FASTA, or files of file names.
        zmw: hole number, or the name of the CCS read.

    Raises:
        InputError: a file cannot be used, or there is no such molecule, or more than one.
        MoleculeError: it has no passes, or they cannot be read.
    """
    entry, molecule = _only_draft(drafts, zmw)
    with closing(open_subreads(subreads)) as source:
        records = source.find(molecule)
        source.pass_all()
        if not records:
            raise MoleculeError(f"{entry.name}: {source.names} has no pass of it; give the subreads it was made from")
        return read_zmw(entry.read(), records)


def _only_draft(drafts: Paths, zmw: str) -> tuple[DraftEntry, MoleculeId]:
    found, names = [], ", ".join(map(str, expand_paths(drafts)))
    for entry in draft_entries(drafts):
        molecule = parse_ccs(entry.name)
        if molecule and zmw in {entry.name, str(molecule.hole)}:
            found.append((entry, molecule))
    if not found:
        raise InputError(f"{names}: has no CCS read of ZMW {zmw}; give a number or a name that is there")
    if len(found) > 1:
        reads = ", ".join(entry.name for entry, _ in found)
        raise InputError(f"{names}: has {len(found)} CCS reads of ZMW {zmw}; give the name of one: {reads}")
    return found[0]
