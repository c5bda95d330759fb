"""Where the bases of a draft lie in its polished read.

Homopolymers gain and lose bases at their front (gaps are left-normalised), so that the index of kept bases alone would
move the first base of a homopolymer. Here the first base of a homopolymer stays the first, and the last the last.
"""

from dataclasses import dataclass

import edlib
import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.pacbio.molecule import GAP, C, G, decode_bases

_Codes = NDArray[np.uint8]
_Positions = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """The place in the read of each base of a draft; -1 for none.

    Attributes:
        from_end: ``int64[n]`` where homopolymers of one base take the place of their last base in the read.
        from_start: ``int64[n]`` where they take that of their first base.
        index: ``int64[m]`` the draft position of each base of the read, -1 for an inserted one.
    """

    from_end: _Positions
    from_start: _Positions
    index: _Positions


def find_moves(draft: _Codes, bases: _Codes, draft_index: NDArray[np.integer]) -> Moves:
    """Find where the bases of a draft lie in its polished read.

    A base has no place if it was substituted, if its whole homopolymer is gone, or if it was deleted from the inside of
    one.

    Args:
        draft: ``uint8[n]`` base codes of the draft.
        bases: ``uint8[m]`` base codes of the read.
        draft_index: ``[m]`` position of each base in the draft, increasing; -1 for an inserted one.
    """
    index = _with_replaced(draft, bases, draft_index)
    own = np.full(len(draft), -1, np.int64)
    own[index[index >= 0]] = np.flatnonzero(index >= 0)
    equal = np.append(bases, np.uint8(GAP))[own] == draft
    substituted = (own >= 0) & ~equal
    starts = _starts(draft)
    homopolymer = np.cumsum(starts) - 1
    begin, end = _bounds(bases, index, homopolymer)
    kept = np.flatnonzero(equal)
    of_kept = homopolymer[kept]
    first, last = (np.full(int(starts.sum()), -1, np.int64) for _ in range(2))
    first[of_kept[::-1]] = begin[own[kept[::-1]]]
    last[of_kept] = end[own[kept]] - 1
    own = np.where(equal, own, -1)
    is_first, is_last = starts, np.append(starts[1:], True)[: len(draft)]
    at_first, at_last = first[homopolymer], last[homopolymer]
    from_end = np.where(is_last, at_last, np.where(is_first, at_first, own))
    from_start = np.where(is_first, at_first, np.where(is_last, at_last, own))
    return Moves(np.where(substituted, -1, from_end), np.where(substituted, -1, from_start), index)


def new_cpgs(draft: _Codes, bases: _Codes, moves: Moves) -> _Positions:
    """The places of C in those CpGs of a read that its draft does not have."""
    old = cpgs(draft)
    c, g = moves.from_end[old], moves.from_start[old + 1]
    return np.setdiff1d(cpgs(bases), c[(c >= 0) & (g == c + 1)])


def cpgs(bases: _Codes) -> _Positions:
    """The positions of C before G."""
    return np.flatnonzero((bases[:-1] == C) & (bases[1:] == G))


def _starts(bases: _Codes) -> NDArray[np.bool_]:
    """Whether each base is the first of its homopolymer."""
    return np.append(True, bases[1:] != bases[:-1])[: len(bases)]


def _bounds(bases: _Codes, index: _Positions, homopolymer: _Positions) -> tuple[_Positions, _Positions]:
    """First and one past last base ``int64[m]`` of what was a homopolymer of the draft, for each base of the read.

    Where a deletion joins two homopolymers, the bases of each stay apart; inserted ones are of the one after them.
    """
    starts = _starts(bases)
    run = np.cumsum(starts)
    known = np.flatnonzero(index >= 0)
    before, after = known[:-1], known[1:]
    joined = (run[before] == run[after]) & (homopolymer[index[before]] != homopolymer[index[after]])
    starts[before[joined] + 1] = True
    number = np.cumsum(starts) - 1
    begin = np.flatnonzero(starts)
    return begin[number], np.append(begin[1:], len(bases))[number]


def _with_replaced(draft: _Codes, bases: _Codes, draft_index: NDArray[np.integer]) -> _Positions:
    """The index of a read, with the bases of replaced stretches aligned to those that they replace."""
    index = draft_index.astype(np.int64)
    kept = np.flatnonzero(index >= 0)
    before, after = np.append(-1, kept), np.append(kept, len(bases))
    left, right = np.append(-1, index[kept]), np.append(index[kept], len(draft))
    for gap in np.flatnonzero((after - before > 1) & (right - left > 1)).tolist():
        new, old = slice(before[gap] + 1, after[gap]), slice(left[gap] + 1, right[gap])
        paired = _paired(draft[old], bases[new])
        index[new] = np.where(paired >= 0, paired + old.start, -1)
    return index


def _paired(old: _Codes, new: _Codes) -> _Positions:
    """For each base of a stretch that replaces another, the position of the one that it replaces, or -1."""
    found = edlib.align(decode_bases(new), decode_bases(old), mode="NW", task="path")
    if len(old) == len(new) and np.count_nonzero(old != new) == found["editDistance"]:
        return np.arange(len(old))
    paired, at = np.full(len(new), -1, np.int64), [0, 0]
    for column in _columns(found["cigar"]):
        if column in "=X":
            paired[at[0]] = at[1]
        at[0] += column != "D"
        at[1] += column != "I"
    return paired


def _columns(cigar: str) -> str:
    """The operation of each column of an alignment."""
    columns, number = "", ""
    for letter in cigar:
        if letter.isdigit():
            number += letter
        else:
            columns, number = columns + letter * int(number), ""
    return columns
