"""Masked modelling of windows, then training to correct from few labelled ones; for the claims on pretraining."""

import copy
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.heads.columns import ColumnHead
from deepconsensus_py.heads.correct import Correct
from deepconsensus_py.heads.pretrain import Masked, hide
from deepconsensus_py.lab.fit import Training, fit
from deepconsensus_py.lab.reads import WindowTensors, config, judge, take, window_batches
from deepconsensus_py.models.column_network import ColumnTokens

BATCH = 32


class Best:
    """The step of a training with the fewest errors, and the weights at that step.

    Args:
        corrector: what is trained.
        choosing: windows whose errors choose the step.
    """

    def __init__(self, corrector: Correct, choosing: WindowTensors) -> None:
        self._corrector, self._choosing = corrector, choosing
        self._errors, self._step, self._weights = math.inf, 0, corrector.state_dict()

    def look(self, step: int) -> None:
        """Keep the weights as they are now, unless an earlier step had as few errors."""
        found = errors_per_kb(self._corrector, self._choosing)
        if found < self._errors:
            self._errors, self._step, self._weights = found, step, copy.deepcopy(self._corrector.state_dict())

    def restore(self) -> int:
        """Give the corrector the weights that were kept, and return their step."""
        self._corrector.load_state_dict(self._weights)
        return self._step


@dataclass(frozen=True, slots=True)
class Tuned:
    """A corrector trained on labelled windows, at its best step. Errors are per kb.

    Attributes:
        step: the one with the fewest errors in the choosing windows.
        train: errors in windows that it was trained on.
        test: errors in other windows.
    """

    step: int
    train: float
    test: float

    @property
    def gap(self) -> float:
        """Errors in other windows minus errors in training windows."""
        return self.test - self.train


def fresh(trunk: TrunkConfig, seed: int) -> Correct:
    """An untrained corrector."""
    torch.manual_seed(seed)
    return Correct(Trunk(trunk), ColumnTokens(config(trunk)))


def pretrain(start: Correct, windows: WindowTensors, training: Training, seed: int, *, batch: int = BATCH) -> Masked:
    """Train masked modelling, from the weights of a corrector, which does not change.

    Args:
        start: the corrector whose trunk and column embeddings are copied.
        windows: training windows; labels are not used.
        training: steps and learning rate.
        seed: of batches and masks.
        batch: windows of a batch.
    """
    torch.manual_seed(seed)
    masked = Masked(copy.deepcopy(start.trunk), copy.deepcopy(start.columns))
    generator = torch.Generator().manual_seed(seed)

    def loss(_: int) -> Tensor:
        drawn = hide(draw(windows, batch, generator), generator)
        return masked.loss(masked(drawn), drawn)

    fit(masked, loss, training)
    return masked


def after(start: Correct, masked: Masked) -> Correct:
    """A corrector with the trunk and column embeddings of masked modelling."""
    corrector = copy.deepcopy(start)
    corrector.trunk.load_state_dict(masked.trunk.state_dict(), strict=True)
    corrector.columns.load_state_dict(masked.columns.state_dict(), strict=True)
    return corrector


def masked_loss(masked: Masked, windows: WindowTensors) -> dict[str, float]:
    """Metrics of masked modelling in windows."""
    generator, masked = torch.Generator().manual_seed(0), masked.eval()
    hidden = hide(windows, generator)
    with torch.inference_mode():
        out = torch.cat([masked(batch) for batch in window_batches(dict(hidden), BATCH)])
    return masked.metrics(out, hidden)


def tune(
    corrector: Correct,
    labelled: WindowTensors,
    training: Training,
    *,
    choosing: WindowTensors,
    test: WindowTensors,
    seed: int,
    batch: int = BATCH,
    every: int = 25,
) -> Tuned:
    """Train a corrector on labelled windows; other windows choose the best step.

    Args:
        corrector: what is trained.
        labelled: training windows.
        training: most steps, and learning rate.
        choosing: windows that choose the step.
        test: windows that the result is judged on.
        seed: of batches.
        batch: windows of a batch.
        every: steps between those that can be chosen.
    """
    generator = torch.Generator().manual_seed(seed)
    best = Best(corrector, choosing)

    def loss(step: int) -> Tensor:
        if step and step % every == 0:
            best.look(step)
        drawn = draw(labelled, batch, generator)
        return corrector.loss(corrector(drawn), drawn)

    fit(corrector, loss, training)
    best.look(training.steps)
    step = best.restore()
    seen = take(labelled, slice(0, len(test["labels"])))
    return Tuned(step, errors_per_kb(corrector, seen), errors_per_kb(corrector, test))


def errors_per_kb(head: ColumnHead, windows: WindowTensors) -> float:
    """Errors per kb of the calls of windows."""
    training = head.training
    head.eval()
    with torch.inference_mode():
        called = torch.cat([head(batch).argmax(-1) for batch in window_batches(windows, BATCH)])
    head.train(training)
    return judge(called, windows["labels"]).per_kb


def draw(windows: WindowTensors, count: int, generator: torch.Generator) -> WindowTensors:
    """Draw windows at random."""
    return take(windows, torch.randint(len(windows["labels"]), (count,), generator=generator))
