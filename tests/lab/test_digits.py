"""Digits are divided without overlap, enlarged without bias, and refused in one sentence where nothing has them."""

import sys

import numpy as np
import pytest

from deepconsensus_py.errors import InputError
from deepconsensus_py.lab.digits import LEVELS, digits, marginal_bits, upscaled


def test_the_division_is_seeded_and_leaves_nothing_out() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn (the examples extra) is not installed")
    (train, test), (same, _), (other, _) = (digits(seed=seed) for seed in (0, 0, 1))
    assert (len(train.levels), len(test.levels)) == (1200, 597)
    assert (train.levels == same.levels).all()
    assert not (train.levels == other.levels).all()
    both = np.concatenate([train.levels, test.levels])
    assert len(np.unique(both.reshape(-1, 64), axis=0)) == len(both)
    assert (both.min(), both.max()) == (0, LEVELS - 1)
    assert set(train.label.tolist()) == set(test.label.tolist()) == set(range(10))


def test_a_pixel_on_its_own_costs_what_was_measured() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn (the examples extra) is not installed")
    bits = [marginal_bits(train.levels, test.levels) for train, test in (digits(seed=seed) for seed in range(3))]
    assert 2.4 <= min(bits) <= max(bits) <= 2.46


def test_the_marginal_is_the_entropy_of_what_is_independent() -> None:
    generator = np.random.default_rng(0)
    train, test = (generator.integers(LEVELS, size=(count, 2, 2)) for count in (20_000, 2000))
    assert marginal_bits(train, test) == pytest.approx(np.log2(LEVELS), abs=0.01)
    one = np.full((1000, 2, 2), 3)
    assert marginal_bits(one, one) == pytest.approx(-np.log2(1001 / 1017))


def test_without_scikit_learn_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(InputError, match=r"scikit-learn is not installed; .*\[examples\]"):
        digits(seed=0)


def test_enlarging_keeps_flat_ramps_and_the_middle() -> None:
    flat = np.full((2, 8, 8), 12)
    assert upscaled(flat) == pytest.approx(np.full((2, 16, 16), 0.75))
    ramp = np.broadcast_to(np.arange(8), (1, 8, 8))
    large = upscaled(ramp)
    assert large[0, 0, 1:-1] == pytest.approx((np.arange(14) * 0.5 + 0.25) / 16)
    assert upscaled(ramp.transpose(0, 2, 1))[0] == pytest.approx(large[0].T)
    dot = np.zeros((1, 8, 8), dtype=np.int64)
    dot[0, 3, 4] = 16
    assert upscaled(dot).sum() == pytest.approx(4.0)
    assert upscaled(dot)[0, 6:8, 8:10] == pytest.approx(np.full((2, 2), 0.75**2))
    assert (upscaled(dot, 8) == dot / 16).all()
