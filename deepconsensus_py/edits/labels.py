"""Correct edits: the class that turns each homopolymer of a draft into the truth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.align.cigar import left_normalise
from deepconsensus_py.edits.classes import CHANGE, SEGMENT, Codes, number_of
from deepconsensus_py.edits.repeats import Homopolymers
from deepconsensus_py.edits.segments import Segments
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import A, Alignment, N

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Bases of a sequence at each homopolymer of the draft, with those inserted in front of it.

    Attributes:
        covered: ``bool[homopolymers]`` the alignment spans the homopolymer and a base on either side; insertions at the
            ends of an alignment belong to none. Covered homopolymers are contiguous.
        positions: ``int64[homopolymers, 3]`` start of the bases inserted in front, start of the homopolymer's own
            columns, and their end; 0 where not covered.
    """

    covered: NDArray[np.bool_]
    positions: Integers


def homopolymer_spans(alignment: Alignment, homopolymers: Homopolymers) -> Spans:
    """The bases of an aligned sequence at each homopolymer.

    Args:
        alignment: to the draft, gaps left-normalised, so that an indel in a homopolymer lies at its start.
        homopolymers: of the draft.
    """
    before, after = _draft_columns(alignment)
    covered = (homopolymers.start > alignment.start) & (homopolymers.stop < alignment.start + len(before))
    first, last = (homopolymers.start - alignment.start) * covered, (homopolymers.stop - 1 - alignment.start) * covered
    positions = np.stack([after[first - 1], before[first], after[last]], axis=1)
    return Spans(covered, positions * covered[:, None])


def _draft_columns(alignment: Alignment) -> tuple[Integers, Integers]:
    """For each aligned draft position, the position of its base (or of its deletion) and one past it.

    Insertions lie from there to the base of the next draft position.
    """
    operations, lengths = alignment.operations, alignment.lengths
    on_draft, on_pass = (np.repeat(side[operations], lengths) for side in (cigar.ON_DRAFT, cigar.ON_PASS))
    after = np.cumsum(on_pass)[on_draft]
    return after - on_pass[on_draft], after


def check_alignment(alignment: Alignment, bases: int, draft_length: int) -> None:
    """Refuse an alignment that does not fit the lengths of its sequence and draft.

    Raises:
        MoleculeError: it does not fit, or aligns no base.
    """
    on_pass, on_draft = cigar.ON_PASS[alignment.operations], cigar.ON_DRAFT[alignment.operations]
    stop = alignment.start + alignment.lengths @ on_draft
    inside = alignment.start >= 0 and stop <= draft_length
    if not inside or alignment.lengths @ on_pass != bases or not (on_pass & on_draft).any():
        raise MoleculeError("an alignment does not fit its bases and the draft; align them again")


_LEAST, _MOST = int(CHANGE.min()), int(CHANGE.max())
_CLASS_OF_CHANGE = np.array([number_of(removed=max(-d, 0), own=max(d, 0)) for d in range(_LEAST, _MOST + 1)], np.uint8)
_CLASS_OF_INSERT, _CLASS_OF_FIRST, _CLASS_OF_LAST = (
    np.array([0, *(number_of(removed=removed, letter=code, at_last=at_last) for code in range(A, N))], np.uint8)
    for removed, at_last in ((0, False), (1, False), (1, True))
)
"""Indexed by the change in length from ``_LEAST`` on, and by base code."""


@dataclass(frozen=True, slots=True, eq=False)
class HomopolymerLabels:
    """The correct edit of every homopolymer.

    Attributes:
        classes: ``uint8[homopolymers]`` indices into ``edits.classes.EDIT_CLASSES``; the nearest class where none is
            exact.
        exact: ``bool[homopolymers]`` whether the class yields the truth. False where the truth does not span the
            homopolymer, has a different base or N inside it, more than one different base in front, or a length that
            differs by more than two.
    """

    classes: NDArray[np.uint8]
    exact: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """Composition of a sequence at each homopolymer: its own base, other bases within it, other bases in front.

    N counts as a base within. ``letter`` is the code of a single different base, 0 if there are none or several;
    ``at_first`` and ``at_last``: whether the first and last base differ.
    """

    own: NDArray[np.int64]
    within: NDArray[np.int64]
    in_front: NDArray[np.int64]
    letter: NDArray[np.int64]
    at_first: NDArray[np.bool_]
    at_last: NDArray[np.bool_]


def label_homopolymers(
    draft: NDArray[np.uint8],
    homopolymers: Homopolymers,
    truth: NDArray[np.uint8],
    alignment: Alignment,
    segments: Segments | None = None,
) -> HomopolymerLabels:
    """Label the homopolymers of a draft.

    Where an edit that the passes propose gives the truth, it is the label of its homopolymer, and the others near it
    have none.

    Args:
        draft: ``uint8[n]`` base codes.
        homopolymers: of the draft.
        truth: ``uint8[m]`` base codes in draft orientation.
        alignment: of the truth to the draft; its gaps are left-normalised here, like those of passes.
        segments: the edits that the passes propose.

    Raises:
        MoleculeError: the alignment does not fit.
    """
    check_alignment(alignment, len(truth), len(draft))
    spans = homopolymer_spans(left_normalise(alignment, truth, draft), homopolymers)
    there = _read(truth, spans, homopolymers)
    covered = spans.covered & (homopolymers.base != N)
    change = (there.own - homopolymers.length) * covered
    pure = covered & (there.within == 0)
    resized = pure & (there.in_front == 0)
    preceded = pure & (change == 0) & (there.in_front == 1)
    near = np.clip(change, _LEAST, _MOST)
    classes = np.where(pure, _CLASS_OF_CHANGE[near - _LEAST], 0)
    classes[preceded] = _CLASS_OF_INSERT[there.letter[preceded]]
    replaced = covered & (change == -1) & (there.letter > 0)
    first = replaced & there.at_first
    last = replaced & there.at_last & ~first
    classes[first], classes[last] = _CLASS_OF_FIRST[there.letter[first]], _CLASS_OF_LAST[there.letter[last]]
    exact = preceded | first | last | (resized & (change == near))
    labels = HomopolymerLabels(classes.astype(np.uint8), exact)
    if segments is not None:
        _label_segments(labels, segments, (draft, truth), homopolymers, spans)
    return labels


def _label_segments(
    labels: HomopolymerLabels,
    segments: Segments,
    sequences: tuple[Codes, Codes],
    homopolymers: Homopolymers,
    spans: Spans,
) -> None:
    """Label the homopolymers of proposed edits that turn what is around them into the truth."""
    draft, truth = sequences
    for number, proposal in enumerate(segments.proposals):
        first, last = int(segments.first[number]) - 1, int(segments.last[number]) + 1
        if first < 0 or last >= len(homopolymers) or not spans.covered[first : last + 1].all():
            continue
        begin, end, edit = int(homopolymers.start[first]), int(homopolymers.stop[last]), proposal.edit
        edited = np.concatenate([draft[begin : edit.start], edit.letters, draft[edit.start + edit.removed : end]])
        there = truth[spans.positions[first, 0] : spans.positions[last, 2]]
        if np.array_equal(edited, there) and not np.array_equal(draft[begin:end], there):
            labels.classes[first + 1] = SEGMENT
            labels.exact[first : last + 1] = False
            labels.exact[first + 1] = True


def _read(bases: NDArray[np.uint8], spans: Spans, homopolymers: Homopolymers) -> _Reading:
    begin, body, end = spans.positions.T
    owner = np.repeat(np.arange(len(homopolymers)), end - begin)
    # Covered homopolymers are contiguous, and so are their bases.
    position = np.arange(len(owner)) + begin[spans.covered].min(initial=len(bases))
    read = bases[position]
    own = read == homopolymers.base[owner]
    other = ~own & (read != N)
    in_front = other & (position < body[owner])

    def count(which: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(owner[which], minlength=len(homopolymers))

    letter = np.bincount(owner[other], weights=read[other], minlength=len(homopolymers)).astype(np.int64)
    at_first, at_last = count(other & (position == begin[owner])), count(other & (position == end[owner] - 1))
    single = count(~own) == 1
    return _Reading(count(own), count(~own & ~in_front), count(in_front), letter * single, at_first > 0, at_last > 0)
