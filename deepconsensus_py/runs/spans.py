"""Which bases of an aligned sequence lie at each run of the draft."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import Alignment
from deepconsensus_py.runs.homopolymers import Runs

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
