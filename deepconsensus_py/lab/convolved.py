"""A stack of convolutions where a head expects a trunk: the same embeddings and outputs, no attention."""

import torch
from torch import Tensor, nn

from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.attention.cost import LayerCost
from deepconsensus_py.attention.tokens import Tokens

KERNEL = 7
"""Tokens that a convolution sees."""


class Layer(nn.Module):
    """A normed convolution and a linear layer, added to their input: ``[B, n, d]`` to the same."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.norm, self.convolve = nn.LayerNorm(d), nn.Conv1d(d, d, KERNEL, padding=KERNEL // 2)
        self.mix = nn.Linear(d, d)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        seen = self.convolve(self.norm(x).transpose(1, 2)).transpose(1, 2)
        mixed: Tensor = self.mix(torch.relu(seen))
        return x + mixed


class Convolutions(nn.Module):
    """As many layers as a trunk has, and a last layer norm.

    Args:
        config: of the trunk that it stands for; at an inner width of twice ``d`` it has as many weights.
    """

    def __init__(self, config: TrunkConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.Sequential(*(Layer(config.d) for _ in range(config.layers)), nn.LayerNorm(config.d))

    def forward(self, tokens: Tokens) -> Tensor:
        """``[B, n, d]``, as a trunk's."""
        seen: Tensor = self.layers(tokens.x)
        return seen

    def costs(self, n: int) -> list[LayerCost]:
        """Of each layer, over so many tokens."""
        return [LayerCost(n, 0, 2 * (KERNEL + 1) * self.config.d**2, 0, 0)] * self.config.layers
