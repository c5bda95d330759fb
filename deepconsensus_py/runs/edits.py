"""Edits of a draft, one class for each run: what correctors whose items are runs predict."""

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.pacbio.molecule import A, C, G, T
from deepconsensus_py.runs.homopolymers import Runs

EDITS = ("none", "-1", "-2", "+1", "+2", "A", "T", "C", "G")
"""Classes in order: nothing; bases fewer or more of the run's letter; one base of another letter in front of it."""

NONE = 0
CHANGE = np.array([0, -1, -2, 1, 2, 0, 0, 0, 0], np.int8)
"""Bases by which each class makes the run longer."""

INSERTS = np.array([0, 0, 0, 0, 0, A, T, C, G], np.uint8)
"""Base code that each class puts in front of the run, 0 for none."""


def apply_edits(
    draft: NDArray[np.uint8], runs: Runs, classes: NDArray[np.integer]
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Correct a draft.

    Args:
        draft: ``uint8[n]`` base codes.
        runs: of the draft.
        classes: ``[runs]`` numbers of ``EDITS``. A run loses no more bases than it has.

    Returns:
        ``uint8[m]`` base codes, and ``int32[m]`` the draft position of each base, -1 for one that was put in. A run
        loses its first bases, and new ones stand in front of it, as in left-normalised alignments.
    """
    change = np.maximum(CHANGE[classes].astype(np.int64), -runs.length)
    new = np.maximum(change, 0) + (INSERTS[classes] != 0)
    first_kept = runs.start + np.maximum(-change, 0)
    # Each run is what is put in front and what is kept: two pieces, laid end to end.
    sizes = np.stack([new, runs.stop - first_kept], axis=1).ravel()
    ends = np.cumsum(sizes)
    position = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - sizes, sizes)
    origin = np.stack([np.full(len(runs), -1), first_kept], axis=1).ravel()
    kept = np.repeat(origin, sizes) >= 0
    draft_index = np.where(kept, np.repeat(origin, sizes) + position, -1).astype(np.int32)
    letter = np.where(INSERTS[classes] != 0, INSERTS[classes], runs.base)
    bases = np.where(kept, draft[draft_index], np.repeat(np.repeat(letter, 2), sizes)).astype(np.uint8)
    return bases, draft_index
