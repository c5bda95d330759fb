"""Where tokens are: absolute positions added to them, and terms added to the scores of pairs."""

import math
from typing import Protocol

import torch
from torch import Tensor

LONGEST_TIMESCALE = 10_000.0  # positions per radian of the slowest wave (Vaswani et al. 2017, section 3.5)


def sinusoid(positions: Tensor, d: int) -> Tensor:
    """Sinusoidal positions: the first half of the channels sines, the second half cosines of the same angles.

    Args:
        positions: integers of any shape.
        d: channels, even; timescales run geometrically from 1 to ``LONGEST_TIMESCALE``.

    Returns:
        ``float32[..., d]``, as the layer ``RelativePositionEmbedding`` of the TensorFlow model garden.
    """
    if d % 2 or d < 4:
        raise ValueError(f"sinusoidal positions need an even number of channels from 4 up, not {d}")
    steps = torch.arange(d // 2, device=positions.device, dtype=torch.float32)
    rates = torch.exp(steps * (-math.log(LONGEST_TIMESCALE) / (d // 2 - 1)))
    angles = positions.to(torch.float32).unsqueeze(-1) * rates
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


class Bias(Protocol):
    """A term added to the scores of pairs.

    Attributes:
        query_dependent: the term is a product with the query, so it is divided by the square root of the head's
            width as the scores are.
    """

    @property
    def query_dependent(self) -> bool: ...  # noqa: D102

    def scores(self, q: Tensor, coords_q: Tensor, coords_k: Tensor) -> Tensor:
        """The term, broadcastable to ``[B, h, n_q, n_k]``, from q ``[B, h, n_q, d_k]`` and integer coordinates."""
        ...


class Additive:
    """Given numbers added to the scores.

    Args:
        values: broadcastable to ``[B, h, n_q, n_k]``.
    """

    query_dependent = False

    def __init__(self, values: Tensor) -> None:
        self.values = values

    def scores(self, q: Tensor, coords_q: Tensor, coords_k: Tensor) -> Tensor:  # noqa: ARG002
        """See ``Bias``."""
        return self.values
