"""ResNet-50 of 1000 classes and what becomes of it when attention takes the place of convolutions, counted exactly.

The networks are those that the small experiments train, at full size, made on the meta device: shapes without numbers.
"""

import torch
from torch import nn

from deepconsensus_py.attention.spatial import BoT, StandAlone
from deepconsensus_py.heads.vision import Residual, Stage, convolution

WIDTHS, DEPTHS = (64, 128, 256, 512), (3, 4, 6, 3)
LARGEST = 13  # offset on the 14 x 14 pixels that the last stage of BoTNet sees of an image of 224 x 224


def resnet50(system: str) -> Residual:
    """The network of He et al. 2016, table 1, on the meta device.

    Args:
        system: ``convolution``; ``sasa``, stand-alone attention in every bottleneck; or ``bot``, global attention in
            the last three.
    """
    layers = {"convolution": (convolution,) * 4, "sasa": (_alone,) * 4, "bot": (convolution,) * 3 + (_global,)}[system]
    with torch.device("meta"):
        stages = [
            Stage(width, depth, layer, stride=1 if width == WIDTHS[0] else 2)
            for width, depth, layer in zip(WIDTHS, DEPTHS, layers, strict=True)
        ]
        stem = nn.Sequential(
            *(nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False), nn.BatchNorm2d(64), nn.ReLU()),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        return Residual(stem, 64, stages, classes=1000)


def _alone(width: int) -> nn.Module:
    return StandAlone(width, width, kernel=7, heads=8)


def _global(width: int) -> nn.Module:
    return BoT(width, width, reach=LARGEST, heads=4)
