"""The pendulum moves as its equations say, cannot be lifted at once, and its agents play and learn."""

import numpy as np
import pytest
import torch

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.heads.head import check_batch
from deepconsensus_py.lab.fit import Training
from deepconsensus_py.lab.systems.decision_transformer import swinging
from deepconsensus_py.lab.systems.decision_transformer.agents import TRUNK
from deepconsensus_py.lab.systems.decision_transformer.pendulum import (
    FASTEST,
    HELD,
    STEPS,
    controller,
    mixed_swings,
    played,
)


def test_one_torque_by_hand() -> None:
    swings = played(lambda seen, *_: np.full(len(seen), 0.5, dtype=np.float32), 6, seed=0)
    for item in range(6):
        cosine, sine, speed = swings.observation[item, 0].astype(float)
        angle, speed, total = np.arctan2(sine, cosine), speed * FASTEST, 0.0
        for _ in range(HELD):
            angle = np.arctan2(np.sin(angle), np.cos(angle))
            total -= angle**2 + 0.1 * speed**2 + 0.001 * 1.0**2
            speed = min(8.0, max(-8.0, speed + (15 * np.sin(angle) + 3 * 1.0) * 0.05))
            angle += speed * 0.05
        then = np.array([np.cos(angle), np.sin(angle), speed / FASTEST])
        assert swings.observation[item, 1] == pytest.approx(then, abs=1e-5)
        assert swings.reward[item, 0] == pytest.approx(total / (10 * HELD), abs=1e-5)


def test_full_torque_does_not_lift_it_and_the_controller_swings_it_up() -> None:
    pushed = played(lambda seen, *_: np.ones(len(seen), dtype=np.float32), 1000, seed=1)
    hanging = (pushed.observation[:, 0, 0] < -0.9) & (np.abs(pushed.observation[:, 0, 2]) < 0.05)
    assert hanging.sum() > 20
    # The torque balances gravity at 24 degrees from hanging; a push swings it about as far beyond.
    assert pushed.observation[hanging, :, 0].max() < 0
    swung = played(controller, 1000, seed=1)
    assert (swung.observation[:, -1, 0] > 0.95).mean() > 0.9
    assert swung.reward.sum(axis=1).mean() > pushed.reward.sum(axis=1).mean() + 15


def test_the_data_are_mixed_and_seeded() -> None:
    data, same, other = (mixed_swings(300, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(data.action, same.action)
    assert not np.array_equal(data.action, other.action)
    returns = data.reward.sum(axis=1)
    assert returns.min() < -30
    assert returns.max() > -8
    assert np.allclose(data.returns_to_go[:, 0], returns, atol=1e-4)
    good = swinging.most(swinging.swing_batch(data))
    assert good.sum() == 30
    assert returns[good.numpy()].min() >= np.quantile(returns, 0.9)


def test_the_head_takes_numbers_and_does_not_look_ahead() -> None:
    torch.manual_seed(0)
    batch = swinging.swing_batch(mixed_swings(4, seed=3))
    head = swinging.NumberHead(Trunk(TRUNK), numbers=3, steps=STEPS, dropout=0.0).eval()
    check_batch(head, batch)
    out = head(batch)
    assert out.shape == (4, STEPS)
    assert out.abs().max() < 1
    changed = {name: values.clone() for name, values in batch.items()}
    changed["action"][:, 30] = 0.1
    changed["returns"][:, 31:] -= 5
    after = head(changed)
    assert torch.equal(after[:, :31], out[:, :31])
    assert not torch.allclose(after[:, 31:], out[:, 31:])
    head.loss(out, batch).backward()
    assert [name for name, weight in head.named_parameters() if weight.grad is None] == []


def test_values_and_clones_learn_to_swing_it_up() -> None:
    data = swinging.swing_batch(mixed_swings(600, seed=4))
    lost = played(swinging.cloned(data, Training(1), seed=4, filtered=True), 60, seed=5).reward.sum(axis=1).mean()
    clone = swinging.cloned(data, Training(300, 2e-3), seed=4, filtered=True)
    values = swinging.valued(data, 1.0, Training(250, 2e-3), seed=4)
    for policy in (clone, values):
        assert played(policy, 60, seed=5).reward.sum(axis=1).mean() > lost + 10
    head = swinging.sequence_model(data, Training(2), seed=4)
    assert played(swinging.asking(head, -5.0), 5, seed=5).action.std() > 0
