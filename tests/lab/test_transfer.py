"""What pretraining hands on, and which step of a training is judged."""

import copy

import pytest
import torch

from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.lab import transfer
from deepconsensus_py.lab.fit import Training
from deepconsensus_py.lab.reads import simulated
from deepconsensus_py.lab.transfer import after, fresh, pretrain, tune

TRUNK = TrunkConfig(1, 16, 2, 16, preset("banded12"), norm="layer")


def test_trunk_and_columns_are_handed_on_and_the_first_weights_stay() -> None:
    start = fresh(TRUNK, 1)
    before = copy.deepcopy(start.state_dict())
    masked = pretrain(start, simulated(20, 1), Training(2, 1e-2), 1, batch=4)
    corrector = after(start, masked)
    for name, weight in start.state_dict().items():
        assert torch.equal(weight, before[name]), name
    for name, weight in corrector.state_dict().items():
        part, _, rest = name.partition(".")
        own = start.output if part == "output" else getattr(masked, part)
        assert torch.equal(weight, own.state_dict()[rest]), name
    assert not torch.equal(masked.columns.condenser.weight, start.columns.condenser.weight)


def test_the_step_with_the_fewest_errors_in_other_windows_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    labelled, choosing, test = (simulated(20, seed) for seed in (1, 2, 3))
    seen: list[dict[str, torch.Tensor]] = []
    worth = iter([5.0, 3.0, 4.0])

    def errors(head: transfer.ColumnHead, windows: transfer.WindowTensors) -> float:
        if windows is not choosing:
            return 7.0 if windows is test else 6.0
        seen.append(copy.deepcopy(head.state_dict()))
        return next(worth)

    monkeypatch.setattr(transfer, "errors_per_kb", errors)
    corrector = fresh(TRUNK, 1)
    tuned = tune(corrector, labelled, Training(3, 1e-2), choosing=choosing, test=test, seed=1, batch=4, every=1)
    assert (tuned.step, tuned.train, tuned.test, tuned.gap) == (2, 6.0, 7.0, 1.0)
    assert all(torch.equal(weight, seen[1][name]) for name, weight in corrector.state_dict().items())
    assert not all(torch.equal(weight, seen[2][name]) for name, weight in corrector.state_dict().items())
