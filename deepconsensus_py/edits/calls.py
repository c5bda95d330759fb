"""Polished reads from homopolymer edits, shared by the methods whose items are homopolymers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align.disagreement import Disagreement, with_disagreement
from deepconsensus_py.corrector import Arrays, Calls, kept_qualities
from deepconsensus_py.edits.classes import AT_LAST, NONE, Edits, apply_edits, class_edits
from deepconsensus_py.edits.expected_errors import FEW, UndecidedErrors, errors_of, expected_errors_of
from deepconsensus_py.edits.refine import TemplateState
from deepconsensus_py.edits.repeats import Homopolymers, find_homopolymers
from deepconsensus_py.edits.segments import chosen_edits
from deepconsensus_py.pacbio.molecule import Zmw


def layout_of(zmw: Zmw, refined: TemplateState) -> Mapping[str, NDArray[Any]]:
    """What ``call_edits`` needs besides the probabilities.

    Args:
        zmw: the input molecule.
        refined: its refined draft.

    Returns:
        ``depth`` ``uint16[homopolymers]``, number of spanning passes; ``expected_errors`` ``uint8[homopolymers]``
        (``expected_errors.expected_errors_of``); the refined ``draft`` ``uint8[n]``, its
        ``draft_index`` ``int32[n]`` (position in the input draft, -1 for an inserted base), and ``draft_quality``
        ``uint8[n]`` (Phred, of the input draft; 0 for an inserted base). Disagreement of the passes with the refined
        draft: ``align.disagreement.Disagreement.layout``; edits that they propose: ``edits.segments.Segments.layout``.
    """
    return {
        **refined.disagreement.layout(),
        **refined.segments.layout(),
        "expected_errors": expected_errors_of(refined),
        "depth": refined.scores.covered.sum(axis=0, dtype=np.uint16),
        "draft": refined.bases,
        "draft_index": refined.draft_index,
        "draft_quality": np.append(kept_qualities(zmw.draft), np.uint8(0))[refined.draft_index],
    }


def call_edits(layout: Arrays, probabilities: NDArray[np.float32], undecided: UndecidedErrors) -> Calls:
    """Apply the most likely edits.

    The error probability of a homopolymer goes on its first base, as in ccs; that of a mismatch at its last base there.

    Args:
        layout: from ``layout_of``.
        probabilities: ``float32[homopolymers, 18]`` of ``edits.classes.EDIT_CLASSES`` for every homopolymer; 1 of no
            edit where the draft is kept without asking the model.
        undecided: how often the model's edits are wrong.
    """
    depth = layout["depth"]
    covered = depth > 0
    homopolymers = find_homopolymers(layout["draft"])
    classes = np.where(covered, probabilities.argmax(axis=1), NONE)
    classes, segments = chosen_edits(layout, classes, probabilities.max(axis=1))
    edits = class_edits(homopolymers, classes, segments)
    bases, index = apply_edits(layout["draft"], edits)
    sizes = _sizes(homopolymers, edits)
    error = _decided(layout, homopolymers, sizes, index).astype(np.float32)
    wrong = 1 - probabilities.max(axis=1)
    at_last = np.where(AT_LAST[classes], wrong, probabilities[:, AT_LAST].sum(axis=1))
    # Where the draft is kept without asking the model nothing is added.
    expected = np.where(covered & (wrong > 0), undecided.errors(wrong, depth), 0)
    correction = (1 - undecided.spread) * expected / np.where(wrong > 0, wrong, 1)
    ends = np.cumsum(sizes)
    # A deleted homopolymer passes its error probability on to the base after it.
    first = np.append(0, ends)[:-1]
    error += _around(first, ends, undecided.spread * expected, len(bases)).astype(np.float32)
    for place, own in ((first, wrong - at_last), (ends - 1, at_last)):
        # Of the same type: NumPy takes ten times as long if it has to convert each.
        raised = (own * correction)[covered].astype(np.float32)
        np.maximum.at(error, place.clip(0, max(len(bases) - 1, 0))[covered], raised)
    return Calls(
        bases,
        with_disagreement(error, bases, index, Disagreement.of_layout(layout)),
        np.where(index < 0, -1, layout["draft_index"][index]).astype(np.int32),
        np.ones(len(bases), np.bool_),
    )


def _decided(
    layout: Arrays, homopolymers: Homopolymers, sizes: NDArray[np.int64], index: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Error probabilities of the bases of a read, without those of the model's edits.

    Args:
        layout: from ``layout_of``.
        homopolymers: of the draft.
        sizes: ``int64[homopolymers]`` bases of each after its edit.
        index: ``[n]`` position of each base in the draft, -1 for an inserted one.
    """
    owner = np.repeat(np.arange(len(homopolymers)), sizes)
    # Bases inserted behind the last one.
    owner = np.append(owner, np.full(len(index) - len(owner), len(homopolymers) - 1))
    decided, depth = (errors_of(layout["expected_errors"]) / homopolymers.length)[owner], layout["depth"][owner]
    given = np.power(10.0, layout["draft_quality"] / -10.0)[index]
    known = (index >= 0) & (layout["draft_index"][index] >= 0)
    # Few passes are no better than the draft.
    decided = np.where(known & (depth < FEW), np.maximum(decided, given), decided)
    chosen: NDArray[np.float64] = np.where((depth > 0) | (index < 0), decided, given)
    return chosen


def _around(
    first: NDArray[np.int64], ends: NDArray[np.int64], errors: NDArray[np.float64], length: int
) -> NDArray[np.float64]:
    """Error probabilities ``float64[length]`` from errors at homopolymers or at the base before or after them.

    Args:
        first: ``int64[homopolymers]`` first base of each in the read.
        ends: ``int64[homopolymers]`` one past its last base.
        errors: ``float64[homopolymers]`` of each.
        length: of the read.
    """
    start, stop = np.maximum(first - 1, 0), np.minimum(ends + 1, length)
    steps = np.zeros(length + 1)
    share = errors / np.maximum(stop - start, 1)
    np.add.at(steps, start.clip(0, length), share)
    np.add.at(steps, stop, -share)
    # Rounding can leave less than nothing.
    shared: NDArray[np.float64] = np.maximum(np.cumsum(steps[:-1]), 0)
    return shared


def _sizes(homopolymers: Homopolymers, edits: Edits) -> NDArray[np.int64]:
    """Bases of each homopolymer ``int64[homopolymers]`` after edits; inserted ones are of the one after them."""
    grown = np.zeros(int(homopolymers.stop[-1]) + 1, np.int64)
    inside = np.zeros_like(grown)
    np.add.at(grown, edits.start, edits.sizes)
    np.add.at(inside, edits.start, 1)
    np.add.at(inside, edits.start + edits.removed, -1)
    kept = (np.cumsum(inside) == 0) + grown
    return np.add.reduceat(kept[:-1], homopolymers.start)
