"""Images to classes: a trunk on patches, of the image (ViT) or of the features of a residual network; or that alone.

The residual network's layer over pixels is a part of it: a convolution, or one of ``attention.spatial``. So stand-alone
attention, BoTNet, HaloNet and attention-augmented convolution differ from their baseline in nothing else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.position import Learned
from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.heads.head import Batch, Head, Spec

EXPANSION = 4  # channels that a bottleneck gives, per channel of its layer over pixels (He et al. 2016, table 1)


def convolution(width: int) -> nn.Module:
    """The layer over pixels of a plain residual network."""
    return nn.Conv2d(width, width, 3, padding=1, bias=False)


@dataclass(frozen=True, slots=True)
class BottleneckStage:
    """So many bottlenecks of one width, each with a layer over pixels that ``spatial`` makes for that width."""

    width: int
    depth: int
    spatial: Callable[[int], nn.Module] = convolution
    stride: int = 1  # of the first bottleneck


class Bottleneck(nn.Module):
    """Narrow, a layer over pixels, widen, and the input added: ``[B, c_in, H, W]`` to ``[B, 4 width, H', W']``."""

    def __init__(self, c_in: int, stage: BottleneckStage, *, stride: int) -> None:
        super().__init__()
        width, c_out = stage.width, stage.width * EXPANSION
        layers = [nn.Conv2d(c_in, width, 1, bias=False), _strided(stage.spatial(width), stride)]
        normed = [part for layer in layers for part in (layer, nn.BatchNorm2d(width), nn.ReLU(inplace=True))]
        self.change = nn.Sequential(*normed, nn.Conv2d(width, c_out, 1, bias=False), nn.BatchNorm2d(c_out))
        widen = nn.Conv2d(c_in, c_out, 1, stride=stride, bias=False), nn.BatchNorm2d(c_out)
        self.keep = nn.Sequential(*widen) if (c_in, 1) != (c_out, stride) else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return F.relu(self.keep(x) + self.change(x))


def _strided(layer: nn.Module, stride: int) -> nn.Module:
    """A convolution strides itself; means of neighbours are taken of what any other layer gives."""
    if isinstance(layer, nn.Conv2d):
        layer.stride = (stride, stride)
    return layer if stride == 1 or isinstance(layer, nn.Conv2d) else nn.Sequential(layer, nn.AvgPool2d(stride))


class Residual(nn.Module):
    """A stem and stages of bottlenecks; with ``classes``, a linear layer upon the mean of all pixels.

    Args:
        stem: from images to ``c_stem`` channels.
        c_stem: channels of what it gives.
        stages: one after the other.
        classes: 0 for features ``[B, channels, h, w]`` instead of logits ``[B, classes]``.
    """

    def __init__(self, stem: nn.Module, c_stem: int, stages: Sequence[BottleneckStage], *, classes: int = 0) -> None:
        super().__init__()
        self.stem, self.blocks, self.channels = stem, nn.Sequential(), c_stem
        for stage in stages:
            for block in range(stage.depth):
                self.blocks.append(Bottleneck(self.channels, stage, stride=1 if block else stage.stride))
                self.channels = stage.width * EXPANSION
        self.classify = nn.Linear(self.channels, classes) if classes else None

    def forward(self, image: Tensor) -> Tensor:
        """See the class."""
        features: Tensor = self.blocks(self.stem(image))
        return features if self.classify is None else self.classify(features.mean((2, 3)))


class Vision(Head):
    """A vision transformer (Dosovitskiy et al. 2021), or with ``features`` its hybrid.

    Args:
        trunk: fully attending, or of the presets for images.
        classes: how many.
        shape: channels, height and width of an image.
        patch: side of a patch in pixels of the image, or of the features.
        features: a network that comes first, without ``classes``; None for the image itself.
        cls: read a token of its own, which stands at no place, so not for local trunks; else the mean of all.
        positions: a learned vector for each place, for trunks without a bias by offsets.
    """

    name = "vision"

    def __init__(
        self,
        trunk: Trunk,
        *,
        classes: int,
        shape: tuple[int, int, int],
        patch: int,
        features: Residual | None = None,
        cls: bool = True,
        positions: bool = True,
    ) -> None:
        super().__init__(trunk)
        d = trunk.config.d
        self.inputs = {
            "image": Spec(("B", *shape), torch.float32),
            "label": Spec(("B",), torch.int64, 0, classes - 1),
        }
        self.features = features
        self.patches = nn.Conv2d(shape[0] if features is None else features.channels, d, patch, stride=patch)
        self.cls = nn.Parameter(torch.randn(d) * 0.02) if cls else None
        self.positions = Learned((shape[1] // patch * (shape[2] // patch),), d) if positions else None
        self.classify = nn.Linear(d, classes)

    def tokens(self, batch: Batch) -> Tokens:
        """A token for each patch, at its (y, x), and before them, at (-1, -1), that of the class."""
        image = batch["image"]
        patches = self.patches(image if self.features is None else self.features(image))
        coords = torch.cartesian_prod(*(torch.arange(side, device=image.device) for side in patches.shape[2:]))
        x = patches.flatten(2).transpose(1, 2)
        if self.positions is not None:
            x = x + self.positions(torch.arange(x.shape[1], device=x.device).unsqueeze(-1))
        if self.cls is not None:
            x = torch.cat([self.cls.expand(len(x), 1, -1), x], dim=1)
            coords = torch.cat([coords.new_full((1, 2), -1), coords])
        return Tokens(x, coords)

    def forward(self, batch: Batch) -> Tensor:
        """Logits ``[B, classes]``."""
        seen = self.trunk(self.tokens(batch))
        logits: Tensor = self.classify(seen.mean(1) if self.cls is None else seen[:, 0])
        return logits

    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        """Mean cross-entropy in nats."""
        return F.cross_entropy(out, batch["label"])

    def metrics(self, out: Tensor, batch: Batch) -> dict[str, float]:
        """Share of the images that are right."""
        return {"accuracy": float((out.argmax(-1) == batch["label"]).float().mean())}
