"""Residual networks over small images, with convolution or attention as their spatial layers, and their training."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from deepconsensus_py.attention.spatial import AAConv, BoT, Halo, StandAlone
from deepconsensus_py.heads.vision import BottleneckStage, Residual, convolution
from deepconsensus_py.lab.digits import digits, upscaled
from deepconsensus_py.lab.fit import Training, fit
from deepconsensus_py.lab.glyphs import glyph_pairs, receptive_field

SIDE = 16
"""Height and width of all images in pixels."""

BATCH = 64

Logits = Callable[[Tensor], Tensor]
"""From images to the logits of their classes."""

Layer = Callable[[int], nn.Module]
"""Makes a spatial layer of a width."""

SEEN = ((3, 1), (2, 2), (3, 1))
"""Kernel and stride of the layers below a pixel of the convolutional ``glyph_network``, from the image up."""

WIDTHS, DEPTHS = (64, 128, 256, 512), (3, 4, 6, 3)
"""Widths and bottlenecks of the four stages of ResNet-50 (He et al. 2016, table 1)."""

LARGEST = 13
"""Largest offset on the 14 x 14 pixels of the last stage of BoTNet, for images of 224 x 224."""


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """Images ``float32[count, 1, 16, 16]`` and their classes ``int64[count]``."""

    image: Tensor
    label: Tensor


class SqueezeExcitation(nn.Module):
    """Channels scaled by gates that are computed from the means of all channels (Hu et al. 2018).

    Args:
        width: channels.
        reduction: factor by which the hidden layer is narrower.
    """

    def __init__(self, width: int, *, reduction: int = 16) -> None:
        super().__init__()
        self.squeeze, self.excite = nn.Linear(width, width // reduction), nn.Linear(width // reduction, width)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, width, H, W]`` to the same."""
        gates: Tensor = self.excite(F.relu(self.squeeze(x.mean((2, 3))))).sigmoid()
        return x * gates[:, :, None, None]


def squeeze_excited(width: int) -> nn.Module:
    """A 3x3 convolution followed by squeeze-excitation, for ``vision.Stage``."""
    return nn.Sequential(convolution(width), SqueezeExcitation(width))


def _alone(width: int, *, heads: int = 4) -> nn.Module:
    return StandAlone(width, width, kernel=7, heads=heads)


def _global(width: int, *, reach: int = SIDE // 2 - 1) -> nn.Module:
    return BoT(width, width, reach=reach, heads=4)


def _halo(width: int) -> nn.Module:
    return Halo(width, width, around=(4, 2), heads=4)


def _augmented(width: int) -> nn.Module:
    return AAConv(width, width, d_k=width * 7 // 4, d_v=width // 2, reach=SIDE // 2 - 1, heads=8)


LAYERS: dict[str, tuple[Layer, Layer]] = {
    "convolution": (convolution, convolution),
    "squeeze-excitation": (squeeze_excited, squeeze_excited),
    "augmented": (_augmented, _augmented),
    "stand-alone": (_alone, _alone),
    "bot": (convolution, _global),
    "halo": (_halo, _halo),
}
"""The spatial layers of the two stages of each system."""


def stem(width: int, *, twice: bool = False) -> nn.Module:
    """A convolution and a pool that halves the image, and optionally a second convolution; the same for all systems."""
    first = nn.Conv2d(1, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)
    return (
        nn.Sequential(*first, convolution(width), nn.BatchNorm2d(width), nn.ReLU()) if twice else nn.Sequential(*first)
    )


def digit_network(system: str, seed: int, *, width: int = 32) -> Residual:
    """A stem and two stages of two bottlenecks, the second twice as wide at half the resolution; ten classes."""
    torch.manual_seed(seed)
    first, second = LAYERS[system]
    stages = [BottleneckStage(width, 2, first), BottleneckStage(2 * width, 2, second, stride=2)]
    return Residual(stem(width, twice=True), width, stages, classes=10)


def glyph_network(system: str, seed: int, *, width: int = 64) -> Residual:
    """A stem and one bottleneck; two classes."""
    torch.manual_seed(seed)
    return Residual(stem(width), width, [BottleneckStage(width, 1, LAYERS[system][1])], classes=2)


def digit_images(seed: int) -> tuple[Images, Images]:
    """The digits for training and for testing, at 16x16."""
    train, test = (
        Images(torch.from_numpy(upscaled(part.levels, SIDE)).unsqueeze(1), torch.from_numpy(part.label))
        for part in digits(seed=seed)
    )
    return train, test


def pair_images(count: int, seed: int) -> Images:
    """Pairs of glyphs, the same or different, further apart than the receptive field of the convolutional network."""
    made = glyph_pairs(count, field=receptive_field(SEEN), seed=seed)
    return Images(torch.from_numpy(made.image).unsqueeze(1), torch.from_numpy(made.same.astype(np.int64)))


def learn(network: nn.Module, logits: Logits, images: Images, training: Training, *, seed: int, shift: int = 0) -> None:
    """Train a classifier in epochs; it is left in evaluation mode.

    Args:
        network: what is trained.
        logits: the network's logits of images.
        images: training images.
        training: steps and learning rate.
        seed: of the order and of the shifts.
        shift: each batch is shifted by up to this many pixels in both directions.
    """
    generator = torch.Generator().manual_seed(seed)
    per_epoch, order = len(images.label) // BATCH, torch.empty(0, dtype=torch.int64)

    def loss(step: int) -> Tensor:
        nonlocal order
        if step % per_epoch == 0:
            order = torch.randperm(len(images.label), generator=generator)
        at = order[step % per_epoch * BATCH :][:BATCH]
        moved = torch.randint(-shift, shift + 1, (2,), generator=generator).tolist()
        return F.cross_entropy(logits(images.image[at].roll(moved, (2, 3))), images.label[at])

    fit(network, loss, training)
    network.eval()


@torch.inference_mode()
def accuracy(logits: Logits, images: Images) -> float:
    """Share of images that are classified correctly."""
    right = [
        (logits(image).argmax(1) == label).sum()
        for image, label in zip(torch.split(images.image, 200), torch.split(images.label, 200), strict=True)
    ]
    return float(torch.stack(right).sum() / len(images.label))


@cache
def digit_accuracy(system: str, seed: int, *, steps: int) -> float:
    """Accuracy of a system trained on 1200 digits, on the other 597; cached, as several claims share a baseline."""
    training, test = digit_images(seed)
    network = digit_network(system, seed)
    learn(network, network, training, Training(steps, rate=3e-3), seed=seed, shift=1)
    return accuracy(network, test)


@cache
def glyph_accuracy(system: str, seed: int, *, steps: int, rate: float = 2e-3) -> float:
    """Accuracy of a system trained on pairs of glyphs, each seen once, on other pairs; cached too."""
    network = glyph_network(system, seed)
    learn(network, network, pair_images(steps * BATCH, seed), Training(steps, rate=rate), seed=seed)
    return accuracy(network, pair_images(1000, 10**6 + seed))


def resnet50(system: str) -> Residual:
    """ResNet-50 with 1000 classes, on the meta device: shapes without numbers.

    Args:
        system: ``convolution``; ``sasa``, stand-alone attention in every bottleneck; or ``bot``, global attention in
            the last three.
    """
    alone, whole = partial(_alone, heads=8), partial(_global, reach=LARGEST)
    layers: dict[str, tuple[Layer, ...]] = {
        "convolution": (convolution,) * 4,
        "sasa": (alone,) * 4,
        "bot": (convolution, convolution, convolution, whole),
    }
    with torch.device("meta"):
        stages = [
            BottleneckStage(width, depth, layer, stride=1 if width == WIDTHS[0] else 2)
            for width, depth, layer in zip(WIDTHS, DEPTHS, layers[system], strict=True)
        ]
        stem = nn.Sequential(
            *(nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False), nn.BatchNorm2d(64), nn.ReLU()),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        return Residual(stem, 64, stages, classes=1000)
