"""Errors with known answers, and the bases they are booked on."""

import numpy as np
import pytest

from deepconsensus_py.evaluate.read_errors import ErrorEvent, ErrorKind, ReadErrors, find_errors
from deepconsensus_py.evaluate.reads import Read

FLANK = "".join(np.random.default_rng(1).choice(list("ACGT"), 200))


def _find(truth: str, read: str, qualities: dict[int, float] | None = None) -> ReadErrors:
    """Errors of ``read`` between two flanks; qualities by position in ``read``, 40 elsewhere."""
    bases = FLANK + read + FLANK
    phred = np.full(len(bases), 40.0)
    for place, quality in (qualities or {}).items():
        phred[len(FLANK) + place] = quality
    return find_errors(Read("m/1/ccs", bases, phred), FLANK + truth + FLANK)


def _event(errors: ReadErrors) -> tuple[int, str, int, str, int]:
    (event,) = errors.events
    return event.position - len(FLANK), event.kind.value, event.length, event.bases, event.homopolymer_length


CASES = [
    ("GCATCG", "GCCTCG", (2, "X", 1, "A>C", 0)),
    ("GCAAATCG", "GCAATCG", (2, "D", 1, "A", 3)),
    ("GCAAATCG", "GCAAAAATCG", (2, "I", 2, "AA", 3)),
    ("GCATCG", "GCAATCG", (2, "I", 1, "A", 1)),
    ("GCTCG", "GCATCG", (2, "I", 1, "A", 0)),
    ("GCATTCG", "GCTTCG", (2, "D", 1, "A", 1)),
]


@pytest.mark.parametrize(("truth", "read", "event"), CASES)
def test_an_error_is_described_at_its_leftmost_place(truth: str, read: str, event: tuple) -> None:
    assert _event(_find(truth, read)) == event


def test_a_lost_repeat_unit_is_one_event_of_two_bases() -> None:
    errors = _find("GTCACACAGG", "GTCACAGG")
    assert _event(errors) == (2, "D", 2, "CA", 0)
    assert (errors.deleted, errors.in_homopolymers, errors.total) == (2, 0, 2)


def test_types_and_homopolymers_are_counted_by_base() -> None:
    errors = _find("GCAAATCGGGGATCACG", "GCAATCGGGGGGATGACG")
    assert (errors.mismatches, errors.inserted, errors.deleted, errors.in_homopolymers) == (1, 2, 1, 3)
    assert [event.kind for event in errors.events] == [ErrorKind.DELETION, ErrorKind.INSERTION, ErrorKind.MISMATCH]


def test_neighbouring_mismatches_are_events_of_their_own() -> None:
    assert [event.bases for event in _find("GCAACG", "GCTTCG").events] == ["A>T", "A>T"]


def test_keys_of_equal_events_agree_whatever_the_homopolymer() -> None:
    a, b = (ErrorEvent(5, ErrorKind.DELETION, 1, "A", length) for length in (2, 3))
    assert a.key == b.key


def test_free_ends_cost_nothing_and_leave_the_truth_as_judged() -> None:
    truth = FLANK * 10
    whole = find_errors(Read("m/1/ccs", truth), truth)
    free = find_errors(Read("m/1/ccs", truth[30:-50]), truth)
    long = find_errors(Read("m/1/ccs", truth[60:]), truth)
    assert (whole.total, whole.truth_bases) == (0, len(truth))
    assert (free.total, free.truth_bases) == (0, len(truth) - 80)
    assert (long.total, long.end_errors, long.deleted, long.truth_bases) == (60, 60, 60, len(truth))


def test_long_extra_ends_count_as_inserted() -> None:
    extra = "ACAGGTTTGACA" * 6
    errors = find_errors(Read("m/1/ccs", FLANK + extra), FLANK)
    assert errors.end_errors == errors.inserted == len(extra)


def test_insertions_are_assigned_to_their_homopolymer_by_predicted_error() -> None:
    booked = _find("GCAAATCG", "GCAAAATCG", {4: 10}).booked
    start = len(FLANK)
    assert booked.errors.sum() == pytest.approx(1)
    assert booked.errors[start + 4] > 0.99
    np.testing.assert_array_equal(np.flatnonzero(booked.errors), start + np.arange(2, 6))
    np.testing.assert_array_equal(booked.errors, booked.without_deletions)


def test_deletions_are_assigned_to_the_homopolymer_and_its_neighbours() -> None:
    booked = _find("GCAAATCG", "GCAATCG").booked
    start = len(FLANK)
    np.testing.assert_array_equal(np.flatnonzero(booked.errors), start + np.arange(1, 5))
    assert booked.errors.sum() == pytest.approx(1)
    assert booked.without_deletions.sum() == 0


def test_predicted_quality_is_that_of_the_mean_error() -> None:
    errors = find_errors(Read("m/1/ccs", FLANK, np.resize([10.0, 30.0], len(FLANK))), FLANK)
    assert errors.predicted_quality == pytest.approx(-10 * np.log10((0.1 + 0.001) / 2))


def test_without_qualities_nothing_is_booked() -> None:
    errors = find_errors(Read("m/1/ccs", FLANK), FLANK)
    assert errors.booked is None
    assert errors.predicted_quality is None
