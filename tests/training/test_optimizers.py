from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from training_toys import CONFIG

from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.models.column_network import ColumnConfig, ColumnNetwork
from deepconsensus_py.training.checkpoint import load_optimizer_state, optimizer_state
from deepconsensus_py.training.config import TrainConfig
from deepconsensus_py.training.optimizers import make_optimizer

ORIGINAL_DECAY = 0.0069868
LAMB = TrainConfig(task="", stages=CONFIG.stages, optimizer="lamb", weight_decay=ORIGINAL_DECAY)


class Original(nn.Module):
    """The variables of the reference, under names that mean the same."""

    def __init__(self, values: list[np.ndarray]) -> None:
        super().__init__()
        for name, value in zip(("kernel", "bias", "alpha", "norm", "zero_alpha"), values, strict=True):
            self.register_parameter(name, nn.Parameter(torch.from_numpy(value.copy())))


@pytest.mark.real
def test_lamb_is_the_originals(golden: Path) -> None:
    with np.load(golden / "optimizer_lamb_golden.npz") as file:
        reference = dict(file)
    network = Original([reference[f"v{number}_step0"] for number in range(5)])
    optimizer = make_optimizer(network, LAMB)
    for step in range(1, 5):
        for group in optimizer.param_groups:
            group["lr"] = float(reference[f"lr_step{step}"])
        for number, weight in enumerate(network.parameters()):
            weight.grad = torch.from_numpy(reference[f"g{number}_step{step}"].copy())
        optimizer.step()
        for number, weight in enumerate(network.parameters()):
            after = torch.from_numpy(reference[f"v{number}_step{step}"])
            # The last weight starts from 0 and so shows its steps, of some 1e-8, in full.
            tolerance = {"rtol": 1e-5, "atol": 0.0} if number == 4 else {"rtol": 3e-7, "atol": 0.0}
            torch.testing.assert_close(weight.detach(), after, **tolerance)


def test_lamb_steps_are_as_long_as_rate_times_weight() -> None:
    torch.manual_seed(0)
    network = nn.Linear(5, 4)
    optimizer = make_optimizer(network, LAMB)
    for group in optimizer.param_groups:
        group["lr"] = 0.01
    before = network.weight.detach().clone()
    network(torch.randn(3, 5)).square().sum().backward()
    optimizer.step()
    assert (network.weight - before).norm().item() == pytest.approx(0.01 * before.norm().item(), rel=1e-4)


@pytest.mark.parametrize("name", ["adamw", "lamb"])
def test_biases_and_norms_do_not_decay(name: str) -> None:
    tables = ("bases", "pulse_widths", "inter_pulse_durations", "strands", "snr")
    trunk = TrunkConfig(1, 8, 2, 16, preset("full"))
    network = ColumnNetwork(ColumnConfig(2, 10, dict.fromkeys(tables, 2), trunk))
    config = TrainConfig(task="", stages=CONFIG.stages, optimizer=name, weight_decay=0.1)
    optimizer = make_optimizer(network, config)
    decays = {weight: group["weight_decay"] for group in optimizer.param_groups for weight in group["params"]}
    assert len(decays) == len(list(network.parameters()))
    for weight_name, weight in network.named_parameters():
        assert decays[weight] == (0.0 if weight_name.endswith(("bias", "norm.weight")) else 0.1), weight_name


@pytest.mark.parametrize("name", ["adamw", "lamb"])
def test_a_restored_optimizer_goes_on_alike(name: str) -> None:
    config = TrainConfig(task="", stages=CONFIG.stages, optimizer=name)
    results = []
    for restored in (False, True):
        torch.manual_seed(0)
        network = nn.Linear(3, 2)
        optimizer = make_optimizer(network, config)
        for step in range(4):
            if restored and step == 2:
                state = {key: value.clone() for key, value in optimizer_state(optimizer).items()}
                optimizer = make_optimizer(network, config)
                load_optimizer_state(optimizer, state)
            for group in optimizer.param_groups:
                group["lr"] = 0.1
            optimizer.zero_grad()
            network(torch.full((1, 3), float(step))).square().sum().backward()
            optimizer.step()
        results.append(network.weight.detach().clone())
    assert torch.equal(*results)
