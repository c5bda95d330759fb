"""Which edit turns each run of a draft into the truth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.pacbio.molecule import Alignment, Pass
from deepconsensus_py.runs import kernels
from deepconsensus_py.runs.edits import CHANGE, INSERTS
from deepconsensus_py.runs.evidence import read_pass
from deepconsensus_py.runs.homopolymers import Runs

_LONGEST_CHANGE = 2
_CLASS_OF_CHANGE = np.array([int(np.flatnonzero((d == CHANGE) & (INSERTS == 0))[0]) for d in range(-2, 3)], np.uint8)
_CLASS_OF_INSERT = np.array([0, *(int(np.flatnonzero(code == INSERTS)[0]) for code in range(1, 5)), 0], np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class RunLabels:
    """The right edit of every run.

    Attributes:
        classes: ``uint8[runs]`` numbers of ``edits.EDITS``; where no class says it all, the nearest.
        exact: ``bool[runs]`` the class turns the run into the truth. Not so where the truth does not cover the run, has
            another letter in it, more than one other base in front of it, or a length that differs by more than two.
    """

    classes: NDArray[np.uint8]
    exact: NDArray[np.bool_]


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
    cells = np.zeros((len(runs), kernels.FIELDS), np.uint8)
    covered = read_pass(Pass("the truth", truth, None, None, None, alignment), draft, runs, cells)
    covered &= runs.base != kernels.UNREAD
    count, inserted = cells[:, kernels.COUNT].astype(np.int64), cells[:, kernels.INSERTED]
    change = (count - runs.length) * covered
    pure = covered & (cells[:, kernels.OTHERS] == 0)
    resized = pure & (inserted == 0)
    preceded = pure & (change == 0) & (inserted == 1)
    near = np.clip(change, -_LONGEST_CHANGE, _LONGEST_CHANGE)
    classes = np.where(pure, _CLASS_OF_CHANGE[near + _LONGEST_CHANGE], 0)
    classes = np.where(preceded, _CLASS_OF_INSERT[cells[:, kernels.FIRST_INSERTED]], classes).astype(np.uint8)
    return RunLabels(classes, preceded | (resized & (np.abs(change) <= _LONGEST_CHANGE)))
