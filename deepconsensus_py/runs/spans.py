"""Which bases of a pass lie at which stretch of the draft."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import Alignment, Pass
from deepconsensus_py.runs.homopolymers import Runs

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class DraftColumns:
    """Where the draft's columns lie in a pass.

    Attributes:
        start: first draft position of the alignment.
        before: ``int64[aligned]`` pass position that each aligned draft position has, or had it not been deleted.
        after: ``int64[aligned]`` pass position behind it; up to the next ``before`` lie inserted bases.
    """

    start: int
    before: Integers
    after: Integers

    @property
    def stop(self) -> int:
        """One past the last draft position of the alignment."""
        return self.start + len(self.before)


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """The bases of a pass at each run of the draft; bases inserted in front of a run belong to it.

    Attributes:
        covered: ``bool[runs]`` the alignment holds the whole run and a base to both sides of it; bases inserted at
            the ends of an alignment have nowhere to go.
        positions: ``int64[runs, 3]`` pass positions where the bases inserted in front of the run begin, where the run's
            own columns begin, and where they end; 0 where not covered.
    """

    covered: NDArray[np.bool_]
    positions: Integers


def draft_columns(alignment: Alignment) -> DraftColumns:
    """Where each draft position of an alignment lies in the pass (soft clips counted)."""
    operations, lengths = alignment.operations, alignment.lengths
    on_draft, on_pass = (np.repeat(side[operations], lengths) for side in (cigar.ON_DRAFT, cigar.ON_PASS))
    after = np.cumsum(on_pass)[on_draft]
    return DraftColumns(alignment.start, after - on_pass[on_draft], after)


def run_spans(alignment: Alignment, runs: Runs) -> Spans:
    """The bases of a pass at each run.

    Args:
        alignment: of the pass, gaps left-normalised, so that a base more or less in a run stands in front of it.
        runs: of the draft.
    """
    columns = draft_columns(alignment)
    covered = (runs.start > columns.start) & (runs.stop < columns.stop)
    first, last = (runs.start - columns.start) * covered, (runs.stop - 1 - columns.start) * covered
    positions = np.stack([columns.after[first - 1], columns.before[first], columns.after[last]], axis=1)
    return Spans(covered, positions * covered[:, None])


def checked(p: Pass, draft_length: int) -> Alignment:
    """The alignment of a pass.

    Raises:
        MoleculeError: there is none, it does not fit the pass or the draft, or it pairs no base.
    """
    if p.alignment is None:
        raise MoleculeError(f"{p.name}: it is not aligned to the draft; align it first")
    alignment = p.alignment
    on_pass, on_draft = cigar.ON_PASS[alignment.operations], cigar.ON_DRAFT[alignment.operations]
    stop = alignment.start + alignment.lengths @ on_draft
    inside = alignment.start >= 0 and stop <= draft_length
    if not inside or alignment.lengths @ on_pass != len(p.bases) or not (on_pass & on_draft).any():
        raise MoleculeError(f"{p.name}: its alignment does not fit its bases and the draft; align it to this draft")
    return alignment
