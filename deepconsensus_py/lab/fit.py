"""Small training runs, the same for all that is compared: AdamW, a warm-up, then a cosine."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Training:
    """Steps and learning rate of a training run.

    Attributes:
        steps: number of batches.
        rate: peak learning rate, reached after ``warm`` steps; a cosine then lowers it to a twentieth.
        warm: steps of the warm-up.
        decay: weight decay of matrices; vectors have none.
        clip: the norm that gradients are clipped to.
    """

    steps: int
    rate: float = 1e-3
    warm: int = 50
    decay: float = 0.01
    clip: float = 1.0


def fit(module: nn.Module, loss: Callable[[int], Tensor], training: Training) -> float:
    """Train a module.

    Args:
        module: what is trained; it is left in training mode.
        loss: draws a batch and returns its loss, given the number of the step.
        training: steps and learning rate.

    Returns:
        The mean loss of the last tenth of the steps.
    """
    module.train()
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    groups = [
        {"params": [weight for weight in weights if weight.dim() > 1], "weight_decay": training.decay},
        {"params": [weight for weight in weights if weight.dim() <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=training.rate, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _factor(step, training))
    losses: list[float] = []
    for step in range(training.steps):
        value = loss(step)
        optimizer.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(weights, training.clip)
        optimizer.step()
        schedule.step()
        losses.append(float(value.detach()))
    last = losses[-max(1, len(losses) // 10) :]
    return sum(last) / max(1, len(last))


def _factor(step: int, training: Training) -> float:
    warm = min(1.0, (step + 1) / max(1, training.warm))
    done = min(1.0, step / max(1, training.steps))
    return warm * (0.05 + 0.95 * (1 + math.cos(math.pi * done)) / 2)
