"""Scale Efficiently: at one size, the shape of a trunk matters more downstream than upstream.

Tay et al. 2022, "Scale Efficiently: Insights from Pre-training and Fine-tuning Transformers". Upstream is masked
modelling of pileups, downstream their correction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.lab.claim import Arm, Claim, Curve, Shown, Size, found_at_least, found_at_most, measured
from deepconsensus_py.lab.costs import cost_line
from deepconsensus_py.lab.fit import Training
from deepconsensus_py.lab.reads import SPEC, judge, simulated, take
from deepconsensus_py.lab.transfer import BATCH, after, fresh, masked_loss, pretrain, tune

SHAPES = ((2, 176), (4, 124), (6, 100), (8, 88), (12, 72))
"""Layers and width: layers times the square of the width is about the same."""

HEADS = 4
MODELLING, TUNING = Training(160, 2e-3), Training(60, 1e-3)
UNLABELLED, LABELLED, CHOOSING, TEST = 21, 22, 23, 24
"""Seeds of the molecules: no two sets share a molecule."""

TESTED = 800
"""Windows."""


def reproduce(size: Size) -> Shown:
    """Pretrain trunks of several shapes with several seeds, fine-tune each, and compare the spreads."""
    shapes, judged = (SHAPES[::4] if size.fast else SHAPES), not size.fast
    found = {_name(shape): [_run(shape, seed, fast=size.fast) for seed in size.seeds] for shape in shapes}
    upstream, downstream = ({name: [run[part] for run in of] for name, of in found.items()} for part in (0, 1))
    above, below = _spreads(upstream), _spreads(downstream)
    test = simulated(60 if size.fast else TESTED, TEST)
    draft = judge(test["draft"], test["labels"]).per_kb
    layers = tuple(float(layers) for layers, _ in shapes)
    return Shown(
        figures=(
            found_at_most("spread upstream, %", above, 3, judged=judged),
            found_at_least(
                "spread downstream minus twice the upstream one, %",
                [under - 2 * over for over, under in zip(above, below, strict=True)],
                0,
                judged=judged,
            ),
            measured("spread downstream, %", below),
            measured("variance between shapes over that between seeds of one, upstream (F)", [f_ratio(upstream)]),
            measured("the same, downstream (F)", [f_ratio(downstream)]),
            *(measured(f"masked loss, nats, {name}", of) for name, of in upstream.items()),
            *(
                measured(f"errors/kb after tuning, beside the draft, {name}", of, [draft])
                for name, of in downstream.items()
            ),
        ),
        arms=tuple(
            Arm(task, name, training.steps, training.steps * BATCH // 2)
            for task, training in (("masked modelling", MODELLING), ("correction", TUNING))
            for name in found
        ),
        costs=tuple(
            cost_line(_name(shape), fresh(_trunk(shape), 0), take(test, slice(0, BATCH)), (SPEC.width,))
            for shape in SHAPES
        ),
        curves=tuple(
            Curve(task, layers, tuple(sum(of) / len(of) for of in values.values()))
            for task, values in (("masked loss, nats", upstream), ("errors/kb after tuning", downstream))
        ),
        axes=("layers", "nats, errors/kb"),
        notes=(
            "Errors/kb downstream by seed: "
            + "; ".join(f"{name} {', '.join(f'{error:.2f}' for error in of)}" for name, of in downstream.items())
            + ".",
            "Spread: largest minus smallest shape, in % of the mean, with each seed. A seed is one pretraining "
            f"({MODELLING.steps} steps of {BATCH // 2} windows) and one fine-tuning on 500 windows ({TUNING.steps} "
            "steps; other windows choose the step). The inner width is twice the width; four heads.",
            "Spreads of largest and smallest grow with noise: shapes differ only if F, the variance between shapes "
            "over that between seeds, is above 3.48, its 95 % quantile at 4 and 10 degrees of freedom.",
            f"The {TESTED} test windows hold some 400 errors of the draft, the same for all shapes and seeds; all are "
            "trained briefly.",
        ),
    )


def f_ratio(groups: Mapping[str, Sequence[float]]) -> float:
    """The F statistic of one-way analysis of variance, of groups of equal size; 0 of groups of one value."""
    values = np.array(list(groups.values()))
    each = values.shape[1]
    if each < 2:
        return 0.0
    return float(each * values.mean(1).var(ddof=1) / values.var(axis=1, ddof=1).mean())


def _name(shape: tuple[int, int]) -> str:
    return f"{shape[0]} x {shape[1]}"


def _trunk(shape: tuple[int, int]) -> TrunkConfig:
    layers, d = shape
    return TrunkConfig(layers, d, HEADS, 2 * d, preset("banded12"), norm="layer")


def _run(shape: tuple[int, int], seed: int, *, fast: bool) -> tuple[float, float]:
    """Masked loss of a shape pretrained with a seed, and its errors/kb after fine-tuning."""
    share = 20 if fast else 1
    unlabelled, labelled = simulated(4000 // share, UNLABELLED), simulated(500, LABELLED)
    choosing, test = simulated(300 // share, CHOOSING), simulated(TESTED // share, TEST)
    modelling, tuning = (replace(one, steps=max(1, one.steps // share**2)) for one in (MODELLING, TUNING))
    start = fresh(_trunk(shape), seed)
    masked = pretrain(start, unlabelled, modelling, seed, batch=BATCH // 2)
    corrector = after(start, masked)
    tuned = tune(corrector, labelled, tuning, choosing=choosing, test=test, seed=seed, batch=BATCH // 2)
    return masked_loss(masked, test)["loss"], tuned.test


def _spreads(of: Mapping[str, Sequence[float]]) -> list[float]:
    """Largest minus smallest shape with each seed, in % of the mean."""
    return [100 * (max(each) - min(each)) / (sum(each) / len(each)) for each in zip(*of.values(), strict=True)]


CLAIM = Claim(
    number=14,
    id="shape",
    system="Scale Efficiently (Tay et al. 2022)",
    text="Trunks of one size are alike in pretraining and differ after fine-tuning: there shape matters, not only "
    "size.",
    baseline="The other shapes, with the same number of parameters.",
    seeds=(1, 2, 3),
    run=reproduce,
)
