"""BoTNet: global attention in the last bottlenecks of a residual network.

Srinivas, Lin, Parmar, Shlens, Abbeel and Vaswani 2021, "Bottleneck Transformers for Visual Recognition".
"""

import torch

from deepconsensus_py.attention.spatial import BoT
from deepconsensus_py.lab.claim import Arm, Claim, Figure, Shown, Size, at_most, found_at_least, measured
from deepconsensus_py.lab.costs import image_cost, parameters
from deepconsensus_py.lab.glyphs import receptive_field
from deepconsensus_py.lab.images import (
    BATCH,
    SEEN,
    SIDE,
    digit_accuracy,
    digit_network,
    glyph_accuracy,
    glyph_network,
    resnet50,
)

DIGIT_STEPS, GLYPH_STEPS = 250, 300
GLYPH_SEEDS = 3
"""Of the seeds: on glyphs the two are far apart."""

COUNTED = 20.86  # million parameters of BoTNet-50 with 1000 classes


def reproduce(size: Size) -> Shown:
    """Count BoTNet-50, and train its small twin and a convolutional network on digits and on distant glyphs."""
    digit_steps, glyph_steps = (5, 5) if size.fast else (DIGIT_STEPS, GLYPH_STEPS)
    systems = ("bot", "convolution")
    digits = {system: [digit_accuracy(system, seed, steps=digit_steps) for seed in size.seeds] for system in systems}
    glyphs = {
        system: [glyph_accuracy(system, seed, steps=glyph_steps) for seed in size.seeds[:GLYPH_SEEDS]]
        for system in systems
    }
    on_digits, on_glyphs = ([a - b for a, b in zip(*task.values(), strict=True)] for task in (digits, glyphs))
    weights = {system: parameters(resnet50(system)) / 1e6 for system in systems}
    images = torch.zeros(64, 1, SIDE, SIDE)
    return Shown(
        figures=(
            at_most("ResNet-50, million parameters, difference from 20.86", abs(weights["bot"] - COUNTED), 0.1),
            Figure("ResNet-50, million parameters", weights["bot"], weights["convolution"]),
            at_most(
                "a layer with tables for 24x24, applied to 16x16: difference from a layer with tables for 16x16",
                _other_size_error(),
                1e-5,
            ),
            found_at_least("digits: accuracy minus that of convolution", on_digits, -0.005, judged=not size.fast),
            measured("digits: accuracy", digits["bot"], digits["convolution"]),
            found_at_least("distant glyphs: accuracy ahead of convolution", on_glyphs, 0.10, judged=not size.fast),
            measured("distant glyphs: accuracy", glyphs["bot"], glyphs["convolution"]),
        ),
        arms=tuple(
            Arm(task, system, steps, steps * BATCH)
            for task, steps in (("digits", digit_steps), ("distant glyphs", glyph_steps))
            for system in systems
        ),
        costs=tuple(
            image_cost(f"{task}, {system}", network(system, 0), images)
            for task, network in (("digits", digit_network), ("glyphs", glyph_network))
            for system in systems
        ),
        notes=(
            f"Accuracy by seed: digits {_listed(digits)}; glyphs {_listed(glyphs)}.",
            "Each seed trains on 1200 and tests on the other 597 of the same 1797 digits, split anew; glyphs are "
            f"trained with {GLYPH_SEEDS} of the seeds.",
            "Glyphs are further apart than the receptive field of the convolutional network, "
            f"{receptive_field(SEEN)} pixels.",
            "The largest offset of a table is a setting, so that one layer serves maps of several sizes.",
        ),
    )


def _listed(task: dict[str, list[float]]) -> str:
    return ", ".join(f"{system} " + " ".join(f"{value:.4f}" for value in values) for system, values in task.items())


@torch.inference_mode()
def _other_size_error() -> float:
    """Between the layer with tables for 24x24, at 16x16, and a layer whose tables are cut to 16x16."""
    torch.manual_seed(0)
    large, small = BoT(8, 8, reach=23), BoT(8, 8, reach=SIDE - 1)
    cut = 23 - (SIDE - 1)
    weights = {name: value[cut:-cut] if "tables" in name else value for name, value in large.state_dict().items()}
    small.load_state_dict(weights)
    x = torch.randn(2, 8, SIDE, SIDE)
    large(torch.randn(1, 8, 24, 24))
    return float((large(x) - small(x)).abs().max())


CLAIM = Claim(
    number=11,
    id="bot",
    system="BoTNet (Srinivas et al. 2021)",
    text="Global attention in the last bottlenecks needs fewer parameters than convolutions and relates distant "
    "places.",
    baseline="The same residual network with 3x3 convolutions.",
    seeds=tuple(range(1, 11)),
    run=reproduce,
)
