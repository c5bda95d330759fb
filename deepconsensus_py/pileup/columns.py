"""Spacing: columns in which every draft base and every inserted base of every pass has its place.

The columns are DeepConsensus v1.2's. In front of each draft base lie as many insertion columns as the longest
insertion of any pass there; shorter insertions fill them from the left. The CIGAR operations of all passes are
handled together, laid end to end, so that nothing loops over passes, bases or columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.pacbio.molecule import Alignment

INSERTION = 1
_CODES = 16
TAKES_QUERY, TAKES_DRAFT, _ALIGNED = (np.zeros(_CODES, np.bool_) for _ in range(3))
# SAM specification 1.6, section 1.4, table of CIGAR operations: M I S = X take bases, M D N = X take reference.
TAKES_QUERY[[0, 1, 4, 7, 8]] = True
TAKES_DRAFT[[0, 2, 3, 7, 8]] = True
_ALIGNED[[0, 7, 8]] = True

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Operations:
    """CIGAR operations of several alignments, laid end to end.

    Attributes:
        code: ``uint8[k]`` BAM CIGAR codes.
        length: ``int64[k]`` bases of each.
        query: ``int64[k]`` where each starts in the bases of all passes, laid end to end.
        draft: ``int64[k]`` draft position at which each starts.
        owner: ``int64[k]`` which pass it belongs to.
        query_lengths: ``int64[passes]`` bases that the operations of each pass take.
    """

    code: NDArray[np.uint8]
    length: Integers
    query: Integers
    draft: Integers
    owner: Integers
    query_lengths: Integers

    def select(self, mask: NDArray[np.bool_]) -> "Operations":
        """Those that a ``bool[k]`` mask marks, at the places they had."""
        return Operations(
            self.code[mask],
            self.length[mask],
            self.query[mask],
            self.draft[mask],
            self.owner[mask],
            self.query_lengths,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Where the columns lie along the draft.

    Attributes:
        of_draft: ``int64[draft + 1]`` column of each draft base; the last entry is the number of columns.
        insertions: ``int64[draft + 1]`` insertion columns in front of each draft base; the last, behind all.
    """

    of_draft: Integers
    insertions: Integers

    @property
    def count(self) -> int:
        """Number of columns."""
        return int(self.of_draft[-1])


def lay_out(alignments: Sequence[Alignment]) -> Operations:
    """Lay the operations of all alignments end to end."""
    code = np.concatenate([a.operations for a in alignments])
    length = np.concatenate([a.lengths for a in alignments]).astype(np.int64)
    counts = np.array([len(a.operations) for a in alignments])
    owner = np.repeat(np.arange(len(alignments)), counts)
    query_stop = np.cumsum(np.where(TAKES_QUERY[code], length, 0))
    draft_step = np.where(TAKES_DRAFT[code], length, 0)
    draft_stop = np.cumsum(draft_step)
    starts = np.array([a.start for a in alignments])
    passed_at = np.concatenate([[0], draft_stop])[np.cumsum(counts) - counts]
    queries_at = np.concatenate([[0], query_stop])[np.cumsum(counts)]
    return Operations(
        code,
        length,
        query_stop - np.where(TAKES_QUERY[code], length, 0),
        draft_stop - draft_step + np.repeat(starts - passed_at, counts),
        owner,
        np.diff(queries_at, prepend=0),
    )


def misfits(operations: Operations, pass_lengths: Sequence[int], draft_length: int) -> NDArray[np.bool_]:
    """Which alignments ``bool[passes]`` do not fit: to their pass, inside the draft, or with a split insertion.

    Args:
        operations: of all passes.
        pass_lengths: bases of each pass.
        draft_length: bases of the draft.
    """
    wrong: NDArray[np.bool_] = operations.query_lengths != np.asarray(pass_lengths)
    stop = operations.draft + np.where(TAKES_DRAFT[operations.code], operations.length, 0)
    wrong[operations.owner[(operations.draft < 0) | (stop > draft_length)]] = True
    inserted = operations.select(operations.code == INSERTION)
    split = (np.diff(inserted.draft) == 0) & (np.diff(inserted.owner) == 0)
    wrong[inserted.owner[1:][split]] = True
    return wrong


def too_long(operations: Operations, longest: int) -> NDArray[np.bool_]:
    """Which operations are insertions of more than ``longest`` bases; none where ``longest`` is 0."""
    found: NDArray[np.bool_] = (operations.code == INSERTION) & (operations.length > longest)
    return found if longest else np.zeros_like(found)


def space(operations: Operations, draft_length: int) -> Columns:
    """Make room for the longest insertion in front of each draft base."""
    inserted = operations.select(operations.code == INSERTION)
    insertions = np.zeros(draft_length + 1, np.int64)
    np.maximum.at(insertions, inserted.draft, inserted.length)
    return Columns(np.arange(draft_length + 1) + np.cumsum(insertions), insertions)


def place(operations: Operations, columns: Columns) -> tuple[Integers, Integers, Integers]:
    """Give each base that is neither clipped nor left out its column.

    Returns:
        owner, query and column, each ``int64[bases]``: whose base it is, where it is among the bases of all passes
        laid end to end, and its column.
    """
    aligned = operations.select(_ALIGNED[operations.code])
    inserted = operations.select(operations.code == INSERTION)
    first_inserted = (columns.of_draft - columns.insertions)[inserted.draft]
    owner = [np.repeat(ops.owner, ops.length) for ops in (aligned, inserted)]
    query = [runs(ops.query, ops.length) for ops in (aligned, inserted)]
    column = [columns.of_draft[runs(aligned.draft, aligned.length)], runs(first_inserted, inserted.length)]
    return np.concatenate(owner), np.concatenate(query), np.concatenate(column)


def runs(starts: Integers, lengths: Integers) -> Integers:
    """Ascending runs, laid end to end: ``runs([3, 9], [2, 3])`` is ``[3, 4, 9, 10, 11]``."""
    stops = np.cumsum(lengths)
    total = int(stops[-1]) if len(stops) else 0
    return np.repeat(starts - (stops - lengths), lengths) + np.arange(total)
