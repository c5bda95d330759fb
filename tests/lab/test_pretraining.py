"""Counts of labels follow from a curve, and overfitting is compared where training losses are equal."""

import pytest

from deepconsensus_py.lab.systems.pretraining import Learned, at_equal_loss, on_the_way


def test_counts_are_where_the_curve_has_come_so_far() -> None:
    errors = {10: 1000.0, 20: 320.0, 40: 100.0, 80: 33.0, 160: 10.0, 320: 10.5}
    assert [on_the_way(errors, share) for share in (0.2, 0.5, 0.75, 1.0)] == [20, 40, 160, 160]


def test_test_losses_are_compared_at_the_least_training_loss_of_both() -> None:
    one = Learned(0, 0.0, ((2.0, 2.0), (1.0, 1.5), (0.5, 1.4)))
    other = Learned(0, 0.0, ((3.0, 3.0), (1.0, 2.0), (0.75, 1.9)))
    assert at_equal_loss(one, other) == pytest.approx(1.45 - 1.9)
    assert at_equal_loss(other, one) == pytest.approx(1.9 - 1.45)
    assert at_equal_loss(one, one) == 0
