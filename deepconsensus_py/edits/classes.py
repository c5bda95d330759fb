"""Edits of a draft: what they make of it, and their classes, of which each homopolymer run has one.

``EDIT_CLASSES`` is the one table of them. Names, columns of evidence and of network outputs, and what an edit puts
where all derive from it; how a pass is scored against an edited draft is in ``edits.scoring``, which edit is right in
``edits.labels``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.edits.repeats import Runs
from deepconsensus_py.pacbio.molecule import BASES, A, N

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


@dataclass(frozen=True, slots=True, eq=False)
class Edits:
    """Edits of stretches of a draft that do not overlap.

    Attributes:
        start: ``int64[n]`` draft position of the first base of each.
        removed: ``int64[n]`` bases taken out from there on.
        sizes: ``int64[n]`` bases put in their place.
        letters: ``uint8[sizes.sum()]`` base codes put in, edit by edit.
    """

    start: NDArray[np.int64]
    removed: NDArray[np.int64]
    sizes: NDArray[np.int64]
    letters: Codes

    @classmethod
    def of(cls, edits: Sequence[Edit]) -> "Edits":
        """Edits given one by one."""
        start, removed, sizes = (
            np.array([(edit.start, edit.removed, len(edit.letters)) for edit in edits], np.int64).reshape(-1, 3).T
        )
        letters = np.concatenate((*(edit.letters for edit in edits), np.empty(0, np.uint8)))
        return cls(start, removed, sizes, letters)


def apply_edits(draft: Codes, edits: Edits) -> tuple[Codes, NDArray[np.int32]]:
    """Edit a draft.

    Args:
        draft: ``uint8[n]`` base codes.
        edits: of stretches that do not overlap.

    Returns:
        ``uint8[m]`` base codes, and ``int32[m]`` the draft position of each base, -1 for one that was put in. New bases
        stand in front of what is kept, as in left-normalised alignments.
    """
    inside = np.zeros(len(draft) + 1, np.int32)
    np.add.at(inside, edits.start, 1)
    np.add.at(inside, edits.start + edits.removed, -1)
    kept = np.cumsum(inside[:-1]) == 0
    at = np.repeat(edits.start, edits.sizes)
    index = np.insert(np.arange(len(draft), dtype=np.int32), at, -1)
    kept = np.insert(kept, at, True)
    return np.insert(draft, at, edits.letters)[kept], index[kept]


@dataclass(frozen=True, slots=True)
class EditClass:
    """One kind of edit: bases of a run are taken out and others put in their place.

    Attributes:
        name: as models, reports and fitted parameters call it.
        removed: bases taken out, of the run's first ones; a run loses no more than it has.
        own: bases of the run's own letter put in.
        letter: base code of another letter put in; 0 for none.
        at_last: whether the run's last base is taken out rather than its first.
    """

    name: str
    removed: int = 0
    own: int = 0
    letter: int = 0
    at_last: bool = False

    @property
    def change(self) -> int:
        """Bases by which it makes a run longer; 0 where another letter is put in."""
        return 0 if self.letter else self.own - self.removed

    @property
    def shortest(self) -> int:
        """Bases that a run must have: the last one of a single base is its first."""
        return 2 if self.at_last else self.removed


LETTERS = range(A, N)

EDIT_CLASSES = (
    EditClass("none"),
    EditClass("-1", removed=1),
    EditClass("-2", removed=2),
    EditClass("+1", own=1),
    EditClass("+2", own=2),
    *(EditClass(BASES[code], letter=code) for code in LETTERS),
    *(EditClass(f"first {BASES[code]}", removed=1, letter=code) for code in LETTERS),
    *(EditClass(f"last {BASES[code]}", removed=1, letter=code, at_last=True) for code in LETTERS),
)
"""In order: nothing; bases fewer or more of the run's letter; one base of another letter in front of it; another letter
in place of its first base; in place of its last. Weights and fitted parameters go by this order and these names."""

NONE = 0
NAMES = tuple(one.name for one in EDIT_CLASSES)
EDITED = len(EDIT_CLASSES) - 1
"""Classes but for none: the columns of evidence."""

REMOVED, OWN = (np.array([getattr(one, name) for one in EDIT_CLASSES], np.int64) for name in ("removed", "own"))
CHANGE, SHORTEST = (np.array([getattr(one, name) for one in EDIT_CLASSES], np.int64) for name in ("change", "shortest"))
LETTER = np.array([one.letter for one in EDIT_CLASSES], np.uint8)
AT_LAST = np.array([one.at_last for one in EDIT_CLASSES], np.bool_)
"""``[classes]``, the attributes of each."""


def number_of(*, removed: int = 0, own: int = 0, letter: int = 0, at_last: bool = False) -> int:
    """The number of the class that does this.

    Raises:
        ValueError: no class does.
    """
    wanted = (removed, own, letter, at_last)
    return [(one.removed, one.own, one.letter, one.at_last) for one in EDIT_CLASSES].index(wanted)


def _columns(chosen: NDArray[np.bool_]) -> slice:
    """Columns of evidence of neighbouring classes."""
    numbers = np.flatnonzero(chosen) - 1
    assert (np.diff(numbers) == 1).all()
    return slice(int(numbers[0]), int(numbers[-1]) + 1)


SHORTER, LONGER = _columns(CHANGE < 0), _columns(CHANGE > 0)
RESIZED = slice(SHORTER.start, LONGER.stop)
IN_FRONT = _columns((LETTER > 0) & (REMOVED == 0))
FIRST, LAST = _columns((LETTER > 0) & (REMOVED > 0) & ~AT_LAST), _columns(AT_LAST)
OTHERS = slice(IN_FRONT.start, LAST.stop)
"""Columns of evidence of each kind of edit; those of ``SHORTER`` and ``LONGER`` by the number of bases, those with
another letter by its code."""


def class_edits(runs: Runs, classes: NDArray[np.integer]) -> Edits:
    """The edits that classes make of the runs of a draft.

    Args:
        runs: of the draft.
        classes: ``[runs]`` numbers of ``EDIT_CLASSES``.
    """
    edited = np.flatnonzero(classes != NONE)
    classes, length, start = classes[edited], runs.length[edited], runs.start[edited]
    sizes = OWN[classes] + (LETTER[classes] > 0)
    letters = np.where(LETTER[classes] > 0, LETTER[classes], runs.base[edited])
    return Edits(
        start=(start + np.where(AT_LAST[classes], length - 1, 0)).astype(np.int64),
        removed=np.minimum(REMOVED[classes], length),
        sizes=sizes,
        letters=np.repeat(letters, sizes).astype(np.uint8),
    )
