from itertools import pairwise

import pytest

from deepconsensus_py.training.config import Stage
from deepconsensus_py.training.optimizers import learning_rate


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant"])
def test_rates_rise_and_fall(schedule: str) -> None:
    stage = Stage(steps=101, learning_rate=2.0, final_learning_rate=0.5, warm_up=20, schedule=schedule)
    rates = [learning_rate(stage, step) for step in range(101)]
    assert rates[:20] == pytest.approx([2.0 * (step + 1) / 20 for step in range(20)])
    assert rates[20] == pytest.approx(2.0)
    assert rates[60] == pytest.approx({"cosine": 1.25, "linear": 1.25, "constant": 2.0}[schedule])
    assert rates[100] == pytest.approx({"cosine": 0.5, "linear": 0.5, "constant": 2.0}[schedule])
    assert all(a >= b for a, b in pairwise(rates[20:]))


def test_cosine_is_not_linear() -> None:
    stage = Stage(steps=101, learning_rate=1.0)
    assert learning_rate(stage, 25) == pytest.approx((1 + 0.5**0.5) / 2)


def test_stages_of_a_step_or_of_warm_up_alone_have_rates() -> None:
    assert learning_rate(Stage(steps=1, learning_rate=1.0), 0) == 1.0
    assert learning_rate(Stage(steps=5, learning_rate=1.0, warm_up=10), 4) == 0.5
