"""What attention over images is measured against: convolutions, and convolutions whose channels are weighed."""

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from deepconsensus_py.heads.vision import convolution


class SqueezeExcitation(nn.Module):
    """Channels multiplied by numbers that the means of all channels give (Hu et al. 2018).

    Args:
        width: channels.
        reduction: how many times narrower the layer between is.
    """

    def __init__(self, width: int, *, reduction: int = 16) -> None:
        super().__init__()
        self.squeeze, self.excite = nn.Linear(width, width // reduction), nn.Linear(width // reduction, width)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, width, H, W]`` to the same."""
        gates: Tensor = self.excite(F.relu(self.squeeze(x.mean((2, 3))))).sigmoid()
        return x * gates[:, :, None, None]


def squeeze_excited(width: int) -> nn.Module:
    """A 3x3 convolution and the weighing of its channels, for ``vision.Stage``."""
    return nn.Sequential(convolution(width), SqueezeExcitation(width))
