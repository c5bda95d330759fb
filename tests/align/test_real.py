"""Real passes against the alignments that actc made of them."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from deepconsensus_py.align import cigar
from deepconsensus_py.align.cigar import left_normalise
from deepconsensus_py.align.passes import align_zmw
from deepconsensus_py.pacbio.molecule import Draft, Pass, Zmw
from deepconsensus_py.pacbio.zmws import read_zmws

pytestmark = pytest.mark.real


@dataclass(frozen=True)
class Compared:
    """All molecules, aligned by actc and by us."""

    theirs: list[Zmw]
    ours: list[Zmw]
    cpu_seconds: float

    def pairs(self) -> list[tuple[Draft, Pass, Pass]]:
        """(draft, actc's pass, our pass) of every pass that both aligned."""
        ours = {p.name: p for zmw in self.ours for p in zmw.passes}
        return [(zmw.draft, p, ours[p.name]) for zmw in self.theirs for p in zmw.passes if p.name in ours]


@pytest.fixture(scope="module")
def compared(human_1m: Path) -> Compared:
    drafts = human_1m / "ccs.bam"
    raw = list(read_zmws([human_1m / "subreads.bam"], drafts))
    start = time.process_time()
    ours = [align_zmw(zmw) for zmw in raw]
    return Compared(list(read_zmws([human_1m / "subreads_to_ccs.bam"], drafts)), ours, time.process_time() - start)


def test_the_same_93_passes_align_on_the_same_strands(compared: Compared) -> None:
    strands = [{p.name: p.reverse for zmw in side for p in zmw.passes} for side in (compared.theirs, compared.ours)]
    assert len(strands[0]) == 93
    assert strands[0] == strands[1]


def test_bases_and_kinetics_are_turned_as_actc_turns_them(compared: Compared) -> None:
    for _, theirs, ours in compared.pairs():
        assert np.array_equal(theirs.bases, ours.bases)
        assert np.array_equal(theirs.pulse_widths, ours.pulse_widths)
        assert np.array_equal(theirs.inter_pulse_durations, ours.inter_pulse_durations)


def test_identity_is_not_lower(compared: Compared) -> None:
    theirs, ours = np.array(
        [[cigar.identity(a.alignment), cigar.identity(b.alignment)] for _, a, b in compared.pairs()]
    ).T
    print(f"mean identity {ours.mean():.4f}, actc {theirs.mean():.4f}")
    assert ours.mean() >= theirs.mean() - 0.001


def test_bases_lie_at_the_same_draft_positions(compared: Compared) -> None:
    same = total = 0
    for draft, theirs, ours in compared.pairs():
        expected = _positions(left_normalise(theirs.alignment, theirs.bases, draft.bases), len(theirs.bases))
        aligned = expected >= 0
        same += np.count_nonzero(expected[aligned] == _positions(ours.alignment, len(ours.bases))[aligned])
        total += np.count_nonzero(aligned)
    print(f"{same} of {total} aligned bases at the same position: {same / total:.4f}")
    assert same >= 0.97 * total


def test_ten_molecules_take_seconds(compared: Compared) -> None:
    print(f"{compared.cpu_seconds:.2f} s of one core for ten molecules")
    assert compared.cpu_seconds < 15


def _positions(alignment, n: int) -> np.ndarray:
    """The draft position of each base of a pass, -1 where it has none."""
    positions = np.full(n, -1)
    in_pass, in_draft = cigar.paired_positions(alignment)
    positions[in_pass] = in_draft
    return positions
