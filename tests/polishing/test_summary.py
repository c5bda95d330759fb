"""What the reports say of a polished read."""

import numpy as np
import pytest

from deepconsensus_py.pacbio.molecule import Draft
from deepconsensus_py.polishing.read import PolishedRead
from deepconsensus_py.polishing.summary import summary
from deepconsensus_py.reports.outcomes import Outcome


@pytest.mark.parametrize(
    ("qualities", "rq", "known"),
    [([10, 10], 0.999, 10.0), (None, 0.999, 30.0), (None, -1.0, None), (None, 1.0, None), (None, None, None)],
)
def test_quality_of_the_draft(qualities: list[int] | None, rq: float | None, known: float | None) -> None:
    tags = () if rq is None else (("rq", rq, "f"),)
    phred = None if qualities is None else np.array(qualities, np.uint8)
    draft = Draft("m/1/ccs", np.ones(2, np.uint8), phred, tags)
    assert summary(PolishedRead(draft, Outcome.NO_SUBREADS)).quality_before == pytest.approx(known)


def test_only_a_read_that_was_called_has_length_and_quality() -> None:
    draft = Draft("m/1/ccs", np.ones(2, np.uint8), None)
    called = PolishedRead(draft, Outcome.SUCCESS, bases=np.ones(3, np.uint8), qualities=np.full(3, 20, np.uint8))
    found = [summary(read) for read in (called, PolishedRead(draft, Outcome.ERROR))]
    assert [(zmw.length_before, zmw.length_after) for zmw in found] == [(2, 3), (2, None)]
    assert [zmw.quality_after for zmw in found] == [pytest.approx(20.0), None]
