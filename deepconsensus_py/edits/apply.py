"""Edited drafts: their bases, and the passes' alignments carried over from the draft before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numba import njit
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.align.normalise import left_normalise
from deepconsensus_py.pacbio.molecule import Alignment, Pass

Codes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Edit:
    """Bases of the draft replaced by others.

    Attributes:
        start: draft position of the first one.
        removed: how many are taken out from there on.
        letters: ``uint8[n]`` base codes put in their place.
    """

    start: int
    removed: int
    letters: Codes


def apply_edits(draft: Codes, edits: Sequence[Edit]) -> tuple[Codes, NDArray[np.int32]]:
    """Edit a draft.

    Args:
        draft: ``uint8[n]`` base codes.
        edits: of stretches that do not overlap.

    Returns:
        ``uint8[m]`` base codes, and ``int32[m]`` the draft position of each base, -1 for one that was put in.
    """
    removed = np.zeros(len(draft), np.bool_)
    for edit in edits:
        removed[edit.start : edit.start + edit.removed] = True
    letters = [edit.letters for edit in edits]
    at = np.repeat([edit.start for edit in edits], [len(new) for new in letters])
    new = np.concatenate((*letters, np.empty(0, np.uint8)))
    kept = ~np.insert(removed, at.astype(np.int64), False)
    index = np.insert(np.arange(len(draft), dtype=np.int32), at.astype(np.int64), -1)
    return np.insert(draft, at.astype(np.int64), new)[kept], index[kept]


def carry_over(p: Pass, draft: Codes, draft_index: NDArray[np.int32]) -> Pass | None:
    """The alignment of a pass to an edited draft.

    Pairs stay. Bases of the pass that were inserted where the edit puts bases into the draft are paired with these.

    Args:
        p: aligned to the draft before.
        draft: ``uint8[m]`` base codes of the edited draft.
        draft_index: ``int32[m]`` position of each of its bases in the draft before, -1 for new ones.

    Returns:
        The pass, gaps left-normalised, or None where no pair is left.
    """
    assert p.alignment is not None
    alignment = carried_alignment(p.alignment, draft_index, len(p.bases))
    return None if alignment is None else replace(p, alignment=left_normalise(alignment, p.bases, draft))


Integers = NDArray[np.int32]
_Operations = tuple[NDArray[np.uint8], Integers]
_Pairs = tuple[Integers, Integers]


def carried_alignment(alignment: Alignment, draft_index: Integers, bases: int) -> Alignment | None:
    """An alignment to an edited draft: pairs stay; bases that were inserted where new ones are get paired with these.

    Args:
        alignment: to the draft before.
        draft_index: ``int32[m]`` position of each base of the edited draft in the draft before, -1 for new ones.
        bases: of the pass.

    Returns:
        Pairs as ``=``, whether or not they are equal; gaps as they fall. None where no pair is left.
    """
    start, operations, lengths = _carry((alignment.operations, alignment.lengths), alignment.start, draft_index, bases)
    return Alignment(start, operations, lengths) if len(operations) else None


@njit(cache=True, nogil=True)
def _carry(
    alignment: _Operations, start: int, draft_index: Integers, bases: int
) -> tuple[int, NDArray[np.uint8], Integers]:
    in_pass, in_draft = _kept_pairs(alignment, start, draft_index)
    # Per pair at most itself, an insertion and a deletion; clips at both ends.
    operations, lengths = np.empty(3 * len(in_pass) + 2, np.uint8), np.empty(3 * len(in_pass) + 2, np.int32)
    if not len(in_pass):
        return 0, operations[:0], lengths[:0]
    operations[0], lengths[0], operations[1], lengths[1] = cigar.SOFT_CLIP, in_pass[0], cigar.EQUAL, 1
    count = 1
    for k in range(1, len(in_pass)):
        inserted, deleted = in_pass[k] - in_pass[k - 1] - 1, in_draft[k] - in_draft[k - 1] - 1
        taken = 0
        if inserted and deleted:
            for j in range(in_draft[k - 1] + 1, in_draft[k]):
                taken += draft_index[j] < 0
            taken = min(taken, inserted)
        for code, length in ((cigar.INSERTION, inserted - taken), (cigar.DELETION, deleted - taken)):
            if length:
                count += 1
                operations[count], lengths[count] = code, length
        if operations[count] != cigar.EQUAL:
            count += 1
            operations[count], lengths[count] = cigar.EQUAL, 0
        lengths[count] += taken + 1
    tail = bases - 1 - in_pass[-1]
    if tail:
        count += 1
        operations[count], lengths[count] = cigar.SOFT_CLIP, tail
    first = 0 if in_pass[0] else 1
    return in_draft[0], operations[first : count + 1], lengths[first : count + 1]


@njit(cache=True, nogil=True)
def _kept_pairs(alignment: _Operations, start: int, draft_index: Integers) -> _Pairs:
    """Positions in the pass and in the edited draft of pairs whose draft base is kept."""
    operations, lengths = alignment
    in_pass, in_draft = np.empty(len(draft_index), np.int32), np.empty(len(draft_index), np.int32)
    # Of the edited draft: the first base that comes from behind the bases walked over.
    count = place = 0
    i, j = 0, start
    for k in range(len(operations)):
        on_pass, on_draft, length = cigar.ON_PASS[operations[k]], cigar.ON_DRAFT[operations[k]], lengths[k]
        if on_pass and on_draft:
            while place < len(draft_index) and draft_index[place] < j + length:
                if draft_index[place] >= j:
                    in_pass[count], in_draft[count] = i + draft_index[place] - j, place
                    count += 1
                place += 1
        i += length * on_pass
        j += length * on_draft
    return in_pass[:count], in_draft[:count]
