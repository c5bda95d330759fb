"""Which edit turns each run of a draft into the truth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.align.cigar import left_normalise
from deepconsensus_py.edits.classes import CHANGE, number_of
from deepconsensus_py.edits.repeats import Runs
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import A, Alignment, N

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Bases at each run of the draft; those inserted in front of a run belong to it.

    Attributes:
        covered: ``bool[runs]`` the alignment holds the whole run and a base to both sides of it; bases inserted at
            the ends of an alignment have nowhere to go. These runs are neighbours.
        positions: ``int64[runs, 3]`` positions where the bases inserted in front of the run begin, where the run's own
            columns begin, and where they end; 0 where not covered.
    """

    covered: NDArray[np.bool_]
    positions: Integers


def run_spans(alignment: Alignment, runs: Runs) -> Spans:
    """The bases of an aligned sequence at each run.

    Args:
        alignment: to the draft, gaps left-normalised, so that a base more or less in a run stands in front of it.
        runs: of the draft.
    """
    before, after = _draft_columns(alignment)
    covered = (runs.start > alignment.start) & (runs.stop < alignment.start + len(before))
    first, last = (runs.start - alignment.start) * covered, (runs.stop - 1 - alignment.start) * covered
    positions = np.stack([after[first - 1], before[first], after[last]], axis=1)
    return Spans(covered, positions * covered[:, None])


def _draft_columns(alignment: Alignment) -> tuple[Integers, Integers]:
    """For each aligned draft position the position of its base, or where it was deleted, and the one behind it.

    Inserted bases lie from there up to the position of the next draft position's base.
    """
    operations, lengths = alignment.operations, alignment.lengths
    on_draft, on_pass = (np.repeat(side[operations], lengths) for side in (cigar.ON_DRAFT, cigar.ON_PASS))
    after = np.cumsum(on_pass)[on_draft]
    return after - on_pass[on_draft], after


def check_alignment(alignment: Alignment, bases: int, draft_length: int) -> None:
    """Refuse an alignment that is not of a sequence of so many bases to a draft of that length.

    Raises:
        MoleculeError: it does not fit, or pairs no base.
    """
    on_pass, on_draft = cigar.ON_PASS[alignment.operations], cigar.ON_DRAFT[alignment.operations]
    stop = alignment.start + alignment.lengths @ on_draft
    inside = alignment.start >= 0 and stop <= draft_length
    if not inside or alignment.lengths @ on_pass != bases or not (on_pass & on_draft).any():
        raise MoleculeError("an alignment does not fit its bases and the draft; align them again")


_LONGEST_CHANGE = int(CHANGE.max())
_CLASS_OF_CHANGE = np.array(
    [number_of(removed=max(-d, 0), own=max(d, 0)) for d in range(-_LONGEST_CHANGE, _LONGEST_CHANGE + 1)], np.uint8
)
_CLASS_OF_INSERT, _CLASS_OF_FIRST, _CLASS_OF_LAST = (
    np.array([0, *(number_of(removed=removed, letter=code, at_last=at_last) for code in range(A, N))], np.uint8)
    for removed, at_last in ((0, False), (1, False), (1, True))
)
"""By the change of length from ``-_LONGEST_CHANGE`` on, and by the code of the letter."""


@dataclass(frozen=True, slots=True, eq=False)
class RunLabels:
    """The right edit of every run.

    Attributes:
        classes: ``uint8[runs]`` numbers of ``edits.classes.EDIT_CLASSES``; where no class says it all, the nearest.
        exact: ``bool[runs]`` the class turns the run into the truth. Not so where the truth does not cover the run, has
            another letter inside it, an N, more than one other base in front of it, or a length that differs by more
            than two.
    """

    classes: NDArray[np.uint8]
    exact: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """What a sequence has at each run: bases of the run's letter, others within it, others in front.

    N, which may be any letter, counts as one within. ``letter`` is the code of a single other base, 0 where there are
    none or more; ``at_first`` and ``at_last`` say whether the first and the last base are others.
    """

    own: NDArray[np.int64]
    within: NDArray[np.int64]
    in_front: NDArray[np.int64]
    letter: NDArray[np.int64]
    at_first: NDArray[np.bool_]
    at_last: NDArray[np.bool_]


def label_runs(draft: NDArray[np.uint8], runs: Runs, truth: NDArray[np.uint8], alignment: Alignment) -> RunLabels:
    """Label the runs of a draft.

    Args:
        draft: ``uint8[n]`` base codes.
        runs: of the draft.
        truth: ``uint8[m]`` base codes in the draft's direction.
        alignment: of the truth to the draft; its gaps are left-normalised here, like those of passes.

    Raises:
        MoleculeError: the alignment does not fit.
    """
    check_alignment(alignment, len(truth), len(draft))
    spans = run_spans(left_normalise(alignment, truth, draft), runs)
    there = _read(truth, spans, runs)
    covered = spans.covered & (runs.base != N)
    change = (there.own - runs.length) * covered
    pure = covered & (there.within == 0)
    resized = pure & (there.in_front == 0)
    preceded = pure & (change == 0) & (there.in_front == 1)
    near = np.clip(change, -_LONGEST_CHANGE, _LONGEST_CHANGE)
    classes = np.where(pure, _CLASS_OF_CHANGE[near + _LONGEST_CHANGE], 0)
    classes[preceded] = _CLASS_OF_INSERT[there.letter[preceded]]
    replaced = covered & (change == -1) & (there.letter > 0)
    first = replaced & there.at_first
    last = replaced & there.at_last & ~first
    classes[first], classes[last] = _CLASS_OF_FIRST[there.letter[first]], _CLASS_OF_LAST[there.letter[last]]
    exact = preceded | first | last | (resized & (np.abs(change) <= _LONGEST_CHANGE))
    return RunLabels(classes.astype(np.uint8), exact)


def _read(bases: NDArray[np.uint8], spans: Spans, runs: Runs) -> _Reading:
    begin, body, end = spans.positions.T
    owner = np.repeat(np.arange(len(runs)), end - begin)
    # The covered runs are neighbours, and so are their bases.
    position = np.arange(len(owner)) + begin[spans.covered].min(initial=len(bases))
    read = bases[position]
    own = read == runs.base[owner]
    other = ~own & (read != N)
    in_front = other & (position < body[owner])

    def count(which: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(owner[which], minlength=len(runs))

    letter = np.bincount(owner[other], weights=read[other], minlength=len(runs)).astype(np.int64)
    at_first, at_last = count(other & (position == begin[owner])), count(other & (position == end[owner] - 1))
    single = count(~own) == 1
    return _Reading(count(own), count(~own & ~in_front), count(in_front), letter * single, at_first > 0, at_last > 0)
