"""Three heads on one trunk over scenes of two objects: which objects, where, and which pixels."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.config import AttentionConfig, BiasConfig, TrunkConfig
from deepconsensus_py.attention.cost import LayerCost
from deepconsensus_py.attention.patterns import Full
from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.lab.scenes import COLOURS, PLACES, QUADRANT, SHAPES, SIZE, Scenes

PATCH = 2
"""Pixels along each side of a token."""

SIDE = SIZE // PATCH
"""Tokens along each side of an image."""

TRUNK = TrunkConfig(
    layers=3,
    d=64,
    heads=4,
    ff=128,
    attention=(AttentionConfig(Full(), bias=BiasConfig("rel2d", (SIDE - 1, SIDE - 1))),),
    norm="layer",
    position="none",
)

KINDS = len(COLOURS) * len(SHAPES)
"""Colours times shapes."""

EMPTY = KINDS
"""The kind of a quadrant without an object."""

EDGES = QUADRANT + 1
"""Pixels of a quadrant at which a box can begin or end."""

RECOGNITION, DETECTION, SEGMENTATION = "recognition", "detection", "segmentation"


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Scenes with what the three heads are to say.

    Attributes:
        image: ``float32[count, 3, 16, 16]``.
        kind: ``int64[count, 4]``, the kind of object in each quadrant, ``EMPTY`` if there is none.
        box: ``int64[count, 4, 4]``: (top, left, bottom, right) within its quadrant; -1 if there is no object.
        mask: ``int64[count, 16, 16]``: 0 for the background, 1 + shape on an object.
    """

    image: Tensor
    kind: Tensor
    box: Tensor
    mask: Tensor

    def take(self, rows: Tensor) -> "Labelled":
        """Some of the scenes."""
        return Labelled(self.image[rows], self.kind[rows], self.box[rows], self.mask[rows])


def labelled(drawn: Scenes) -> Labelled:
    """What the heads are to say of scenes."""
    count, rows = len(drawn.image), np.arange(len(drawn.image))[:, None]
    kind, box = np.full((count, len(PLACES)), EMPTY), np.full((count, len(PLACES), 4), -1)
    place = drawn.objects[..., 2]
    kind[rows, place] = drawn.objects[..., 0] * len(SHAPES) + drawn.objects[..., 1]
    corner = QUADRANT * np.stack(np.divmod(place, 2), axis=-1)
    box[rows, place] = drawn.box - np.concatenate([corner, corner], axis=-1)
    return Labelled(*(torch.from_numpy(of) for of in (drawn.image, kind, box, drawn.mask)))


class ConvolutionLayer(nn.Module):
    """A normalised 3x3 convolution and a linear layer, added to their input: ``[B, n, d]`` to the same."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.norm, self.convolve = nn.LayerNorm(d), nn.Conv2d(d, d, 3, padding=1)
        self.mix = nn.Linear(d, d)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        plane = self.norm(x).transpose(1, 2).unflatten(2, (SIDE, SIDE))
        mixed: Tensor = self.mix(torch.relu(self.convolve(plane)).flatten(2).transpose(1, 2))
        return x + mixed


class Convolutions(nn.Module):
    """A stack of convolutions in place of a trunk, one for each of its layers, and a final layer norm."""

    def __init__(self, config: TrunkConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.Sequential(*(ConvolutionLayer(config.d) for _ in range(config.layers)), nn.LayerNorm(config.d))

    def forward(self, tokens: Tokens) -> Tensor:
        """``[B, n, d]``, as a trunk's."""
        seen: Tensor = self.layers(tokens.x)
        return seen

    def costs(self) -> list[LayerCost]:
        """Of each layer."""
        return [LayerCost(SIDE**2, 0, 2 * 10 * self.config.d**2, 0, 0)] * self.config.layers


class ThreeHeads(nn.Module):
    """Patches, a trunk or what stands in its place, and the three heads.

    Args:
        trunk: over ``SIDE`` by ``SIDE`` tokens.
    """

    def __init__(self, trunk: Trunk | Convolutions) -> None:
        super().__init__()
        self.trunk, d = trunk, trunk.config.d
        self.patches = nn.Conv2d(3, d, PATCH, stride=PATCH)
        self.recognise = nn.Linear(d, KINDS + 1)
        self.detect = nn.Linear(d * (SIDE // 2) ** 2, 4 * EDGES)
        self.segment = nn.Linear(d, PATCH**2 * (1 + len(SHAPES)))

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """The logits of each head.

        Returns:
            ``recognition`` ``[B, 4, KINDS + 1]`` and ``detection`` ``[B, 4, 4, EDGES]``, by quadrant;
            ``segmentation`` ``[B, 16, 16, 1 + shapes]``.
        """
        places = torch.cartesian_prod(torch.arange(SIDE), torch.arange(SIDE))
        seen = self.trunk(Tokens(self.patches(image).flatten(2).transpose(1, 2), places))
        half = SIDE // 2
        quadrants = seen.view(len(seen), 2, half, 2, half, -1).transpose(2, 3).flatten(1, 2).flatten(2, 3)
        pixels = self.segment(seen).view(len(seen), SIDE, SIDE, PATCH, PATCH, -1).transpose(2, 3)
        return {
            RECOGNITION: self.recognise(quadrants.mean(2)),
            DETECTION: self.detect(quadrants.flatten(2)).unflatten(-1, (4, EDGES)),
            SEGMENTATION: pixels.reshape(len(seen), SIZE, SIZE, -1),
        }


def loss(out: dict[str, Tensor], scenes: Labelled) -> Tensor:
    """The sum of the three mean cross-entropies, in nats."""
    return (
        F.cross_entropy(out[RECOGNITION].flatten(0, 1), scenes.kind.flatten())
        + F.cross_entropy(out[DETECTION].flatten(0, 2), scenes.box.flatten(), ignore_index=-1)
        + F.cross_entropy(out[SEGMENTATION].flatten(0, 2), scenes.mask.flatten())
    )


def answers(out: dict[str, Tensor]) -> dict[str, Tensor]:
    """The likeliest kinds ``[B, 4]``, boxes ``[B, 4, 4]`` and masks ``[B, 16, 16]``."""
    return {head: logits.argmax(-1) for head, logits in out.items()}


def scores(said: dict[str, Tensor], scenes: Labelled) -> dict[str, Tensor]:
    """How right answers are, of each scene, ``float64[count]``.

    Returns:
        ``recognition``: share of the four quadrants whose object, or lack of one, is right; ``detection``: intersection
        over union of the boxes, mean of the two objects; ``segmentation``: of the pixels of objects, share whose shape
        is right, over the union of true and called ones.
    """
    there = scenes.kind != EMPTY
    called, true = said[SEGMENTATION] > 0, scenes.mask > 0
    right = (said[SEGMENTATION] == scenes.mask) & true
    return {
        RECOGNITION: (said[RECOGNITION] == scenes.kind).double().mean(1),
        DETECTION: (overlap(said[DETECTION], scenes.box) * there).sum(1) / there.sum(1),
        SEGMENTATION: right.sum((1, 2)).double() / (called | true).sum((1, 2)).clamp(min=1),
    }


def overlap(one: Tensor, other: Tensor) -> Tensor:
    """Intersection over union of boxes ``int64[..., 4]``; 0 for those that are empty or turned round."""
    inner = torch.cat([torch.maximum(one, other)[..., :2], torch.minimum(one, other)[..., 2:]], -1)
    shared, areas = _area(inner), _area(one) + _area(other)
    return shared.double() / (areas - shared).clamp(min=1)


def _area(box: Tensor) -> Tensor:
    height, width = (box[..., 2:] - box[..., :2]).clamp(min=0).unbind(-1)
    return height * width
