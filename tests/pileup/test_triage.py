"""Evidence against the draft, window by window."""

import numpy as np
import pytest

from deepconsensus_py.pileup.method import Triage, evidence_against_draft

A, T, C, G = 1, 2, 3, 4


def one(draft: list[int], passes: list[list[int]], quality: int = 60) -> float:
    """The evidence against the draft in a single window."""
    bases = np.array([passes], np.uint8)
    letters = np.array([draft], np.uint8)
    (found,) = evidence_against_draft(
        {"bases": bases, "draft": letters, "draft_quality": np.where(letters, quality, -1).astype(np.int8)}
    )
    return float(found)


def spelled_out(bases: np.ndarray, draft: np.ndarray, quality: np.ndarray) -> float:
    """The definition, a column at a time."""
    present = [row for row in bases if row.any()]
    against = 0
    for column, own in enumerate(draft):
        for other in range(5):
            if other != own:
                against = max(against, sum(row[column] == other for row in present))
    worst = min((q for q, own in zip(quality, draft, strict=True) if own), default=np.inf)
    return against / max(len(present), 1) + 10 ** (-worst / 10)


def test_passes_that_agree_leave_the_error_of_the_draft() -> None:
    draft = [A, 0, C, G]
    assert one(draft, [draft] * 4) == pytest.approx(1e-6)
    assert one(draft, [draft] * 4, quality=3) == pytest.approx(10**-0.3)


@pytest.mark.parametrize("other", [[A, T, C, G], [A, 0, 0, G], [A, 0, T, G]])
def test_insertions_deletions_and_other_letters_count_by_the_share_of_passes(other: list[int]) -> None:
    draft = [A, 0, C, G]
    assert one(draft, [draft, draft, draft, other]) == pytest.approx(0.25, abs=1e-5)
    assert one(draft, [draft, other, other, other]) == pytest.approx(0.75, abs=1e-5)


def test_passes_that_disagree_differently_do_not_add_up() -> None:
    draft = [A, 0, C, G]
    assert one(draft, [draft, [A, 0, 0, G], [A, 0, T, G], [0, 0, C, G]]) == pytest.approx(0.25, abs=1e-5)


def test_absent_passes_have_no_vote() -> None:
    draft, other, absent = [A, 0, C, G], [A, 0, 0, G], [0, 0, 0, 0]
    assert one(draft, [draft, other, absent, absent]) == one(draft, [draft, other])


def test_columns_past_the_end_of_a_window_do_not_count() -> None:
    assert one([A, C, 0, 0], [[A, C, 0, 0], [A, 0, 0, 0]]) == one([A, C], [[A, C], [A, 0]])


def test_a_draft_without_qualities_is_never_kept() -> None:
    draft = [A, 0, C, G]
    assert one(draft, [draft] * 4, quality=0) >= 1


def test_it_is_the_definition() -> None:
    random = np.random.default_rng(0)
    draft = random.integers(0, 5, (40, 9), np.uint8)
    bases = np.where(random.random((40, 6, 9)) < 0.7, draft[:, None], random.integers(0, 5, (40, 6, 9), np.uint8))
    bases[random.random((40, 6)) < 0.3] = 0
    draft[0], bases[0] = 0, 0
    quality = np.where(draft, random.integers(0, 60, draft.shape), -1).astype(np.int8)
    expected = [spelled_out(*window) for window in zip(bases, draft, quality, strict=True)]
    found = evidence_against_draft({"bases": bases, "draft": draft, "draft_quality": quality})
    np.testing.assert_allclose(found, expected)
    order = random.permutation(6)
    np.testing.assert_array_equal(
        evidence_against_draft({"bases": bases[:, order], "draft": draft, "draft_quality": quality}), found
    )


def test_no_windows() -> None:
    empty = {"bases": np.zeros((0, 3, 9), np.uint8), "draft": np.zeros((0, 9), np.uint8)}
    assert evidence_against_draft({**empty, "draft_quality": np.zeros((0, 9), np.int8)}).shape == (0,)


def test_a_calibration_says_what_it_costs() -> None:
    assert str(Triage(0.5, 200, 40, 11, 12)) == "threshold 0.5: 40 of 200 windows run, 11 errors left, 12 when all are"
