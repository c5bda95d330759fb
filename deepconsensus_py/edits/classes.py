"""Edits of a draft, one class for each run: what correctors whose items are runs predict."""

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.edits.repeats import Runs
from deepconsensus_py.pacbio.molecule import A, C, G, T

_PUT_IN = ("A", "T", "C", "G")
_RESIZED = ("-1", "-2", "+1", "+2")
EDITS = ("none", *_RESIZED, *_PUT_IN, *(f"first {x}" for x in _PUT_IN), *(f"last {x}" for x in _PUT_IN))
"""Classes in order: nothing; bases fewer or more of the run's letter; one base of another letter in front of it;
another letter in place of its first base; in place of its last, of two or more."""

NONE = 0
CHANGE = np.array([0, -1, -2, 1, 2, *[0] * 12], np.int8)
"""Bases by which each class makes the run longer."""

_CODES = (A, T, C, G)
INSERTS = np.array([*[0] * 5, *_CODES, *[0] * 8], np.uint8)
"""Base code that each class puts in front of the run, 0 for none."""

FIRST = np.array([*[0] * 9, *_CODES, *[0] * 4], np.uint8)
"""Base code that each class puts in the place of the run's first base, 0 for none."""

LAST = np.array([*[0] * 13, *_CODES], np.uint8)
"""Base code that each class puts in the place of the run's last base, 0 for none."""


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
    in_front, last = INSERTS[classes] + FIRST[classes], LAST[classes]
    first_kept = runs.start + np.maximum(-change, 0) + (FIRST[classes] != 0)
    # Each run is what is put in front, what is kept, and what is put behind: three pieces, laid end to end.
    new = np.maximum(change, 0) + (in_front != 0)
    sizes = np.stack([new, runs.stop - first_kept - (last != 0), last != 0], axis=1).ravel()
    ends = np.cumsum(sizes)
    position = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - sizes, sizes)
    none = np.full(len(runs), -1)
    origin = np.repeat(np.stack([none, first_kept, none], axis=1).ravel(), sizes)
    letter = np.stack([np.where(in_front, in_front, runs.base), runs.base, last], axis=1).ravel()
    kept = origin >= 0
    draft_index = np.where(kept, origin + position, -1).astype(np.int32)
    bases = np.where(kept, draft[draft_index], np.repeat(letter, sizes)).astype(np.uint8)
    return bases, draft_index
