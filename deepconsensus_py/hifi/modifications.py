"""Base modifications of a draft (tags ``MM``, ``ML``, ``MN``), carried over to its polished read.

Source: SAM tags specification, section 1.7; ``Mm`` and ``Ml`` are the names of before 2022.
"""

import re
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.hifi.moves import Moves, cpgs, find_moves, new_cpgs
from deepconsensus_py.pacbio.bam_tags import Tags
from deepconsensus_py.pacbio.molecule import Draft, encode_bases

KEPT, DROPPED, NEW_SITES, INVALID = COUNTS = ("mods_kept", "mods_dropped", "mods_new_sites", "mods_invalid")
"""Names of counts: calls kept and dropped, CpGs that polishing made and that have no call, reads whose tags contradict
themselves."""

_GROUP = re.compile(r"(([ACGTUN])([-+])([A-Za-z]+|[0-9]+))([.?]?)((?:,[0-9]{1,9})*)")
_CPG_GROUPS = frozenset({"C+", "G-"})


@dataclass(frozen=True, slots=True)
class Modifications:
    """The base modifications of a polished read.

    Attributes:
        tags: ``MM``, ``ML`` and ``MN``; empty if there are none.
        counts: by the names ``COUNTS``; those that are 0 may be missing.
    """

    tags: Tags = ()
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """The calls of a kind of modification.

    Attributes:
        head: base, strand and codes: ``C+mh``.
        flag: ``?`` if nothing is known of bases without a call, else ``.`` or empty.
        places: ``int64[n]`` positions of the calls in the read.
        values: ``uint8[n, codes]`` of ``ML``; None if the read has no ``ML``.
    """

    head: str
    flag: str
    places: NDArray[np.int64]
    values: NDArray[np.uint8] | None

    @property
    def forward(self) -> bool:
        """Whether the modification is on the strand of the read."""
        return self.head[1] == "+"

    def occurrences(self, bases: NDArray[np.uint8]) -> NDArray[np.int64]:
        """The positions of its base in a read."""
        return np.flatnonzero(_is_base(self.head, bases))

    def in_cpg(self, bases: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Whether each of its calls is in a CpG of a read."""
        return np.isin(self.places - (not self.forward), cpgs(bases))

    def is_of_cpgs(self, bases: NDArray[np.uint8]) -> bool:
        """Whether it can only have calls in CpGs, as far as one read shows."""
        return self.head[:2] in _CPG_GROUPS and bool(self.in_cpg(bases).all())

    def take(self, rows: NDArray[Any]) -> "_Group":
        """Some of its calls."""
        return replace(self, places=self.places[rows], values=None if self.values is None else self.values[rows])

    def text(self, bases: NDArray[np.uint8]) -> str:
        """Its part of ``MM``."""
        skipped = np.diff(np.searchsorted(self.occurrences(bases), self.places), prepend=-1) - 1
        return f"{self.head}{self.flag}{''.join(f',{number}' for number in skipped.tolist())};"


def carried_modifications(draft: Draft, bases: NDArray[np.uint8], draft_index: NDArray[np.integer]) -> Modifications:
    """The base modifications of a draft, carried over to its polished read.

    The tags of a read without edits stay as they are, and get ``MN``. Otherwise each call moves with its base; those of
    substituted bases and of homopolymers that are gone are dropped. Calls that the draft has in CpGs only stay in CpGs.

    Args:
        draft: the draft.
        bases: ``uint8[n]`` base codes of the read.
        draft_index: ``[n]`` position of each base in the draft, increasing; -1 for an inserted one.
    """
    given = _given(draft)
    if not given:
        return Modifications()
    try:
        groups = _read(given, draft.bases)
    except ValueError:
        return Modifications(counts={INVALID: 1})
    length = ("MN", len(bases), "i")
    calls = sum(len(group.places) for group in groups)
    if np.array_equal(draft.bases, bases):
        same = tuple((name, given[name], code) for name, code in (("ML", "B"), ("MM", "Z")) if name in given)
        return Modifications((*same, length), {KEPT: calls})
    moves = find_moves(draft.bases, bases, draft_index)
    new = new_cpgs(draft.bases, bases, moves)
    moved, missing = [], set[int]()
    for group in groups:
        carried = _carried(group, moves, draft.bases, bases)
        if group.is_of_cpgs(draft.bases):
            without = np.setdiff1d(new, carried.places - (not carried.forward))
            missing.update(without.tolist())
            # Otherwise these CpGs would be declared unmodified.
            carried = replace(carried, flag="?" if len(without) else carried.flag)
        moved.append(carried)
    kept = sum(len(group.places) for group in moved)
    counts = {KEPT: kept, DROPPED: calls - kept, NEW_SITES: len(missing)}
    return Modifications((*_written(moved, bases, with_values="ML" in given), length), counts)


def dropped_modifications(draft: Draft) -> Modifications:
    """No modifications; counts those that the draft has."""
    given = _given(draft)
    try:
        return Modifications(counts={DROPPED: sum(len(group.places) for group in _read(given, draft.bases))})
    except ValueError:
        return Modifications(counts={INVALID: 1})


def _given(draft: Draft) -> dict[str, Any]:
    """The tags of a draft by their names of today; empty if it has neither calls nor values."""
    tags = {tag: value for tag, value, _ in draft.tags}
    given: dict[str, Any] = {}
    for name, old in (("MM", "Mm"), ("ML", "Ml")):
        values = [tags[own] for own in (name, old) if own in tags]
        if values:
            # Two of the same contradict each other.
            given[name] = values[0] if len(values) == 1 else ()
    return given | ({"MN": tags["MN"]} if given and "MN" in tags else {})


def _read(given: Mapping[str, Any], bases: NDArray[np.uint8]) -> list[_Group]:
    """Parse the tags of a draft.

    Raises:
        ValueError: they contradict each other or the draft.
    """
    if not given:
        return []
    text, values = given.get("MM"), given.get("ML")
    if not isinstance(text, str) or given.get("MN", len(bases)) != len(bases):
        raise ValueError("another length, or no calls")
    if values is not None and not (isinstance(values, array) and values.typecode == "B"):
        raise ValueError("values of another type")
    groups, at = [], 0
    for part in text.removesuffix(";").split(";") if text else ():
        group = _parse(part, bases)
        if values is not None:
            codes = 1 if group.head[2:].isdigit() else len(group.head) - 2
            stop = at + codes * len(group.places)
            own = np.array(values[at:stop], np.uint8)
            at = stop
            group = replace(group, values=own.reshape(len(group.places), codes))
        groups.append(group)
    if values is not None and at != len(values):
        raise ValueError("more values than calls")
    return groups


def _parse(part: str, bases: NDArray[np.uint8]) -> _Group:
    """Parse a group, without its values."""
    match = _GROUP.fullmatch(part)
    if match is None:
        raise ValueError("not a group of calls")
    head, flag, skipped = match[1], match[5], match[6]
    places = np.flatnonzero(_is_base(head, bases))
    rank = np.cumsum(np.array([int(number) + 1 for number in skipped.split(",")[1:]], np.int64)) - 1
    if len(rank) and rank[-1] >= len(places):
        raise ValueError("a call beyond the end")
    return _Group(head, flag, places[rank], None)


def _is_base(head: str, bases: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether each base of a read is that of a group; N is any base."""
    letter = "T" if head[0] == "U" else head[0]
    return np.ones(len(bases), np.bool_) if letter == "N" else bases == encode_bases(letter)


def _carried(group: _Group, moves: Moves, draft: NDArray[np.uint8], bases: NDArray[np.uint8]) -> _Group:
    """A group with its calls moved from the draft to the read."""
    before = group.places
    places = (moves.from_end if group.forward else moves.from_start)[before]
    moved = replace(group, places=places)
    sound = places >= 0
    if group.is_of_cpgs(draft):
        sound &= moved.in_cpg(bases)
    # Of several calls on one base, that of the kept base comes first, and then the one at the end that counts.
    foreign = np.append(moves.index, -1)[places] != before
    order = np.lexsort((-before if group.forward else before, foreign, places))
    order = order[sound[order]]
    return moved.take(order[np.append(True, np.diff(places[order]) > 0)[: len(order)]])


def _written(groups: list[_Group], bases: NDArray[np.uint8], *, with_values: bool) -> Tags:
    text = "".join(group.text(bases) for group in groups)
    values = array("B", b"".join(group.values.tobytes() for group in groups if group.values is not None))
    return (*([("ML", values, "B")] if with_values else []), ("MM", text, "Z"))
