"""Spacing: a column for every draft base and every inserted base of every pass.

The columns are DeepConsensus v1.2's. Each draft base is preceded by as many insertion columns as the longest insertion
of any pass there; shorter insertions are left-aligned in them. Bases keep their order, so that a pass is described by
the columns it fills. The CIGAR operations of all passes are concatenated and handled together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.pacbio.molecule import Alignment

INSERTION, SOFT_CLIP = 1, 4
_CODES = 16
_TAKES_QUERY, _TAKES_DRAFT, _ALIGNED = (np.zeros(_CODES, np.bool_) for _ in range(3))
# SAM specification 1.6, section 1.4, table of CIGAR operations: M I S = X take bases, M D N = X take reference.
_TAKES_QUERY[[0, INSERTION, SOFT_CLIP, 7, 8]] = True
_TAKES_DRAFT[[0, 2, 3, 7, 8]] = True
_ALIGNED[[0, 7, 8]] = True

Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Operations:
    """Concatenated CIGAR operations of several passes.

    Attributes:
        code: ``uint8[k]`` BAM CIGAR codes.
        length: ``int64[k]`` bases of each.
        on_query: ``int64[k]`` bases of the pass that each consumes.
        on_draft: ``int64[k]`` bases of the draft that each consumes.
        draft: ``int64[k]`` draft position at which each starts.
        owner: ``int64[k]`` index of its pass.
        starts: ``int64[passes]`` draft position at which each pass starts.
    """

    code: NDArray[np.uint8]
    length: Integers
    on_query: Integers
    on_draft: Integers
    draft: Integers
    owner: Integers
    starts: Integers

    @property
    def inserts(self) -> Mask:
        """``bool[k]`` which of them are insertions."""
        found: Mask = self.code == INSERTION
        return found

    @property
    def aligns(self) -> Mask:
        """``bool[k]`` which of them align bases of the pass with bases of the draft."""
        return _ALIGNED[self.code]

    def per_pass(self, values: Integers) -> Integers:
        """Sums ``int64[passes]`` of one value for each operation."""
        return np.bincount(self.owner, values, len(self.starts)).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Positions of the columns along the draft.

    Attributes:
        of_draft: ``int64[draft + 1]`` column of each draft base; the last entry is the number of columns.
        in_front: ``int64[draft + 1]`` first insertion column in front of each draft base, or the base's own column if
            there is none; the last entry is for insertions after the end of the draft.
    """

    of_draft: Integers
    in_front: Integers

    @property
    def count(self) -> int:
        """Number of columns."""
        return int(self.of_draft[-1])


def joined_operations(alignments: Sequence[Alignment]) -> Operations:
    """Concatenate the operations of all alignments."""
    counts = np.array([len(a.operations) for a in alignments])
    starts = np.array([a.start for a in alignments])
    code = np.concatenate([a.operations for a in alignments])
    length = np.concatenate([a.lengths for a in alignments]).astype(np.int64)
    on_draft = length * _TAKES_DRAFT[code]
    before = np.cumsum(on_draft) - on_draft
    first = np.cumsum(counts) - counts
    before_pass = np.append(before, 0)[first]
    return Operations(
        code=code,
        length=length,
        on_query=length * _TAKES_QUERY[code],
        on_draft=on_draft,
        draft=before + np.repeat(starts - before_pass, counts),
        owner=np.repeat(np.arange(len(alignments)), counts),
        starts=starts,
    )


def misfits(operations: Operations, pass_lengths: Sequence[int], draft_length: int) -> Mask:
    """Which alignments ``bool[passes]`` do not fit their pass or the draft, or split an insertion.

    Args:
        operations: of all passes.
        pass_lengths: bases of each pass.
        draft_length: bases of the draft.
    """
    wrong: Mask = operations.per_pass(operations.on_query) != np.asarray(pass_lengths)
    stops = operations.starts + operations.per_pass(operations.on_draft)
    wrong |= (operations.starts < 0) | (stops > draft_length)
    draft, owner = operations.draft[operations.inserts], operations.owner[operations.inserts]
    # Two insertions at one draft position would fill the same columns.
    wrong[owner[1:][(np.diff(draft) == 0) & (np.diff(owner) == 0)]] = True
    return wrong


def short_enough(operations: Operations, longest: int) -> Mask:
    """Which operations ``bool[k]`` are not insertions longer than ``longest``; all if ``longest`` is 0."""
    return ~operations.inserts | (operations.length <= longest) | (longest == 0)


def space(operations: Operations, kept: Mask, draft_length: int) -> Columns:
    """Make room for the longest insertion in front of each draft base.

    Args:
        operations: of all passes.
        kept: ``bool[k]`` which of them to use.
        draft_length: bases of the draft.
    """
    inserted = np.flatnonzero(operations.inserts & kept)
    widths = np.zeros(draft_length + 1, np.int64)
    # Several passes insert at one position; plain indexing would keep only the last.
    np.maximum.at(widths, operations.draft[inserted], operations.length[inserted])
    of_draft = np.arange(draft_length + 1) + np.cumsum(widths)
    return Columns(of_draft, of_draft - widths)


def filled_columns(operations: Operations, kept: Mask, columns: Columns, passes: int) -> Mask:
    """Which columns ``bool[passes, columns]`` each of the first passes fills with a base."""
    filled = np.zeros((passes, columns.count), np.bool_)
    against_draft = np.repeat(operations.aligns, operations.on_draft)
    stops = np.cumsum(operations.per_pass(operations.on_draft))
    for row, start, against in zip(filled, operations.starts, np.split(against_draft, stops), strict=False):
        row[columns.of_draft[start : start + len(against)]] = against
    inserted = np.flatnonzero(operations.inserts & kept & (operations.owner < passes))
    first = columns.in_front[operations.draft[inserted]] + operations.owner[inserted] * columns.count
    filled.ravel()[ranges(first, operations.length[inserted])] = True
    return filled


def used_bases(operations: Operations, kept: Mask) -> Mask:
    """Which of the concatenated bases of all passes get a column: those neither clipped nor in a trimmed insertion."""
    return np.repeat(kept & (operations.code != SOFT_CLIP), operations.on_query)


def ranges(starts: Integers, lengths: Integers) -> Integers:
    """Concatenated ranges: ``ranges([3, 9], [2, 3])`` is ``[3, 4, 9, 10, 11]``."""
    stops = np.cumsum(lengths)
    total = int(stops[-1]) if len(stops) else 0
    return np.repeat(starts - (stops - lengths), lengths) + np.arange(total)
