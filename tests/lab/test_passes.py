"""Windows spell their truth, errors come as often as said, and a clean pass is the truth."""

import numpy as np
import pytest

from deepconsensus_py.lab.systems.transformer import passes
from deepconsensus_py.lab.systems.transformer.passes import PassWindows, majority, pass_windows, spelled


@pytest.fixture(scope="module")
def made() -> PassWindows:
    return pass_windows(3000, bases=40, passes=4, columns=52, seed=0)


def test_the_truth_laid_out_spells_the_truth(made: PassWindows) -> None:
    assert (spelled(made.aligned, 40) == made.truth).all()
    assert (made.aligned[..., 0] > 0).sum() + (made.aligned[..., 1:] > 0).sum() == made.truth.size


def test_one_column_per_base_of_the_draft(made: PassWindows) -> None:
    assert ((made.symbols[..., 0] > 0) == made.mask).all()
    assert (made.symbols[~made.mask] == 0).all()
    assert made.symbols.shape == (3000, 52, 17)
    assert (made.symbols.min(), made.symbols.max()) == (0, 4)


def test_errors_of_the_draft_are_as_frequent_as_said(made: PassWindows) -> None:
    extra = made.mask & (made.aligned[..., 0] == 0)
    assert extra.sum() / made.truth.size == pytest.approx(passes.DRAFT_INSERTIONS, rel=0.15)
    both = made.mask & (made.aligned[..., 0] > 0)
    wrong = (made.aligned[..., 0] != made.symbols[..., 0])[both].mean()
    assert wrong == pytest.approx(passes.DRAFT_SUBSTITUTIONS, rel=0.15)
    lacking = (made.aligned[..., 1:] > 0).sum() / made.truth.size
    assert lacking == pytest.approx(passes.DRAFT_GAPS * 2, rel=0.2)
    assert 0.2 < (made.aligned[..., 2] > 0).any(1).mean() < 0.3


def test_passes_without_errors_are_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PASS_SUBSTITUTIONS", "PASS_INSERTIONS", "PASS_DELETIONS"):
        monkeypatch.setattr(passes, name, 0.0)
    clean = pass_windows(200, bases=40, passes=3, columns=52, seed=1)
    for one in range(3):
        assert (clean.symbols[..., 1 + 4 * one : 5 + 4 * one] == clean.aligned).all()
    assert (spelled(majority(clean.symbols), 40) == clean.truth).all()


def test_passes_err_alike_and_apart(made: PassWindows) -> None:
    inner = made.mask & (made.aligned[..., 0] > 0)
    rates = [(made.symbols[..., 1 + 4 * one] == 0)[inner].mean() for one in range(4)]
    assert rates == pytest.approx([passes.PASS_DELETIONS] * 4, rel=0.1)
    assert not (made.symbols[..., 1] == made.symbols[..., 5]).all()


def test_a_vote_is_right_more_often_than_the_draft(made: PassWindows) -> None:
    def exact(bases: np.ndarray) -> float:
        return float((bases == made.truth).all(1).mean())

    voted = exact(spelled(majority(made.symbols), 41)[:, :40])
    assert voted > exact(spelled(made.symbols[..., :1], 41)[:, :40])
    assert 0.4 < voted < 0.95
