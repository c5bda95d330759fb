"""Edited drafts: their bases, and the passes' alignments carried over from the draft before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align.normalise import left_normalise
from deepconsensus_py.hmm.carried import carried_alignment
from deepconsensus_py.pacbio.molecule import Pass

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
