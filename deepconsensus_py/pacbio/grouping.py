"""Grouping of consecutive subreads by ZMW, tolerant of damaged records.

The ZMW of a record follows from its name, its hole number in the tag ``zm``, and in an aligned file its reference. If
they disagree, or the name is unreadable, the ZMW around the record gets a fault; no subread is lost silently, and no
other ZMW is affected.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pysam

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.bam_record import Record
from deepconsensus_py.pacbio.header_text import header_lines
from deepconsensus_py.pacbio.names import MoleculeId, ccs_name, parse_ccs, parse_subread
from deepconsensus_py.pacbio.read_types import CCS, SUBREAD, ReadTypes, refusal, require_form

_MOST_UNNAMED = 1
"""Records without a subread's name that are accepted at the start of a file, before it is refused."""

_STRANGE_MOVIE = "its movie is not in the header"


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """The consecutive records of one molecule.

    Attributes:
        molecule: with a strand only where the subreads are aligned to by-strand drafts.
        offset: BGZF virtual offset of the first record.
        records: the records, primary and, in an aligned file, mapped; some may have a fault.
    """

    molecule: MoleculeId
    offset: int
    records: list[Record]


class Grouping:
    """Assigns the records of a file to molecules.

    Args:
        path: the file, for messages.
        header: of the file.
    """

    def __init__(self, path: Path, header: pysam.AlignmentHeader) -> None:
        self._path = path
        self._header = header
        self._aligned = header.nreferences > 0
        self._types = ReadTypes(header, path, SUBREAD)
        fields = (line.split("\t") for line in header_lines(header) if line.startswith("@RG"))
        self._movies = {field[3:] for line in fields for field in line if field.startswith("PU:")}

    def groups(self, records: Iterable[tuple[int, Record]]) -> Iterator[Group]:
        """Group records by molecule.

        Args:
            records: with their virtual offsets.

        Raises:
            InputError: the first ones are not subreads, or some are aligned to references that are not drafts.
        """
        group: Group | None = None
        waiting: list[tuple[int, Record]] = []
        for offset, record in records:
            fitted = None if group is None else self.fitted(record, group.molecule)
            if group is not None and fitted is not None and not _is_nameless(fitted):
                group.records.append(fitted)
                continue
            molecule, placed = self.placed(record)
            if molecule is None:
                waiting.append((offset, placed))
                self._require_names([] if group else waiting, most=_MOST_UNNAMED)
                continue
            begun = Group(molecule, offset, [placed])
            if group is not None and self._is_one_strange(group.molecule, molecule):
                group = Group(molecule, group.offset, [*_strange(group.records), placed])
                continue
            before, begun = _settled(group, waiting, begun)
            yield from before
            group, waiting = begun, []
        if group is None:
            self._require_names(waiting, most=0)
        else:
            strays, group = _settled(None, waiting, group)
            yield from (group, *strays)

    def fitted(self, record: Record, molecule: MoleculeId) -> Record | None:
        """The record if it belongs to a molecule, with a fault if its parts disagree; None if it belongs to another.

        Args:
            record: follows a record of the molecule, or was found through an index.
            molecule: as in ``Group``.

        Raises:
            InputError: it is not a subread, or is aligned to a reference that is not a draft.
        """
        if not record.fault and record.name.startswith(f"{molecule.movie}/{molecule.hole}/"):
            self._types.require(record)
            if not self._aligned or record.reference_name == ccs_name(molecule):
                return record
        own, placed = self.placed(record)
        if own is None:
            return placed if record.hole() in {None, molecule.hole} else None
        if own == molecule or (placed.fault and own.zmw == molecule.zmw):
            return placed
        is_stray = molecule.movie in self._movies and self._is_one_strange(molecule, own)
        return placed.with_fault(_STRANGE_MOVIE) if is_stray else None

    def placed(self, record: Record) -> tuple[MoleculeId | None, Record]:
        """The molecule of a record, None if its name is not a subread's; and the record, with its fault.

        For a record that is not aligned as it should be, the molecule is the ZMW without a strand.

        Raises:
            InputError: it is not a subread, or is aligned to a reference that is not a draft.
        """
        self._types.require(record)
        zmw = parse_subread(record.name)
        if zmw is None:
            if parse_ccs(record.name):
                raise InputError(refusal(self._path, CCS, record.name, SUBREAD))
            return None, record.with_fault("the read name is not a subread's (movie/zmw/qStart_qEnd)")
        if (tagged := record.hole()) not in {None, zmw.hole}:
            return None, record.with_fault(f"its name has ZMW {zmw.hole}, but its tag 'zm' has {tagged}")
        if not self._aligned or record.fault:
            return zmw, record
        draft = parse_ccs(record.reference_name)
        if draft is not None and draft.zmw == zmw:
            return draft, record
        reason = f"is aligned to {record.reference_name}, not to the CCS read of its own ZMW"
        if not any(parse_ccs(name) for name in self._header.references):
            raise InputError(
                f"{self._path}: subread {record.name} {reason}; give raw subreads, or subreads aligned by actc or "
                "'deepconsensus-py align'"
            )
        return zmw, record.with_fault(reason)

    def _is_one_strange(self, one: MoleculeId, other: MoleculeId) -> bool:
        """Whether two neighbours differ by one letter of the movie, and only one of the movies is in the header."""
        if one.hole != other.hole or (one.movie in self._movies) == (other.movie in self._movies):
            return False
        same = _shared(one.movie, other.movie) + _shared(one.movie[::-1], other.movie[::-1])
        return same >= max(len(one.movie), len(other.movie)) - 1

    def _require_names(self, unnamed: Sequence[tuple[int, Record]], *, most: int) -> None:
        if len(unnamed) > most:
            first = unnamed[0][1]
            require_form(self._path, first.name, SUBREAD)
            raise InputError(f"{self._path}: read {first.name}: {first.fault}")


def _is_nameless(record: Record) -> bool:
    """Whether neither name nor tag gives the ZMW of a record."""
    return bool(record.fault) and parse_subread(record.name) is None and record.hole() is None


def _settled(group: Group | None, waiting: Iterable[tuple[int, Record]], begun: Group) -> tuple[list[Group], Group]:
    """Assign records without a readable name to the molecule before or after them, by tag or by similarity of the name.

    Args:
        group: the molecule before them; None if there is none.
        waiting: the records with their virtual offsets.
        begun: the molecule after them.

    Returns:
        The molecules before ``begun``, with one more for each record of yet another hole number; and ``begun``.
    """
    before = [] if group is None else [group]
    for offset, record in reversed(list(waiting)):
        hole = record.hole()
        if hole not in {None, begun.molecule.hole}:
            before.append(Group(MoleculeId(begun.molecule.movie, hole), offset, [record]))
        elif group is None or hole is not None or _is_nearer(record, begun, group):
            begun = Group(begun.molecule, min(offset, begun.offset), [record, *begun.records])
        else:
            group.records.append(record)
    return before, begun


def _is_nearer(record: Record, one: Group, other: Group) -> bool:
    """Whether a record's name is more similar to the read names of one molecule than of another."""
    first, second = (_shared(record.name, f"{group.molecule}/") for group in (one, other))
    return first > second


def _shared(one: str, other: str) -> int:
    """Length of the common prefix of two words."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))


def _strange(records: Iterable[Record]) -> list[Record]:
    return [record.with_fault(_STRANGE_MOVIE) for record in records]
