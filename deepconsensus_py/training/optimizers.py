"""Optimisers and learning rates: AdamW, and LAMB as DeepConsensus uses."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from deepconsensus_py.training.config import Stage, TrainConfig

PLAIN = ("bias", "norm")
"""Names of weights without decay; LAMB does not adapt its rate to them either."""


def make_optimizer(network: nn.Module, config: TrainConfig) -> Optimizer:
    """The optimiser of a recipe; its learning rate is set before every step.

    Args:
        network: whose weights it updates, except those without gradient.
        config: optimiser and weight decay.
    """
    trained = [(name, weight) for name, weight in network.named_parameters() if weight.requires_grad]
    plain = [weight for name, weight in trained if any(part in name for part in PLAIN)]
    others = [weight for name, weight in trained if not any(part in name for part in PLAIN)]
    groups: list[dict[str, Any]] = [{"params": others}, {"params": plain, "weight_decay": 0.0}]
    if config.optimizer == "adamw":
        return AdamW(groups, lr=0.0, weight_decay=config.weight_decay)
    groups[1]["adapted"] = False
    return Lamb(groups, weight_decay=config.weight_decay)


class Lamb(Optimizer):
    """Adam with the step of every tensor scaled to the norm of the tensor (You et al. 2020).

    Args:
        groups: of weights; ``adapted`` False keeps the norm of Adam's step.
        weight_decay: added to the step before its norm is taken.
        betas: decay of the running means of gradient and squared gradient.
        eps: added to the root of the latter.
    """

    def __init__(
        self,
        groups: list[dict[str, Any]],
        *,
        weight_decay: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
    ) -> None:
        defaults = {"lr": 0.0, "weight_decay": weight_decay, "betas": betas, "eps": eps, "adapted": True}
        super().__init__(groups, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update the weights."""
        assert closure is None
        for weight, group in self._weights():
            change = self._adam(weight, group) + group["weight_decay"] * weight
            length, wanted = change.norm(), weight.norm()
            # Scaled to a norm of 0, weights initialised with zeros would never move.
            fits = group["adapted"] & (length > 0) & (wanted > 0)
            weight.sub_(group["lr"] * torch.where(fits, wanted / length, 1.0) * change)

    def _weights(self) -> Iterator[tuple[Tensor, dict[str, Any]]]:
        for group in self.param_groups:
            yield from ((weight, group) for weight in group["params"] if weight.grad is not None)

    def _adam(self, weight: Tensor, group: dict[str, Any]) -> Tensor:
        """Adam's step at learning rate 1."""
        assert weight.grad is not None
        state = self.state[weight]
        if not state:
            state["step"] = torch.zeros(())
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(weight), torch.zeros_like(weight)
        state["step"] += 1
        first, second = group["betas"]
        mean: Tensor = state["exp_avg"].lerp_(weight.grad, 1 - first)
        square: Tensor = state["exp_avg_sq"].mul_(second).addcmul_(weight.grad, weight.grad, value=1 - second)
        steps = int(state["step"])
        root: Tensor = (square / (1 - second**steps)).sqrt() + group["eps"]
        step: Tensor = mean / (1 - first**steps) / root
        return step


def learning_rate(stage: Stage, step: int) -> float:
    """Learning rate of a step: linear warm-up, then the stage's schedule.

    Args:
        stage: steps and rates.
        step: from 0.
    """
    if step < stage.warm_up:
        return stage.learning_rate * (step + 1) / stage.warm_up
    # The last step has the final rate, if there is more than one.
    done = (step - stage.warm_up) / max(stage.steps - 1 - stage.warm_up, 1)
    fraction = {"cosine": (1 + math.cos(math.pi * done)) / 2, "linear": 1 - done, "constant": 1.0}[stage.schedule]
    return stage.final_learning_rate + (stage.learning_rate - stage.final_learning_rate) * fraction
