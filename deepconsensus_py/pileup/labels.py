"""Training labels: the truth of each window, in the spaced columns of the truth's own alignment.

The labels are DeepConsensus v1.2's. An inserted truth base adds no column to the pileup: it shifts the rest of the
truth. A window's label therefore starts with the truth of its first draft base and ends with that of its last, by draft
position; truth inserted exactly between two windows is in neither label.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import GAP, N, Truth
from deepconsensus_py.pileup.columns import (
    INSERTION,
    SOFT_CLIP,
    Integers,
    Operations,
    joined_operations,
    misfits,
    ranges,
    used_bases,
)
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.pileup.pileup import Pileup
from deepconsensus_py.pileup.windows import WindowBounds, cut_slices

_PADDING = 5
"""CIGAR code that DeepConsensus writes where a label has neither a base nor a deletion: hard clip."""


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Labels of the windows of one molecule that the model can read, one for each of ``cut_windows``, in order.

    Attributes:
        bases: ``uint8[n, width]`` base codes 0..4 (5 where ``unknown``), right-padded with gaps.
        cigar: ``uint8[n, width]`` BAM CIGAR code of each, 5 in padding.
        begin: ``int64[n]`` contig position of the first base; 0 if there is none.
        last: ``int64[n]`` contig position of the last base; 0 if there is none.
        matches_draft: ``bool[n]`` the truth equals the draft's bases.
        adjusted: ``bool[n]`` inner gaps were removed because the label was wider than the window.
        overflow: ``bool[n]`` even so it has more bases than the window has columns; such windows are excluded.
        unknown: ``bool[n]`` it contains a base other than A, C, G, T; such windows are excluded.
    """

    bases: NDArray[np.uint8]
    cigar: NDArray[np.uint8]
    begin: Integers
    last: Integers
    matches_draft: NDArray[np.bool_]
    adjusted: NDArray[np.bool_]
    overflow: NDArray[np.bool_]
    unknown: NDArray[np.bool_]

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Which windows become training examples."""
        return ~(self.overflow | self.unknown)


@dataclass(frozen=True, slots=True, eq=False)
class _SpacedTruth:
    """The truth in its own columns.

    Attributes:
        bases: ``uint8[columns]`` base codes, 0 in gaps.
        cigar: ``uint8[columns]`` BAM CIGAR codes.
        holds_base: ``bool[columns]`` whether the column holds a truth base.
        draft_start: first draft position that the alignment covers.
        of_draft: ``int64[covered]`` column of each draft position that the alignment covers.
    """

    bases: NDArray[np.uint8]
    cigar: NDArray[np.uint8]
    holds_base: NDArray[np.bool_]
    draft_start: int
    of_draft: Integers


def label_windows(pileup: Pileup, bounds: WindowBounds, truth: Truth, spec: FeatureSpec) -> Labels:
    """Label the windows of a molecule that do not overflow.

    Args:
        pileup: the molecule.
        bounds: of its windows.
        truth: the molecule's true sequence, aligned to the same draft.
        spec: width of the windows.

    Returns:
        the labels; windows whose label is not ``usable`` must be excluded.

    Raises:
        MoleculeError: the truth's alignment does not fit the draft or the truth's range.
    """
    spaced = _space_truth(pileup, truth)
    fits = ~bounds.overflow
    draft_start, draft_stop = bounds.draft_start[fits], bounds.draft_stop[fits]
    start, stop = _slices(spaced, draft_start, draft_stop)
    bases_before = np.concatenate([[0], np.cumsum(spaced.holds_base)])
    first, end = bases_before[start], bases_before[stop]
    adjusted = stop - start > spec.width
    bases, cigar = spaced.bases[spaced.holds_base], spaced.cigar[spaced.holds_base]
    compact = cut_slices(bases, first, end, spec.width, GAP)
    draft = cut_slices(pileup.draft[pileup.draft_columns], draft_start, draft_stop, spec.width, GAP)
    has_bases = end > first
    plain = ~adjusted[:, None]
    return Labels(
        bases=np.where(plain, cut_slices(spaced.bases, start, stop, spec.width, GAP), compact),
        cigar=np.where(
            plain,
            cut_slices(spaced.cigar, start, stop, spec.width, _PADDING),
            cut_slices(cigar, first, end, spec.width, _PADDING),
        ),
        begin=np.where(has_bases, truth.begin + first, 0),
        last=np.where(has_bases, truth.begin + end - 1, 0),
        matches_draft=(compact == draft).all(axis=1) & (end - first == draft_stop - draft_start),
        adjusted=adjusted,
        overflow=end - first > spec.width,
        unknown=(compact == N).any(axis=1),
    )


def _space_truth(pileup: Pileup, truth: Truth) -> _SpacedTruth:
    """Place the truth in the pileup's columns, shifted by its own insertions."""
    operations = _checked_operations(truth, len(pileup.draft_columns))
    length = np.where(operations.inserts, operations.length, operations.on_draft)
    code = np.repeat(operations.code, length)
    inserted, holds_base = code == INSERTION, np.repeat(operations.on_query > 0, length)
    draft = np.repeat(operations.draft, length) + np.where(inserted, 0, ranges(np.zeros_like(length), length))
    of_draft = np.append(pileup.draft_columns, pileup.columns)
    in_front = np.append(0, of_draft[:-1] + 1)
    column = np.where(inserted, in_front[draft], of_draft[draft]) + np.cumsum(inserted) - inserted
    count = int(column[-1]) + 1
    spaced = _SpacedTruth(
        bases=np.full(count, GAP, np.uint8),
        cigar=np.full(count, _PADDING, np.uint8),
        holds_base=np.zeros(count, np.bool_),
        draft_start=truth.alignment.start,
        of_draft=column[~inserted],
    )
    every = np.ones_like(operations.inserts)
    spaced.bases[column[holds_base]] = truth.bases[used_bases(operations, every)]
    spaced.cigar[column] = code
    spaced.holds_base[column] = holds_base
    return spaced


def _checked_operations(truth: Truth, draft_length: int) -> Operations:
    """The truth's operations, checked."""
    operations = joined_operations([truth.alignment])
    bases = operations.on_query[operations.code != SOFT_CLIP].sum()
    wrong = misfits(operations, [len(truth.bases)], draft_length).any() or bases != truth.end - truth.begin
    if wrong or not bases:
        raise MoleculeError(
            f"{truth.name}: the alignment of its truth does not fit the draft of {draft_length} bases or the range "
            f"{truth.contig}:{truth.begin}-{truth.end}; align the truth to these drafts",
            outcome="truth_misfit",
        )
    return operations


def _slices(truth: _SpacedTruth, draft_start: Integers, draft_stop: Integers) -> tuple[Integers, Integers]:
    """First and past-the-last truth column of each window; both 0 where the truth does not cover it."""
    first = np.maximum(draft_start - truth.draft_start, 0)
    last = np.minimum(draft_stop - truth.draft_start, len(truth.of_draft)) - 1
    reached = np.flatnonzero(first <= last)
    start, stop = np.zeros_like(first), np.zeros_like(first)
    start[reached] = truth.of_draft[first[reached]]
    stop[reached] = truth.of_draft[last[reached]] + 1
    # DeepConsensus treats a label of column 0 alone as empty.
    stop[stop == 1] = 0
    return start, stop
