"""The triage benchmark: which threshold is taken."""

from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def triage(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import triage

    return triage


def judged(triage, errors: list[int]):
    """A read with these errors at the first thresholds, and many at the others."""
    every = np.full(len(triage.THRESHOLDS), 999)
    every[: len(errors)] = errors
    return triage.Judged("whole", 10, np.zeros(len(every), int), every, 999)


def test_every_set_must_hold(triage) -> None:
    good, worse = judged(triage, [100, 101, 100, 101]), judged(triage, [100, 100, 102])
    assert triage.highest({"a": [good]}) == 3
    assert triage.highest({"a": [good], "b": [worse]}) == 1
    assert triage.highest({"a": [judged(triage, [100, 90])]}) == 1


def test_reads_of_a_set_are_summed(triage) -> None:
    assert triage.highest({"a": [judged(triage, [100, 102]), judged(triage, [100, 99])]}) == 1


def test_a_threshold_behind_one_that_fails_is_not_taken(triage) -> None:
    assert triage.highest({"a": [judged(triage, [100, 150, 100])]}) == 0


def test_without_errors_none_may_be_made(triage) -> None:
    assert triage.highest({"a": [judged(triage, [0, 0, 1])]}) == 1
