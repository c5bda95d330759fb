"""Edits of a draft, and the draft that they make of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
