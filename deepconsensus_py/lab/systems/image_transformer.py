"""Image Transformer: images generated value by value, each from a short memory.

Parmar, Vaswani, Uszkoreit, Kaiser, Shazeer, Ku and Tran 2018, "Image Transformer"; and the image-generation patent. The
data are the digits of scikit-learn, and patches of its two photographs.
"""

import math
from collections.abc import Callable
from statistics import fmean
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import AttentionConfig, TrunkConfig
from deepconsensus_py.attention.patterns import BlockLocal
from deepconsensus_py.errors import InputError
from deepconsensus_py.heads.density import DensityHead
from deepconsensus_py.lab import digits as grey
from deepconsensus_py.lab.claim import Arm, Claim, Figure, Shown, Size, at_least, at_most, found_at_most, measured
from deepconsensus_py.lab.costs import cost_line, layer_costs
from deepconsensus_py.lab.fit import Training, fit

D, LAYERS, HEADS, FF = 64, 2, 4, 256
BATCH = 32
SIDE, PATCH = 8, 16
MOST, BESIDE_FULL, MARGINAL = 2.05, 0.02, 2.4

Attention = tuple[AttentionConfig, ...]
FULL, WINDOW = "full", "window 12"
ARMS: dict[str, Attention] = {
    FULL: preset("causal"),
    WINDOW: (AttentionConfig(BlockLocal(12, (11, 0), exact=11, causal=True)),),
    "blocks of 12, memory of 12": preset("image1d"),
    "window 3": (AttentionConfig(BlockLocal(12, (2, 0), exact=2, causal=True)),),
}
"""Windows count the predicted value itself; in the paper's form, the queries of a block share the memory before it."""

ROWS: Attention = (AttentionConfig(BlockLocal(3 * PATCH, (3 * PATCH, 0), causal=True)),)
"""For patches in colour: blocks of a row of pixels, memory of the row above."""

COLOUR_LEVELS = 16
"""Levels of each colour channel: 16 values of a byte share one."""


def colour_patches(count: int, *, seed: int, size: int = 16, test: bool = False) -> NDArray[np.int64]:
    """Draw patches of the photographs: from their left three quarters for training, from the rest for testing.

    Args:
        count: number of patches.
        seed: the same seed draws the same patches.
        size: height and width of a patch.
        test: draw from the right quarter instead.

    Returns:
        ``int64[count, size, size, 3]`` of 0 to ``COLOUR_LEVELS - 1``.

    Raises:
        InputError: scikit-learn, or Pillow, with which it reads pictures, is not installed.
    """
    photographs = np.stack(_photographs().images) // (256 // COLOUR_LEVELS)
    border = photographs.shape[2] * 3 // 4
    photographs = photographs[:, :, border:] if test else photographs[:, :, :border]
    generator = np.random.default_rng(seed)
    which = generator.integers(len(photographs), size=count)
    top, left = (generator.integers(side - size + 1, size=count) for side in photographs.shape[1:3])
    span = np.arange(size)
    cut: NDArray[np.int64] = photographs[
        which[:, None, None], (top[:, None] + span)[:, :, None], (left[:, None] + span)[:, None]
    ].astype(np.int64)
    return cut


def _photographs() -> Any:
    try:
        import PIL  # noqa: F401
        from sklearn.datasets import load_sample_images
    except ImportError as error:
        raise InputError("scikit-learn or Pillow is not installed; pip install 'deepconsensus-py[examples]'") from error
    return load_sample_images()


def reproduce(size: Size) -> Shown:
    """Train each memory on digits, one of them on patches in colour, and look for leaks."""
    steps = 2 if size.fast else 500
    bits = {name: [_digits(arm, seed, steps) for seed in _seeds(name, size)] for name, arm in ARMS.items()}
    marginal = fmean(_marginal(seed) for seed in size.seeds)
    in_colour, in_colour_marginal = _patches(size.seeds[0], steps // 4)
    judged, beside = not size.fast, [a - b for a, b in zip(bits[WINDOW], bits[FULL], strict=True)]
    heads = {name: _head(arm, grey.LEVELS, (SIDE, SIDE, 1)) for name, arm in ARMS.items()}
    heads["rectangles of 4x4, flange of 2"] = _head(preset("image2d"), grey.LEVELS, (SIDE, SIDE, 1), plane=True)
    heads["patches in colour, blocks of a row"] = _head(ROWS, COLOUR_LEVELS, (PATCH, PATCH, 3))
    flops = {name: sum(layer.attention for layer in layer_costs(heads[name].trunk, (SIDE**2,))) for name in ARMS}
    return Shown(
        figures=(
            found_at_most(f"bits per pixel, {WINDOW}", bits[WINDOW], MOST, baseline=bits[FULL], judged=judged),
            found_at_most(f"bits per pixel, {WINDOW} minus {FULL}", beside, BESIDE_FULL, judged=judged),
            at_least("bits per pixel, frequencies of each pixel alone", marginal, MARGINAL),
            at_most(
                "largest change of logits if a later value changes", max(_leak(head) for head in heads.values()), 0.0
            ),
            *(measured(f"bits per pixel, {name}", bits[name]) for name in ARMS if name != WINDOW),
            Figure(f"attention FLOPs, {FULL} over {WINDOW}", flops[FULL] / flops[WINDOW]),
            measured("bits per value, 16x16 patches in colour", [in_colour], [in_colour_marginal]),
        ),
        arms=tuple(Arm("digits", name, steps, steps * BATCH) for name in ARMS),
        costs=tuple(cost_line(name, heads[name], _random(heads[name], 8), (SIDE**2,)) for name in ARMS),
        notes=(
            "By seed: " + "; ".join(f"{name} {', '.join(f'{v:.3f}' for v in bits[name])}" for name in ARMS) + ".",
            f"Windows count the predicted value itself. Trained for {steps} steps: small windows win partly because "
            "short training suits their bias, not because what is further away carries no information.",
            f"The leak is tested on {', '.join(heads)}: values are changed at places over the whole image, one "
            "(pixel, channel) at a time.",
            f"Patches in colour: {COLOUR_LEVELS} levels of the two photographs of scikit-learn, {steps // 4} steps, "
            "trained on their left three quarters and tested on the rest; the baseline are the frequencies of each "
            "channel.",
            "Published: 3.83 to 3.77 bits per dimension on ImageNet, 2.90 on CIFAR-10.",
        ),
    )


def _seeds(name: str, size: Size) -> tuple[int, ...]:
    return size.seeds if name in {FULL, WINDOW} else size.seeds[:1]


def _head(attention: Attention, levels: int, shape: tuple[int, int, int], *, plane: bool = False) -> DensityHead:
    torch.manual_seed(0)
    config = TrunkConfig(LAYERS, D, HEADS, FF, attention, norm="layer", position="none")
    return DensityHead(Trunk(config), levels=levels, shape=shape, plane=plane)


def _digits(attention: Attention, seed: int, steps: int) -> float:
    train, test = grey.digits(seed=seed)
    head = _head(attention, grey.LEVELS, (SIDE, SIDE, 1))
    _train(head, _draws(train.levels[..., None], BATCH, seed), Training(steps, rate=3e-3))
    return _bits(head, test.levels[..., None])


def _patches(seed: int, steps: int) -> tuple[float, float]:
    train, test = (colour_patches(count, seed=seed, test=count < 1000) for count in (4000, 48))
    head = _head(ROWS, COLOUR_LEVELS, (PATCH, PATCH, 3))
    _train(head, _draws(train, 8, seed), Training(steps, rate=3e-3))
    # Patches lie anywhere, so a value's frequency depends on nothing but its channel.
    return _bits(head, test), grey.marginal_bits(train.reshape(-1, 1, 3), test.reshape(-1, 1, 3))


def _draws(images: NDArray[np.int64], count: int, seed: int) -> Callable[[], Tensor]:
    generator = np.random.default_rng(seed)
    return lambda: torch.from_numpy(images[generator.integers(len(images), size=count)])


def _train(head: DensityHead, draw: Callable[[], Tensor], training: Training) -> None:
    def loss(_: int) -> Tensor:
        batch = {"levels": draw()}
        return head.loss(head(batch), batch)

    fit(head, loss, training)


@torch.no_grad()
def _bits(head: DensityHead, images: NDArray[np.int64]) -> float:
    batch = {"levels": torch.from_numpy(images)}
    return head.eval().metrics(head(batch), batch)["bits"]


def _marginal(seed: int) -> float:
    train, test = grey.digits(seed=seed)
    return grey.marginal_bits(train.levels, test.levels)


def _random(head: DensityHead, count: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(count)
    return {"levels": torch.randint(head.levels, (count, *head.shape), generator=generator)}


@torch.no_grad()
def _leak(head: DensityHead) -> float:
    """The largest change of a logit if the value at its own place, or at a later one, changes."""
    batch, n = _random(head.eval(), 1), math.prod(head.shape)
    before, most = head(batch), 0.0
    for place in range(0, n, n // 8 + 1):
        changed = batch["levels"].clone().flatten()
        changed[place] = (changed[place] + 1) % head.levels
        after = head({"levels": changed.view_as(batch["levels"])})
        most = max(most, float((after - before)[:, : place + 1].abs().max()))
    return most


CLAIM = Claim(
    number=4,
    id="image",
    system="Image Transformer (Parmar et al. 2018); image-generation patent",
    text="Generated value by value, an image needs a short memory: local attention is as good as full attention.",
    baseline="The same network with full causal attention; the frequencies of each pixel's levels.",
    seeds=(1, 2, 3, 4, 5),
    run=reproduce,
)
