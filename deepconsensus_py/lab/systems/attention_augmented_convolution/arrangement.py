"""Four glyphs, two of each of two kinds, in the corners of a rectangle: are the rows equal, or crossed?

``A A / B B`` and ``A B / B A`` hold the same glyphs; only where they stand differs. A network that sees less than two
glyphs at once, and means or attends over all places without regard to where they are, gives both images the same
logits whatever its weights: each place sees the same as some place of the other image, as glyphs are further apart than
its field, and further from the border. Channel gates are computed from such means, and change nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor, nn

from deepconsensus_py.attention.spatial import AAConv
from deepconsensus_py.heads.vision import BottleneckStage, Residual, convolution
from deepconsensus_py.lab.fit import Training, fit
from deepconsensus_py.lab.glyphs import GLYPH, PATTERNS
from deepconsensus_py.lab.images import BATCH, squeeze_excited

CELLS = 10
"""Cells of an image along each axis, of ``GLYPH`` pixels; a glyph fills one."""

APART, BORDER = 3, 2
"""Fewest cells from one glyph to another, and from the first cell of an axis: out of reach of 3x3 cells."""

WIDE = 11
"""Cells, height and width of the wide convolution: from any glyph to any other, in all directions."""


@dataclass(frozen=True, slots=True, eq=False)
class Arrangements:
    """The same glyphs in both arrangements: ``float32[count, 1, CELLS * GLYPH, CELLS * GLYPH]``, ink 1, paper 0."""

    equal: Tensor
    crossed: Tensor


def arrangements(count: int, *, seed: int) -> Arrangements:
    """Draw pairs of images with the same glyphs at the same four places.

    Args:
        count: pairs.
        seed: of the random generator.
    """
    generator = np.random.default_rng(seed)
    rows, columns = _axis(count, generator), _axis(count, generator)
    first = generator.integers(len(PATTERNS), size=count)
    other = (first + generator.integers(1, len(PATTERNS), size=count)) % len(PATTERNS)
    kinds = np.stack([first, other], axis=1)
    equal, crossed = (_stamped(kinds[:, grid], rows, columns) for grid in ([[0, 0], [1, 1]], [[0, 1], [1, 0]]))
    return Arrangements(equal, crossed)


def _axis(count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Two cells of an axis, ``int64[count, 2]``, far enough apart and from the border."""
    inner = range(BORDER, CELLS - BORDER)
    pairs = np.array([(low, high) for low in inner for high in inner if high - low >= APART])
    return pairs[generator.integers(len(pairs), size=count)]


def _stamped(kinds: NDArray[np.int64], rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Tensor:
    count = len(kinds)
    image = np.zeros((count, CELLS, CELLS, GLYPH, GLYPH), dtype=np.float32)
    image[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None]] = PATTERNS[kinds]
    side = CELLS * GLYPH
    return torch.from_numpy(image.transpose(0, 1, 3, 2, 4).reshape(count, 1, side, side).copy())


def _augmented(width: int, reach: int) -> nn.Module:
    return AAConv(width, width, d_k=width * 7 // 4, d_v=width // 2, reach=reach, heads=8)


SPATIAL: dict[str, tuple[int, Callable[[int], nn.Module]]] = {
    "convolution": (64, convolution),
    "squeeze-excitation": (64, squeeze_excited),
    # Of a single vector for all offsets, softmax takes no notice.
    "augmented, without relative terms": (64, lambda width: _augmented(width, 0)),
    "augmented": (64, lambda width: _augmented(width, CELLS - 1)),
    "wide convolution": (24, lambda width: nn.Conv2d(width, width, WIDE, padding=WIDE // 2, bias=False)),
}
"""Width of a network and its layer over cells; the width of the wide convolution makes it no larger than the others."""

BLIND = tuple(SPATIAL)[:3]
"""Those that cannot tell the arrangements apart."""

SEEING = tuple(SPATIAL)[3:]


def arrangement_network(system: str, seed: int) -> Residual:
    """A layer that sees each cell by itself, and one bottleneck; two classes: equal, and crossed."""
    torch.manual_seed(seed)
    width, layer = SPATIAL[system]
    stem = nn.Sequential(
        *(nn.Conv2d(1, width, GLYPH, stride=GLYPH, bias=False), nn.BatchNorm2d(width), nn.ReLU()),
        *(nn.Conv2d(width, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()),
    )
    return Residual(stem, width, [BottleneckStage(width, 1, layer)], classes=2)


def arranged_accuracy(system: str, seed: int, *, steps: int, rate: float) -> float:
    """Accuracy of a system trained on ``BATCH`` images a step, each seen once, on other ones."""
    network = arrangement_network(system, seed)
    labels = torch.tensor([0, 1]).repeat_interleave(BATCH // 2)

    def loss(step: int) -> Tensor:
        drawn = arrangements(BATCH // 2, seed=10**6 * seed + step)
        return F.cross_entropy(network(torch.cat([drawn.equal, drawn.crossed])), labels)

    fit(network, loss, Training(steps, rate=rate))
    network.eval()
    test = arrangements(500, seed=10**9 + seed)
    with torch.inference_mode():
        right = [network(test.equal).argmax(1) == 0, network(test.crossed).argmax(1) == 1]
    return float(torch.cat(right).float().mean())


@torch.inference_mode()
def told_apart(system: str) -> float:
    """Largest difference of logits between both arrangements over the largest logit, random weights, 64 bits."""
    network = arrangement_network(system, 0).double().eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values in (module.weight, module.bias, module.running_mean):
                assert values is not None
                values.normal_()
    drawn = arrangements(64, seed=0)
    equal, crossed = network(drawn.equal.double()), network(drawn.crossed.double())
    return float((equal - crossed).abs().max() / equal.abs().max())
