"""Stand-alone self-attention: local attention in place of every spatial convolution.

Ramachandran, Parmar, Vaswani, Bello, Levskaya and Shlens 2019, "Stand-Alone Self-Attention in Vision Models".
"""

import torch

from deepconsensus_py.heads.vision import Residual
from deepconsensus_py.lab.claim import Arm, Claim, Figure, Shown, Size, at_most, found_at_least, measured
from deepconsensus_py.lab.costs import gflops, image_cost, parameters
from deepconsensus_py.lab.images import BATCH, SIDE, digit_accuracy, digit_network, resnet50

STEPS = 250

IMAGENET = 224  # pixels, height and width
MIXED = 4  # value maps that the published stem mixes by position in its window
WINDOW = 4  # pixels, height and width of the window of the published stem


def reproduce(size: Size) -> Shown:
    """Count ResNet-50 with and without attention, and train its small twins on digits."""
    steps = 5 if size.fast else STEPS
    ours, plain = (
        [digit_accuracy(system, seed, steps=steps) for seed in size.seeds] for system in ("stand-alone", "convolution")
    )
    weights = {system: parameters(resnet50(system)) for system in ("sasa", "convolution")}
    counted = {system: _gflops(system) for system in weights}
    small = {system: digit_network(system, 0) for system in ("stand-alone", "convolution")}
    share = parameters(small["stand-alone"]) / parameters(small["convolution"])
    images = torch.zeros(64, 1, SIDE, SIDE)
    costs = tuple(image_cost(system, network, images) for system, network in small.items())
    return Shown(
        figures=(
            at_most("ResNet-50, change of parameters", weights["sasa"] / weights["convolution"] - 1, -0.294),
            Figure("ResNet-50, million parameters", weights["sasa"] / 1e6, weights["convolution"] / 1e6),
            Figure("ResNet-50, change of FLOPs", counted["sasa"] / counted["convolution"] - 1),
            *(
                Figure(f"ResNet-50 with the published stem, change of FLOPs{name}", _with_stem(counted, mixing) - 1)
                for name, mixing in ((", values mixed beforehand", 0), (", values mixed in each window", MIXED))
            ),
            found_at_least(
                "digits: accuracy minus that of convolution",
                [a - b for a, b in zip(ours, plain, strict=True)],
                -0.010,
                judged=not size.fast,
            ),
            measured("digits: accuracy", ours, plain),
            Figure("digits: parameters, relative to convolution", share),
        ),
        arms=tuple(Arm("digits", system, steps, steps * BATCH) for system in small),
        costs=costs,
        notes=(
            f"Digits at {SIDE}x{SIDE}; each seed trains on 1200 and tests on the other 597 of the same 1797 images, "
            f"split anew. Accuracy by seed: stand-alone {_listed(ours)}; convolution {_listed(plain)}.",
            "Both have a convolutional stem. Published: 12 % fewer FLOPs and 29 % fewer parameters on ImageNet, with "
            "a stem of attention, whose count depends on whether its values are mixed beforehand.",
            "FLOPs count the pairs that attend, borders included; a stride is an average pool after attention, which "
            "is therefore computed at the finer resolution.",
            "Fewer parameters and FLOPs are not less time: on a processor the products of small windows are bound by "
            "memory.",
        ),
    )


def _listed(values: list[float]) -> str:
    return ", ".join(f"{value:.4f}" for value in values)


def _gflops(system: str) -> float:
    return gflops(_there(resnet50(system)), torch.zeros(1, 3, IMAGENET, IMAGENET))


def _there(network: Residual) -> Residual:
    """The network in memory, all weights zero: its output does not matter."""
    network.to_empty(device="cpu")
    for weight in (*network.parameters(), *network.buffers()):
        weight.data.zero_()
    return network


def _with_stem(counted: dict[str, float], mixing: int) -> float:
    """FLOPs relative to convolution if the stem attends too: 3 channels to 64 at all pixels, then a pool."""
    pixels, window, width = IMAGENET**2, WINDOW**2, 64
    convolved = 2 * (IMAGENET // 2) ** 2 * 7 * 7 * 3 * width
    attended = 2 * pixels * ((2 + MIXED) * 3 * width + (2 + mixing) * window * width)
    return (counted["sasa"] + (attended - convolved) / 1e9) / counted["convolution"]


CLAIM = Claim(
    number=8,
    id="sasa",
    system="Stand-alone self-attention (Ramachandran et al. 2019)",
    text="A network whose spatial layers all attend locally is as good as its convolutional twin, and smaller.",
    baseline="The same residual network with 3x3 convolutions.",
    seeds=tuple(range(1, 11)),
    run=reproduce,
)
