"""What every pass of a molecule says about every run of its draft.

A pass is read by what it has between the end of the run before and the end of the run itself: how many bases of the
run's letter, which others. How an aligner placed gaps inside a run does not matter, and hardly the draft's length.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align.normalise import left_normalise
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import Pass, Zmw
from deepconsensus_py.runs import kernels
from deepconsensus_py.runs.homopolymers import Runs, find_runs, lowest_qualities
from deepconsensus_py.runs.spans import checked, run_spans

_Cells = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class RunEvidence:
    """Passes against runs, in one orientation of the molecule.

    A run of N, like an N in a pass, is never read: every field is 0 there.

    Attributes:
        runs: of the draft.
        quality: ``uint8[runs]`` lowest Phred quality of the draft's bases in the run, or None.
        reverse: ``bool[passes]`` the pass read the strand opposite to the draft.
        kinetics: ``bool[passes]`` pulse widths and inter-pulse durations are known; where not, their fields are 0.
        covered: ``bool[passes, runs]`` the pass is aligned to the whole run and a base to both sides; where not, its
            fields are 0. So no pass covers the draft's first and last run.
        cells: ``uint8[passes, runs, kernels.FIELDS]`` one number for each of the properties below, ``uint8`` each.
    """

    runs: Runs
    quality: NDArray[np.uint8] | None
    reverse: NDArray[np.bool_]
    kinetics: NDArray[np.bool_]
    covered: NDArray[np.bool_]
    cells: _Cells

    @property
    def passes(self) -> int:
        """Number of passes."""
        return len(self.reverse)

    @property
    def count(self) -> _Cells:
        """``[passes, runs]`` bases of the run's letter."""
        return self.cells[..., kernels.COUNT]

    @property
    def others(self) -> _Cells:
        """``[passes, runs]`` bases of other letters, set against the run or inserted inside it."""
        return self.cells[..., kernels.OTHERS]

    @property
    def inserted(self) -> _Cells:
        """``[passes, runs]`` bases of other letters inserted in front of the run."""
        return self.cells[..., kernels.INSERTED]

    @property
    def delta(self) -> NDArray[np.int16]:
        """``int16[passes, runs]`` bases of the run's letter less those of the draft; 0 where not read."""
        read = self.covered & (self.runs.base != kernels.UNREAD)
        lengths: NDArray[np.int16] = self.runs.length.astype(np.int16) * read
        return self.count - lengths

    def take(self, passes: Sequence[int] | NDArray[np.integer]) -> "RunEvidence":
        """The evidence of some passes only, given by their numbers."""
        chosen = np.asarray(passes, np.intp)
        fields = ("reverse", "kinetics", "covered", "cells")
        return replace(self, **{name: getattr(self, name)[chosen] for name in fields})

    def with_lengths(self, lengths: NDArray[np.int32]) -> "RunEvidence":
        """The same passes against a draft whose runs have other lengths ``int32[runs]``, none of them 0.

        ``runs.start`` stays as it was, and the draft's quality, which goes with its bases, is dropped.
        """
        return replace(self, runs=replace(self.runs, length=lengths), quality=None)


def gather_evidence(zmw: Zmw) -> RunEvidence:
    """Read all passes of a molecule at all runs of its draft.

    Args:
        zmw: molecule with aligned passes; their gaps are left-normalised here.

    Raises:
        MoleculeError: the draft is empty, there is no pass, or an alignment does not fit.
    """
    if not len(zmw.draft.bases):
        raise MoleculeError(f"{zmw.name}: the draft has no bases; leave it out of the drafts file")
    if not zmw.passes:
        raise MoleculeError(f"{zmw.name}: no pass aligns to the draft", outcome="no_aligned_pass")
    runs = find_runs(zmw.draft.bases)
    covered = np.empty((len(zmw.passes), len(runs)), np.bool_)
    cells = np.zeros((*covered.shape, kernels.FIELDS), np.uint8)
    for number, p in enumerate(zmw.passes):
        covered[number] = read_pass(p, zmw.draft.bases, runs, cells[number])
    qualities = zmw.draft.qualities
    return RunEvidence(
        runs=runs,
        quality=None if qualities is None else lowest_qualities(qualities, runs),
        reverse=np.array([p.reverse for p in zmw.passes]),
        kinetics=np.array([_has_kinetics(p) for p in zmw.passes]),
        covered=covered,
        cells=cells,
    )


def read_pass(p: Pass, draft: NDArray[np.uint8], runs: Runs, cells: _Cells) -> NDArray[np.bool_]:
    """Read one aligned pass.

    Args:
        p: the pass.
        draft: ``uint8[n]`` base codes.
        runs: of the draft.
        cells: ``uint8[runs, kernels.FIELDS]``, zeros; filled in place.

    Returns:
        ``bool[runs]`` which runs the pass covers.

    Raises:
        MoleculeError: it is not aligned, or its alignment does not fit.
    """
    spans = run_spans(left_normalise(checked(p, len(draft)), p.bases, draft), runs)
    letters = runs.base * (spans.covered & (runs.base != kernels.UNREAD))
    read = np.zeros((3, len(p.bases)), np.uint8)
    read[0] = p.bases
    if p.pulse_widths is not None and p.inter_pulse_durations is not None:
        read[1:] = p.pulse_widths, p.inter_pulse_durations
    kernels.read_runs(letters, spans.positions, read, p.reverse, cells)
    return spans.covered


def _has_kinetics(p: Pass) -> bool:
    return p.pulse_widths is not None and p.inter_pulse_durations is not None
