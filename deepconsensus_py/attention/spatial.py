"""Attention over the pixels of an image, instead of or next to a convolution."""

import torch
from torch import Tensor, nn

from deepconsensus_py.attention import core
from deepconsensus_py.attention.patterns import BlockLocal, Full
from deepconsensus_py.attention.relative import Halves, Rel2D, Relative


class PixelAttention(nn.Module):
    """Attention among pixels, ``[B, c_in, H, W]`` to ``[B, c_out, H, W]``; none of its weights is bound to a size.

    ``pattern`` and ``bias`` go by (y, x); ``d_k`` is the width of the queries of all heads, 0 for ``c_out``.
    """

    stride = 1  # only every so many pixels of a row and of a column ask, and have a result

    def __init__(
        self, c_in: int, c_out: int, *, heads: int, pattern: Full | BlockLocal, bias: Relative, d_k: int = 0
    ) -> None:
        super().__init__()
        self.heads, self.pattern, self.bias = heads, pattern, bias
        self.query, self.key, self.value = (nn.Linear(c_in, d or c_out, bias=False) for d in (d_k, d_k, c_out))

    def forward(self, x: Tensor) -> Tensor:
        """``[B, c_in, H, W]`` to ``[B, c_out, H / stride, W / stride]``."""
        sides, asking = x.shape[2:], x[..., :: self.stride, :: self.stride]
        on = [[torch.arange(0, side, step, device=x.device) for side in sides] for step in (self.stride, 1)]
        asked, places = (torch.cartesian_prod(*axes) for axes in on)
        q, k, v = self._split(self.query, asking), self._split(self.key, x), self._split(self.value, x)
        mixed = core.attend(q, k, v, pattern=self.pattern, bias=self.bias, coords_q=asked, coords_k=places)
        return mixed.transpose(2, 3).reshape(len(x), -1, *asking.shape[2:])

    def _split(self, projection: nn.Module, x: Tensor) -> Tensor:
        return torch.unflatten(projection(x.flatten(2).transpose(1, 2)), -1, (self.heads, -1)).transpose(1, 2)


class StandAlone(PixelAttention):
    """Each pixel among its ``kernel x kernel`` neighbours: 3 d^2 weights and tables (Ramachandran et al. 2019)."""

    def __init__(self, c_in: int, c_out: int, *, kernel: int = 7, heads: int = 8) -> None:
        reach = kernel // 2
        bias = Halves(c_out // heads, (reach, reach), heads=heads)
        super().__init__(c_in, c_out, heads=heads, pattern=BlockLocal((1, 1), reach), bias=bias)


class BoT(PixelAttention):
    """Each pixel among all, offsets beyond ``reach`` as that offset (Srinivas et al. 2021)."""

    def __init__(self, c_in: int, c_out: int, *, reach: int, heads: int = 4, d_k: int = 0) -> None:
        bias = Rel2D((d_k or c_out) // heads, (reach, reach))
        super().__init__(c_in, c_out, heads=heads, pattern=Full(), bias=bias, d_k=d_k)


class Halo(PixelAttention):
    """The pixels of a block among its own and those around it, ``around = (block, halo)`` (Vaswani et al. 2021)."""

    def __init__(self, c_in: int, c_out: int, *, around: tuple[int, int], heads: int = 8, stride: int = 1) -> None:
        (block, halo), reach = around, sum(around) - 1
        bias = Rel2D(c_out // heads, (reach, reach))
        super().__init__(c_in, c_out, heads=heads, pattern=BlockLocal((block, block), halo), bias=bias)
        self.stride = stride


class AAConv(nn.Module):
    """A convolution whose last ``d_v`` channels are attention among all pixels instead (Bello et al. 2019)."""

    def __init__(self, c_in: int, c_out: int, *, d_k: int, d_v: int, reach: int, heads: int = 4) -> None:
        super().__init__()
        self.parts = nn.ModuleList()
        if d_v < c_out:
            self.parts.append(nn.Conv2d(c_in, c_out - d_v, 3, padding=1, bias=False))
        if d_v:
            attention = BoT(c_in, d_v, reach=reach, heads=heads, d_k=d_k)
            self.parts.append(nn.Sequential(attention, nn.Conv2d(d_v, d_v, 1, bias=False)))

    def forward(self, x: Tensor) -> Tensor:
        """``[B, c_in, H, W]`` to ``[B, c_out, H, W]``."""
        return torch.cat([part(x) for part in self.parts], dim=1)
