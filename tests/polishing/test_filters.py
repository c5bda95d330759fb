"""Filters: the order in which reads are refused, and thresholds that a read meets exactly."""

import numpy as np

from deepconsensus_py.polishing.filters import ReadFilter
from deepconsensus_py.reports.outcomes import Outcome


def test_a_read_of_one_quality_passes_at_that_quality() -> None:
    reads = [np.full(length, quality, np.uint8) for quality in range(1, 94) for length in range(1, 60)]
    at = {(read[0], len(read)): ReadFilter(read[0]).outcome(read) for read in reads}
    above = {(read[0], len(read)): ReadFilter(read[0] + 0.001).outcome(read) for read in reads}
    assert {which: outcome for which, outcome in at.items() if outcome is not Outcome.SUCCESS} == {}
    assert {which: outcome for which, outcome in above.items() if outcome is not Outcome.FAILED_QUALITY_FILTER} == {}


def test_gaps_are_refused_before_quality_and_quality_before_length() -> None:
    strict = ReadFilter(min_quality=30, min_length=5)
    assert strict.outcome(np.zeros(0, np.uint8)) is Outcome.ONLY_GAPS
    assert strict.outcome(np.full(3, 20)) is Outcome.FAILED_QUALITY_FILTER
    assert strict.outcome(np.full(4, 30)) is Outcome.FAILED_LENGTH_FILTER
    assert strict.outcome(np.full(5, 30)) is Outcome.SUCCESS


def test_every_outcome_is_explained() -> None:
    assert all(outcome.meaning for outcome in Outcome)
    assert Outcome.FAILED_LENGTH_FILTER == "failed_length_filter"
