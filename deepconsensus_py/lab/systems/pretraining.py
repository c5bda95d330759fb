"""Pretraining and training from scratch: what masked modelling of unlabelled pileups saves in labelled windows.

How many labels are few is not chosen by hand: with one other seed, training from scratch is followed over numbers of
labelled windows, and judged are those at which its error has come a quarter, half and three quarters of its way, in
logarithms, from the fewest windows to the most.
"""

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.heads.correct import Correct
from deepconsensus_py.heads.pretrain import Masked
from deepconsensus_py.lab.claim import Arm, Claim, CostLine, Curve, Figure, Shown, Size, found_at_most, measured
from deepconsensus_py.lab.costs import cost_line
from deepconsensus_py.lab.fit import Training, fit
from deepconsensus_py.lab.reads import SPEC, WindowTensors, judge, simulated, take, window_batches, without_draft
from deepconsensus_py.lab.transfer import BATCH, Best, after, draw, errors_per_kb, fresh, masked_loss, pretrain

TRUNK = TrunkConfig(2, 64, 4, 128, preset("banded12"), norm="layer")
GRID = (50, 70, 100, 140, 200, 400, 1000)
"""Numbers of labelled windows over which training from scratch is followed."""

WAYS = {"a quarter": 0.25, "half": 0.5, "three quarters": 0.75}
MOST_OF = 0.7
"""Of the excess error of training from scratch, what pretraining may leave."""

UNLABELLED, LABELLED, CHOOSING, TEST = 11, 12, 13, 14
"""Seeds of the molecules: no two sets share a molecule."""

MODELLING = Training(400, 2e-3)
STEPS, EVERY = 200, 25
"""Of the training on labels, the same for both arms; each takes its best step of every so many."""

RATES = (1e-3, 2e-3)
"""Each arm has its best one, with one other seed and half of the way."""

TUNED_BATCH, TUNING_SEED = 16, 0
SHOWN = 150
"""Windows by which losses are compared."""

SCRATCH, PRETRAINED = "from scratch", "pretrained"
ARMS = (SCRATCH, PRETRAINED)


@dataclass(frozen=True, slots=True)
class Sets:
    """Windows of different molecules: unlabelled, labelled, to choose the step, and to test."""

    unlabelled: WindowTensors
    labelled: WindowTensors
    choosing: WindowTensors
    test: WindowTensors


@dataclass(frozen=True, slots=True)
class Learned:
    """A corrector trained on labelled windows.

    Attributes:
        step: the one with the fewest errors in the choosing windows.
        errors: errors/kb in the test windows at that step.
        losses: loss in the labelled and in the test windows, at every step that can be chosen.
    """

    step: int
    errors: float
    losses: tuple[tuple[float, float], ...]


def reproduce(size: Size) -> Shown:
    """Follow training from scratch over labels, and compare with pretrained correctors where it is on its way."""
    share = 20 if size.fast else 1
    sets, steps = _sets(share), max(1, STEPS // share**2)
    starts = _starts(TUNING_SEED, sets, share)
    grid = GRID[::6] if size.fast else GRID
    curve = {
        count: _learned(starts[SCRATCH][0], sets, count, Training(steps, RATES[-1]), TUNING_SEED) for count in grid
    }
    counts = {way: on_the_way({count: one.errors for count, one in curve.items()}, of) for way, of in WAYS.items()}
    rates = {arm: _best_rate(starts[arm][0], sets, counts["half"], steps) for arm in ARMS}
    trainings = {arm: Training(steps, rate) for arm, rate in rates.items()}
    runs = [_run(seed, sets, counts, trainings, share=share) for seed in size.seeds]
    reached = [one.errors for one in curve.values()] + [run[arm, GRID[-1]].errors for run, _ in runs for arm in ARMS]
    return Shown(
        figures=tuple(_figures([run for run, _ in runs], counts, min(reached), judged=not size.fast)),
        arms=tuple(
            Arm(f"{count} labelled windows", arm, steps, steps * TUNED_BATCH, tried=len(RATES))
            for count in dict.fromkeys((*counts.values(), GRID[-1]))
            for arm in ARMS
        ),
        costs=_costs(sets.test),
        curves=(Curve(f"{SCRATCH}, one seed", grid, tuple(math.log10(one.errors) for one in curve.values())),),
        axes=("labelled windows", "log10 of errors/kb"),
        notes=_notes(runs, counts, curve, rates),
    )


_Runs = dict[tuple[str, int], Learned]


def _sets(share: int) -> Sets:
    return Sets(
        simulated(4000 // share, UNLABELLED),
        without_draft(simulated(GRID[-1], LABELLED)),
        without_draft(simulated(200 // share, CHOOSING)),
        without_draft(simulated(1000 // share, TEST)),
    )


def _starts(seed: int, sets: Sets, share: int) -> dict[str, tuple[Correct, dict[str, float]]]:
    """The corrector that each arm starts from, of the same first weights, and the metrics of masked modelling."""
    start = fresh(TRUNK, seed)
    masked = pretrain(start, sets.unlabelled, replace(MODELLING, steps=max(1, MODELLING.steps // share**2)), seed)
    hidden = masked_loss(masked, simulated(200 // share, CHOOSING))
    return {SCRATCH: (start, hidden), PRETRAINED: (after(start, masked), hidden)}


def _run(
    seed: int, sets: Sets, counts: Mapping[str, int], trainings: Mapping[str, Training], *, share: int
) -> tuple[_Runs, dict[str, float]]:
    starts = _starts(seed, sets, share)
    return {
        (arm, count): _learned(starts[arm][0], sets, count, trainings[arm], seed)
        for arm in ARMS
        for count in (*counts.values(), GRID[-1])
    }, starts[SCRATCH][1]


def _learned(start: Correct, sets: Sets, count: int, training: Training, seed: int) -> Learned:
    corrector, generator = copy.deepcopy(start), torch.Generator().manual_seed(seed)
    labelled, part = take(sets.labelled, slice(0, count)), take(sets.test, slice(0, SHOWN))
    losses: list[tuple[float, float]] = []
    best = Best(corrector, sets.choosing)

    def look(step: int) -> None:
        losses.append((_loss(corrector, take(labelled, slice(0, SHOWN))), _loss(corrector, part)))
        best.look(step)

    def loss(step: int) -> Tensor:
        if step and step % EVERY == 0:
            look(step)
        batch = draw(labelled, TUNED_BATCH, generator)
        return corrector.loss(corrector(batch), batch)

    fit(corrector, loss, training)
    look(training.steps)
    step = best.restore()
    return Learned(step, errors_per_kb(corrector, sets.test), tuple(losses))


@torch.inference_mode()
def _loss(corrector: Correct, windows: WindowTensors) -> float:
    """Mean loss of windows, in nats."""
    training = corrector.training
    corrector.eval()
    parts = [
        (len(batch["labels"]), float(corrector.loss(corrector(batch), batch)))
        for batch in window_batches(windows, BATCH)
    ]
    corrector.train(training)
    return sum(count * value for count, value in parts) / sum(count for count, _ in parts)


def _best_rate(start: Correct, sets: Sets, count: int, steps: int) -> float:
    def left(rate: float) -> float:
        return _learned(start, sets, count, Training(steps, rate), TUNING_SEED).errors

    return min(RATES, key=left)


def on_the_way(errors: Mapping[int, float], share: float) -> int:
    """The fewest labels at which errors have fallen by a share, in logarithms, from the fewest labels to the best.

    Args:
        errors: by number of labels, in order.
        share: of the way, 0 to 1.
    """
    first, least = math.log(next(iter(errors.values()))), math.log(min(errors.values()))
    return next(count for count, of in errors.items() if first - math.log(of) >= share * (first - least) - 1e-12)


def at_equal_loss(one: Learned, other: Learned) -> float:
    """How much higher the test loss of the first is than that of the other, where both have the same training loss.

    That is the least training loss that both reach; between two steps, the test loss is interpolated.
    """
    level = max(min(train for train, _ in of.losses) for of in (one, other))
    return _tested_at(one.losses, level) - _tested_at(other.losses, level)


def _tested_at(losses: Sequence[tuple[float, float]], level: float) -> float:
    """The test loss where the training loss first falls to a level."""
    before = losses[0]
    for train, test in losses:
        if train <= level:
            share = 1.0 if before[0] <= level else (before[0] - level) / (before[0] - train)
            return before[1] + share * (test - before[1])
        before = train, test
    raise ValueError(f"the training loss never falls to {level}")


def _figures(runs: Sequence[_Runs], counts: Mapping[str, int], floor: float, *, judged: bool) -> list[Figure]:
    figures = []
    for way, count in counts.items():
        ours, theirs = ([run[arm, count].errors - floor for run in runs] for arm in (PRETRAINED, SCRATCH))
        name = f"{count} labelled windows ({way} of the way)"
        left = [one - MOST_OF * other for one, other in zip(ours, theirs, strict=True)]
        figures += [
            found_at_most(
                f"{name}: excess errors/kb, {PRETRAINED} minus {MOST_OF} of {SCRATCH}", left, 0, judged=judged
            ),
            measured(
                f"{name}: errors/kb", [run[PRETRAINED, count].errors for run in runs], [one + floor for one in theirs]
            ),
        ]
    half = counts["half"]
    overfitted = [at_equal_loss(run[PRETRAINED, half], run[SCRATCH, half]) for run in runs]
    most = {arm: [run[arm, GRID[-1]].errors for run in runs] for arm in ARMS}
    drafted = simulated(1000 if judged else 50, TEST)
    return [
        *figures,
        found_at_most(
            f"{half} labelled windows: test loss at equal training loss, {PRETRAINED} minus {SCRATCH}, nats",
            overfitted,
            0,
            judged=judged,
        ),
        measured(f"{GRID[-1]} labelled windows: errors/kb", most[PRETRAINED], most[SCRATCH]),
        measured("errors/kb of the draft, which neither is shown", [judge(drafted["draft"], drafted["labels"]).per_kb]),
    ]


def _costs(windows: WindowTensors) -> tuple[CostLine, ...]:
    batch = take(windows, slice(0, BATCH))
    corrector = fresh(TRUNK, 0)
    masked = Masked(corrector.trunk, corrector.columns)
    hidden = {**batch, "masked": batch["draft"].new_zeros(batch["draft"].shape)}
    return (
        cost_line("correct", corrector, batch, (SPEC.width,)),
        cost_line("pretrain, on the same trunk", masked, hidden, (SPEC.width,)),
    )


def _notes(
    runs: Sequence[tuple[_Runs, dict[str, float]]],
    counts: Mapping[str, int],
    curve: Mapping[int, Learned],
    rates: Mapping[str, float],
) -> tuple[str, ...]:
    half = counts["half"]

    def each(arm: str) -> str:
        return ", ".join(f"{run[arm, half].errors:.3g} (step {run[arm, half].step})" for run, _ in runs)

    return (
        "From scratch, one other seed, errors/kb by labelled windows: "
        + ", ".join(f"{count}: {one.errors:.3g}" for count, one in curve.items())
        + ". The excess is over the least error of any training here.",
        f"By seed, at {half} labelled windows: {PRETRAINED} {each(PRETRAINED)}; {SCRATCH} {each(SCRATCH)}. Each takes "
        "its step with the fewest errors in 200 other windows. Learning rates: "
        + ", ".join(f"{arm} {rate:g}" for arm, rate in rates.items())
        + f". Pretraining has {MODELLING.steps} steps on unlabelled windows beforehand: that is its claim.",
        "Whole columns are masked (15 %), and in half of the windows the draft is masked everywhere, so that it has to "
        "be predicted from the passes. The masked cells are left with "
        + ", ".join(f"{of['hidden']:.2f}" for _, of in runs)
        + " nats, and "
        + ", ".join(f"{100 * of['undrafted']:.1f} %" for _, of in runs)
        + " of the masked drafts are predicted correctly.",
        "Trunk (strict) and column embeddings are transferred, the output layer is new. Unlabelled, labelled, "
        "choosing and test windows are of different simulated molecules of 3 to 6 full passes.",
        "Labelled and test windows are given without the draft, so that the passes have to be read; if it is given, "
        "both soon copy it. Real pileups were not tried.",
    )


CLAIM = Claim(
    number=23,
    id="pretrain",
    system="Self-supervised pretraining beside training from scratch",
    text="Self-supervised pretraining stores knowledge; training from scratch on little data overfits.",
    baseline="The same corrector trained from scratch, at its own best step.",
    seeds=(1, 2, 3),
    run=reproduce,
)
