"""Which edit turns each run of a draft into the truth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align.normalise import left_normalise
from deepconsensus_py.pacbio.molecule import Alignment, N
from deepconsensus_py.runs.edits import CHANGE, INSERTS
from deepconsensus_py.runs.homopolymers import Runs
from deepconsensus_py.runs.spans import Spans, check_alignment, run_spans

_LONGEST_CHANGE = 2
_CLASS_OF_CHANGE = np.array([int(np.flatnonzero((d == CHANGE) & (INSERTS == 0))[0]) for d in range(-2, 3)], np.uint8)
_CLASS_OF_INSERT = np.array([0, *(int(np.flatnonzero(code == INSERTS)[0]) for code in range(1, 5)), 0], np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class RunLabels:
    """The right edit of every run.

    Attributes:
        classes: ``uint8[runs]`` numbers of ``edits.EDITS``; where no class says it all, the nearest.
        exact: ``bool[runs]`` the class turns the run into the truth. Not so where the truth does not cover the run, has
            another letter or an N in it, an N or more than one other base in front of it, or a length that differs by
            more than two.
    """

    classes: NDArray[np.uint8]
    exact: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """What a sequence has at each run: bases of the run's letter, others within it, others in front, their code.

    The code is a letter's where there is one base in front. N, which may be any letter, counts as one within.
    """

    own: NDArray[np.int64]
    within: NDArray[np.int64]
    in_front: NDArray[np.int64]
    letter: NDArray[np.int64]


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
    return RunLabels(classes.astype(np.uint8), preceded | (resized & (np.abs(change) <= _LONGEST_CHANGE)))


def _read(bases: NDArray[np.uint8], spans: Spans, runs: Runs) -> _Reading:
    begin, body, end = spans.positions.T
    owner = np.repeat(np.arange(len(runs)), end - begin)
    # The covered runs are neighbours, and so are their bases.
    position = np.arange(len(owner)) + begin[spans.covered].min(initial=len(bases))
    read = bases[position]
    own = read == runs.base[owner]
    in_front = ~own & (read != N) & (position < body[owner])

    def count(which: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(owner[which], minlength=len(runs))

    letter = np.bincount(owner[in_front], weights=read[in_front], minlength=len(runs)).astype(np.int64)
    return _Reading(count(own), count(~own & ~in_front), count(in_front), letter)
