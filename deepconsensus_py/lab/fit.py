"""Small training runs: AdamW, a warm-up and a cosine, every arm of a row by the same few lines."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Training:
    """How long and how fast.

    Attributes:
        steps: batches.
        rate: highest learning rate, after ``warm`` steps; then a cosine down to a twentieth of it.
        warm: steps of warming up.
        decay: weight decay of matrices.
        clip: largest norm of the gradient.
    """

    steps: int
    rate: float = 1e-3
    warm: int = 50
    decay: float = 0.01
    clip: float = 1.0


def fit(module: nn.Module, loss: Callable[[int], Tensor], training: Training) -> float:
    """Train a module.

    Args:
        module: left in training mode.
        loss: from the number of the step to the loss of a batch.
        training: how long and how fast.

    Returns:
        Mean loss of the last tenth of the steps.
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
