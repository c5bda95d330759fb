"""Reads from edits of runs: what correctors whose items are runs have in common."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align.disagreement import Disagreement, find_disagreement, with_disagreement
from deepconsensus_py.corrector import Arrays, Calls, kept_qualities
from deepconsensus_py.edits.classes import AT_LAST, LETTER, NONE, OWN, REMOVED, apply_edits, class_edits
from deepconsensus_py.edits.refine import TemplateState
from deepconsensus_py.edits.repeats import Runs, find_runs
from deepconsensus_py.pacbio.molecule import Zmw

DECIDED = np.array([1.2e-2, 1.2e-2, 1.2e-2, 2.6e-3, 6.2e-4, 1.5e-3, 5.0e-4, 2.2e-4, 2.2e-4, 0])
"""Share of the runs that evidence decides that are wrong, by the number of passes that cover them; from nine on, the
model's floor. Counted in drafts of some passes of molecules with truth (``docs/accuracy.md``). With five passes two
must speak for an edit before it is looked at, with four one."""


def layout_of(zmw: Zmw, refined: TemplateState) -> Mapping[str, NDArray[Any]]:
    """What ``call_runs`` needs besides edits and their probabilities.

    Args:
        zmw: the molecule as it was given.
        refined: the state of its refined draft.

    Returns:
        ``depth`` ``uint16[runs]``, how many passes say something about the run; the refined ``draft`` ``uint8[n]``,
        its ``draft_index`` ``int32[n]`` (position in the draft that was given, -1 for a new base), and
        ``draft_quality`` ``uint8[n]`` (Phred, of the draft that was given; 0 for a new base). Where its passes disagree
        with the refined draft: ``align.disagreement.Disagreement.layout``.
    """
    return {
        **find_disagreement(refined.bases, [p.source for p in refined.passes]).layout(),
        "depth": refined.scores.covered.sum(axis=0, dtype=np.uint16),
        "draft": refined.bases,
        "draft_index": refined.draft_index,
        "draft_quality": np.append(kept_qualities(zmw.draft), np.uint8(0))[refined.draft_index],
    }


def call_runs(layout: Arrays, probabilities: NDArray[np.float32], floor: float) -> Calls:
    """Make the likeliest edits; the doubt about a run lies on its first base, but that about its last base there.

    Args:
        layout: as ``layout_of`` gave it.
        probabilities: ``float32[runs, 17]`` of ``edits.classes.EDIT_CLASSES`` for every run.
        floor: probability that a base is wrong which many passes agree on; ``DECIDED`` of a few.
    """
    depth = layout["depth"]
    covered = depth > 0
    runs = find_runs(layout["draft"])
    decided = np.maximum(floor, DECIDED[np.minimum(depth, len(DECIDED) - 1)] / runs.length)
    classes = np.where(covered, probabilities.argmax(axis=1), NONE)
    bases, index = apply_edits(layout["draft"], class_edits(runs, classes))
    given = np.power(10.0, layout["draft_quality"] / -10.0)
    of_base = np.append(np.where(np.repeat(covered, runs.length), np.repeat(decided, runs.length), given), floor)
    error = of_base[index].astype(np.float32)
    doubt = 1 - probabilities.max(axis=1)
    at_last = np.where(AT_LAST[classes], doubt, probabilities[:, AT_LAST].sum(axis=1))
    ends = np.cumsum(_sizes(runs, classes))
    # A run that is gone leaves its doubt to the base after it.
    first = np.append(0, ends)[:-1]
    for place, own in ((first, doubt - at_last), (ends - 1, at_last)):
        np.maximum.at(error, place.clip(0, max(len(bases) - 1, 0))[covered], own[covered])
    return Calls(
        bases,
        with_disagreement(error, bases, index, Disagreement.of_layout(layout)),
        np.where(index < 0, -1, layout["draft_index"][index]).astype(np.int32),
        np.ones(len(bases), np.bool_),
    )


def _sizes(runs: Runs, classes: NDArray[np.integer]) -> NDArray[np.int64]:
    """Bases of each run ``int64[runs]`` after its edit."""
    sizes = runs.length - np.minimum(REMOVED[classes], runs.length) + OWN[classes] + (LETTER[classes] > 0)
    return np.asarray(sizes, np.int64)
