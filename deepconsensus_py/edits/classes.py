"""Edits of a draft and their classes, one class per homopolymer.

``EDIT_CLASSES`` is the only table of them; names, evidence columns, network outputs and the edited bases derive from
it. ``edits.scoring`` scores passes against an edited draft, ``edits.labels`` finds the correct edit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.edits.repeats import Homopolymers
from deepconsensus_py.pacbio.molecule import BASES, A, N

Codes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Edit:
    """A substitution, insertion or deletion in the draft.

    Attributes:
        start: draft position of the first base replaced.
        removed: number of bases deleted from there.
        letters: ``uint8[n]`` base codes inserted instead.
    """

    start: int
    removed: int
    letters: Codes


@dataclass(frozen=True, slots=True, eq=False)
class Edits:
    """Non-overlapping edits of a draft.

    Attributes:
        start: ``int64[n]`` draft position of the first base of each.
        removed: ``int64[n]`` number of bases deleted from there.
        sizes: ``int64[n]`` number of bases inserted instead.
        letters: ``uint8[sizes.sum()]`` inserted base codes, edit by edit.
    """

    start: NDArray[np.int64]
    removed: NDArray[np.int64]
    sizes: NDArray[np.int64]
    letters: Codes

    @classmethod
    def of(cls, edits: Sequence[Edit]) -> "Edits":
        """Build from single edits."""
        start, removed, sizes = (
            np.array([(edit.start, edit.removed, len(edit.letters)) for edit in edits], np.int64).reshape(-1, 3).T
        )
        letters = np.concatenate((*(edit.letters for edit in edits), np.empty(0, np.uint8)))
        return cls(start, removed, sizes, letters)

    def __len__(self) -> int:
        return len(self.start)

    def take(self, rows: NDArray[np.integer]) -> "Edits":
        """The edits of these indices."""
        letters = np.split(self.letters, np.cumsum(self.sizes)[:-1]) if len(self) else []
        taken = np.concatenate((*(letters[row] for row in rows), np.empty(0, np.uint8)))
        return Edits(self.start[rows], self.removed[rows], self.sizes[rows], taken)

    def joined(self, others: "Edits") -> "Edits":
        """These edits and others."""
        fields = ("start", "removed", "sizes", "letters")
        return Edits(*(np.concatenate([getattr(self, name), getattr(others, name)]) for name in fields))


def apply_edits(draft: Codes, edits: Edits) -> tuple[Codes, NDArray[np.int32]]:
    """Edit a draft.

    Args:
        draft: ``uint8[n]`` base codes.
        edits: to apply.

    Returns:
        ``uint8[m]`` base codes, and ``int32[m]`` the draft position of each base, -1 for an inserted one. Inserted
        bases precede the kept ones, as in left-normalised alignments.
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
    """One class of edits: bases of a homopolymer are deleted and others inserted instead.

    Attributes:
        name: in models, reports and fitted parameters.
        removed: number of leading bases deleted, at most the whole homopolymer.
        own: number of bases inserted that extend the homopolymer.
        letter: code of a different base inserted; 0 for none.
        at_last: whether the last base is deleted instead of the first.
        segment: whether it is whatever the passes propose there (``edits.segments``), bases of several homopolymers
            included; the other attributes do not apply.
    """

    name: str
    removed: int = 0
    own: int = 0
    letter: int = 0
    at_last: bool = False
    segment: bool = False

    @property
    def change(self) -> int:
        """Change in homopolymer length; 0 where a different base is inserted."""
        return 0 if self.letter else self.own - self.removed

    @property
    def words(self) -> str:
        """What it does, for people."""
        if self.segment:
            return "bases replaced by those that the passes share"
        if self.letter:
            place = "last" if self.at_last else "first"
            base = BASES[self.letter]
            return f"{place} base is {base}" if self.removed else f"{base} inserted in front"
        number, done = abs(self.change), "deleted" if self.change < 0 else "inserted"
        return f"{number} base{'s' * (number > 1)} {done}" if number else "no edit"

    @property
    def shortest(self) -> int:
        """Least homopolymer length that it applies to: in a homopolymer of 1 the last base is also the first."""
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
    EditClass("segment", segment=True),
)
"""In order: no edit; a shorter or longer homopolymer; a different base inserted in front; a mismatch at the first base;
a mismatch at the last; any other edit. Weights and fitted parameters depend on this order and these names."""

NONE = 0
NAMES = tuple(one.name for one in EDIT_CLASSES)
EDITED = len(EDIT_CLASSES) - 1
"""Classes except ``none``: the columns of evidence."""

SEGMENT = len(EDIT_CLASSES) - 1
"""The class of edits that the passes propose."""

REMOVED, OWN = (np.array([getattr(one, name) for one in EDIT_CLASSES], np.int64) for name in ("removed", "own"))
CHANGE, SHORTEST = (np.array([getattr(one, name) for one in EDIT_CLASSES], np.int64) for name in ("change", "shortest"))
LETTER = np.array([one.letter for one in EDIT_CLASSES], np.uint8)
AT_LAST = np.array([one.at_last for one in EDIT_CLASSES], np.bool_)
"""``[classes]`` attributes."""


def number_of(*, removed: int = 0, own: int = 0, letter: int = 0, at_last: bool = False) -> int:
    """The index of the class with these attributes.

    Raises:
        ValueError: there is none.
    """
    wanted = (removed, own, letter, at_last)
    return [(one.removed, one.own, one.letter, one.at_last) for one in EDIT_CLASSES].index(wanted)


def _columns(chosen: NDArray[np.bool_]) -> slice:
    """Evidence columns of consecutive classes."""
    numbers = np.flatnonzero(chosen) - 1
    assert (np.diff(numbers) == 1).all()
    return slice(int(numbers[0]), int(numbers[-1]) + 1)


SHORTER, LONGER = _columns(CHANGE < 0), _columns(CHANGE > 0)
RESIZED = slice(SHORTER.start, LONGER.stop)
IN_FRONT = _columns((LETTER > 0) & (REMOVED == 0))
FIRST, LAST = _columns((LETTER > 0) & (REMOVED > 0) & ~AT_LAST), _columns(AT_LAST)
OTHERS = slice(IN_FRONT.start, LAST.stop)
"""Evidence columns of each kind of edit; ``SHORTER`` and ``LONGER`` ordered by number of bases, the others by base
code."""


def class_edits(homopolymers: Homopolymers, classes: NDArray[np.integer], segments: Edits | None = None) -> Edits:
    """The edits of a draft by the class of each homopolymer.

    Args:
        homopolymers: of the draft.
        classes: ``[homopolymers]`` indices into ``EDIT_CLASSES``.
        segments: what each homopolymer of class ``SEGMENT`` stands for, in order.
    """
    edited = np.flatnonzero((classes != NONE) & (classes != SEGMENT))
    classes, length, start = classes[edited], homopolymers.length[edited], homopolymers.start[edited]
    sizes = OWN[classes] + (LETTER[classes] > 0)
    letters = np.where(LETTER[classes] > 0, LETTER[classes], homopolymers.base[edited])
    edits = Edits(
        start=(start + np.where(AT_LAST[classes], length - 1, 0)).astype(np.int64),
        removed=np.minimum(REMOVED[classes], length),
        sizes=sizes,
        letters=np.repeat(letters, sizes).astype(np.uint8),
    )
    return edits if segments is None else edits.joined(segments)
