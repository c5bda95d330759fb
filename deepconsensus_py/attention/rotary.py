"""Rotary positions: queries and keys turned by angles in proportion to their coordinates."""

import torch
from torch import Tensor

LONGEST_TURN = 10_000.0  # places per radian of the slowest pair of channels (Su et al. 2021, section 3.2.2)


class Rotary:
    """Turn pairs of channels, so that products of queries and keys depend on their offsets alone (Su et al. 2021).

    Axes of the coordinates share the channels equally. Channel i of an axis is turned with channel i + half of the
    axis's, as in GPT-NeoX. It has no weights, and what it turns can be kept in a cache.

    Args:
        d: width of a head.
        longest: places per radian of the slowest pair.
    """

    def __init__(self, d: int, longest: float = LONGEST_TURN) -> None:
        if d % 2:
            raise ValueError(f"rotary positions turn pairs of channels; a head has {d}")
        self.d, self.longest = d, longest

    def __call__(self, x: Tensor, coords: Tensor | None = None) -> Tensor:
        """Turn queries or keys.

        Args:
            x: ``[B, h, n, d]``.
            coords: ``int64[n, dims]`` or ``int64[B, n, dims]``; None counts the tokens.

        Raises:
            ValueError: the axes cannot share the channels.
        """
        if coords is None:
            coords = torch.arange(x.shape[-2], device=x.device).unsqueeze(-1)
        axes, width = coords.shape[-1], x.shape[-1]
        if width != self.d or width % (2 * axes):
            raise ValueError(f"{axes} axes cannot share the pairs of {width} channels of a head of {self.d}")
        pairs = width // axes // 2
        rates = self.longest ** -(torch.arange(pairs, device=x.device, dtype=torch.float32) / pairs)
        angles = coords.to(torch.float32).unsqueeze(-1) * rates
        angles = angles if coords.dim() == 2 else angles.unsqueeze(1)
        cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        first, second = torch.unflatten(x, -1, (axes, 2, pairs)).unbind(-2)
        return torch.stack([first * cos - second * sin, second * cos + first * sin], dim=-2).flatten(-3)
