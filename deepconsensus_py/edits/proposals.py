"""Edits that the passes propose where they disagree with a draft, beyond those of single homopolymers.

Several bases missing, wrong or too many, a base inside a homopolymer, whole copies of a tandem repeat: the
partial-order consensus of the passes and the lengths of repeats in them show what is there instead
(``align.disagreement``). Edits that are one of the other classes are left to it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from deepconsensus_py.align import cigar, mapping
from deepconsensus_py.align.disagreement import Disagreement, consensuses
from deepconsensus_py.edits.classes import LONGER, SHORTER, Codes, Edit
from deepconsensus_py.edits.repeats import Repeats

APART = 4
"""Equal bases between two differences that are proposed separately."""

_MOST_FEWER, _MOST_MORE = SHORTER.stop - SHORTER.start, LONGER.stop - LONGER.start


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """An edit that passes propose.

    Attributes:
        edit: of the draft, left-normalised.
        stop: one past the last base of the tandem repeat whose copies it changes; 0 for other edits.
    """

    edit: Edit
    stop: int = 0

    @property
    def stretch(self) -> slice:
        """The draft bases that it is about."""
        return slice(self.edit.start, max(self.edit.start + self.edit.removed, self.stop))


def propose_edits(repeats: Repeats, disagreement: Disagreement) -> list[Proposal]:
    """The edits that turn a draft into what its passes share where they disagree with it.

    Args:
        repeats: the draft.
        disagreement: of its passes with it.
    """
    return [*_of_repeats(repeats.bases, disagreement), *_of_stretches(repeats.bases, disagreement)]


def _of_repeats(draft: Codes, disagreement: Disagreement) -> Iterator[Proposal]:
    """Copies of tandem repeats."""
    found = disagreement
    copies = np.rint(found.repeat_surplus / found.repeat_unit).astype(int)
    for start, stop, unit, more in zip(
        found.repeat_start.tolist(),
        found.repeat_stop.tolist(),
        found.repeat_unit.tolist(),
        copies.tolist(),
        strict=True,
    ):
        if more > 0:
            yield Proposal(Edit(start, 0, np.tile(draft[start : start + unit], more)), stop)
        # One copy stays: a repeat is never proposed away as a whole.
        elif more < 0 and -more * unit <= stop - start - unit:
            yield Proposal(Edit(start, -more * unit, draft[:0]), stop)


def _of_stretches(draft: Codes, disagreement: Disagreement) -> Iterator[Proposal]:
    """Differences of the consensus of the passes from the draft."""
    for around, consensus in consensuses(disagreement, len(draft)):
        for edit in _differences(draft[around], consensus):
            moved = left_normalised(draft, Edit(edit.start + around.start, edit.removed, edit.letters))
            if moved is not None and not is_of_a_homopolymer(draft, moved):
                yield Proposal(moved)


def _differences(own: Codes, other: Codes) -> Iterator[Edit]:
    """Edits that turn one sequence into another; those less than ``APART`` bases from each other are one."""
    here = there = 0
    open_at: tuple[int, int] | None = None
    ends = (0, 0)
    for operation, length in mapping.end_to_end(other, own):
        if operation == cigar.EQUAL:
            if open_at is not None and length >= APART:
                yield Edit(open_at[0], ends[0] - open_at[0], other[open_at[1] : ends[1]])
                open_at = None
        else:
            open_at = (here, there) if open_at is None else open_at
        here += length * int(cigar.ON_DRAFT[operation])
        there += length * int(cigar.ON_PASS[operation])
        ends = ends if operation == cigar.EQUAL else (here, there)
    if open_at is not None:
        yield Edit(open_at[0], ends[0] - open_at[0], other[open_at[1] : ends[1]])


def left_normalised(draft: Codes, edit: Edit) -> Edit | None:
    """The same edit without bases that stay, as far left as possible; None if it changes nothing.

    Args:
        draft: ``uint8[n]`` base codes.
        edit: of the draft.
    """
    start, removed, letters = edit.start, draft[edit.start : edit.start + edit.removed], edit.letters
    while len(removed) and len(letters) and removed[-1] == letters[-1]:
        removed, letters = removed[:-1], letters[:-1]
    while len(removed) and len(letters) and removed[0] == letters[0]:
        start, removed, letters = start + 1, removed[1:], letters[1:]
    if not len(removed) and not len(letters):
        return None
    while start > 0 and not (len(removed) and len(letters)):
        moving = removed if len(removed) else letters
        if moving[-1] != draft[start - 1]:
            break
        moving = np.roll(moving, 1)
        start, removed, letters = start - 1, moving if len(removed) else removed, moving if len(letters) else letters
    return Edit(start, len(removed), letters)


def is_of_a_homopolymer(draft: Codes, edit: Edit) -> bool:
    """Whether a left-normalised edit is one of the other classes of ``edits.classes``.

    Args:
        draft: ``uint8[n]`` base codes.
        edit: of the draft.
    """
    start, stop, letters = edit.start, edit.start + edit.removed, edit.letters
    before = draft[start - 1] if start else 0
    behind = draft[stop] if stop < len(draft) else 0
    if not len(letters):
        return edit.removed <= _MOST_FEWER and bool((draft[start:stop] == draft[start]).all())
    if not edit.removed:
        longer = len(letters) <= _MOST_MORE and bool((letters == behind).all())
        return longer or (len(letters) == 1 and bool(before != behind))
    return edit.removed == len(letters) == 1 and bool(before != draft[start] or behind != draft[start])
