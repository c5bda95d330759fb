"""Polished reads from homopolymer edits, shared by the methods whose items are homopolymers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align.disagreement import Disagreement, with_disagreement
from deepconsensus_py.corrector import Arrays, Calls, kept_qualities
from deepconsensus_py.edits.classes import AT_LAST, NONE, Edits, apply_edits, class_edits
from deepconsensus_py.edits.refine import TemplateState
from deepconsensus_py.edits.repeats import Homopolymers, find_homopolymers
from deepconsensus_py.edits.segments import chosen_edits
from deepconsensus_py.pacbio.molecule import Zmw

DECIDED = np.array([1.2e-2, 1.2e-2, 1.2e-2, 2.6e-3, 6.2e-4, 1.5e-3, 5.0e-4, 2.2e-4, 2.2e-4, 0])
"""Error rate of homopolymers without a candidate edit, by the number of spanning passes; from nine on, the model's
floor applies. Counted in drafts of subsets of passes of molecules with truth (``docs/accuracy.md``). It rises at five
passes, where a candidate edit needs two supporting passes instead of one."""


def layout_of(zmw: Zmw, refined: TemplateState) -> Mapping[str, NDArray[Any]]:
    """What ``call_edits`` needs besides the probabilities.

    Args:
        zmw: the input molecule.
        refined: its refined draft.

    Returns:
        ``depth`` ``uint16[homopolymers]``, number of spanning passes; the refined ``draft`` ``uint8[n]``, its
        ``draft_index`` ``int32[n]`` (position in the input draft, -1 for an inserted base), and ``draft_quality``
        ``uint8[n]`` (Phred, of the input draft; 0 for an inserted base). Disagreement of the passes with the refined
        draft: ``align.disagreement.Disagreement.layout``; edits that they propose: ``edits.segments.Segments.layout``.
    """
    return {
        **refined.disagreement.layout(),
        **refined.segments.layout(),
        "depth": refined.scores.covered.sum(axis=0, dtype=np.uint16),
        "draft": refined.bases,
        "draft_index": refined.draft_index,
        "draft_quality": np.append(kept_qualities(zmw.draft), np.uint8(0))[refined.draft_index],
    }


def call_edits(layout: Arrays, probabilities: NDArray[np.float32], floor: float) -> Calls:
    """Apply the most likely edits.

    The error probability of a homopolymer goes on its first base, as in ccs; that of a mismatch at its last base there.

    Args:
        layout: from ``layout_of``.
        probabilities: ``float32[homopolymers, 17]`` of ``edits.classes.EDIT_CLASSES`` for every homopolymer.
        floor: error probability of a base on which many passes agree; ``DECIDED`` for few passes.
    """
    depth = layout["depth"]
    covered = depth > 0
    homopolymers = find_homopolymers(layout["draft"])
    decided = np.maximum(floor, DECIDED[np.minimum(depth, len(DECIDED) - 1)] / homopolymers.length)
    classes = np.where(covered, probabilities.argmax(axis=1), NONE)
    classes, segments = chosen_edits(layout, classes, probabilities.max(axis=1))
    edits = class_edits(homopolymers, classes, segments)
    bases, index = apply_edits(layout["draft"], edits)
    given = np.power(10.0, layout["draft_quality"] / -10.0)
    of_base = np.append(
        np.where(np.repeat(covered, homopolymers.length), np.repeat(decided, homopolymers.length), given), floor
    )
    error = of_base[index].astype(np.float32)
    wrong = 1 - probabilities.max(axis=1)
    at_last = np.where(AT_LAST[classes], wrong, probabilities[:, AT_LAST].sum(axis=1))
    ends = np.cumsum(_sizes(homopolymers, edits))
    # A deleted homopolymer passes its error probability on to the base after it.
    first = np.append(0, ends)[:-1]
    for place, own in ((first, wrong - at_last), (ends - 1, at_last)):
        np.maximum.at(error, place.clip(0, max(len(bases) - 1, 0))[covered], own[covered])
    return Calls(
        bases,
        with_disagreement(error, bases, index, Disagreement.of_layout(layout)),
        np.where(index < 0, -1, layout["draft_index"][index]).astype(np.int32),
        np.ones(len(bases), np.bool_),
    )


def _sizes(homopolymers: Homopolymers, edits: Edits) -> NDArray[np.int64]:
    """Bases of each homopolymer ``int64[homopolymers]`` after edits; inserted ones are of the one after them."""
    grown = np.zeros(int(homopolymers.stop[-1]) + 1, np.int64)
    inside = np.zeros_like(grown)
    np.add.at(grown, edits.start, edits.sizes)
    np.add.at(inside, edits.start, 1)
    np.add.at(inside, edits.start + edits.removed, -1)
    kept = (np.cumsum(inside) == 0) + grown
    return np.add.reduceat(kept[:-1], homopolymers.start)
