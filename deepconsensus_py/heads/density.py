"""Density of images: each value told from those before it, in a fixed order of (pixel, channel) (Parmar et al. 2018).

For a pileup as an image, the surprise of a cell is a feature of its quality.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.position import Learned
from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.heads.head import Batch, Head, Spec


class DensityHead(Head):
    """Levels of an image in raster order, the channels of a pixel one after the other.

    A token has the value before its own, so that with a causal pattern no value attends to itself.

    Args:
        trunk: with a causal pattern: ``Full``, or ``BlockLocal`` over the order or over the plane.
        levels: of a value.
        shape: height, width and channels.
        plane: tokens lie at (y, x), for patterns of two axes; otherwise at their place in the order.
    """

    name = "density"
    order: Tensor

    def __init__(self, trunk: Trunk, *, levels: int, shape: tuple[int, int, int], plane: bool = False) -> None:
        super().__init__(trunk)
        d = trunk.config.d
        self.levels, self.shape, self.plane = levels, shape, plane
        self.inputs: Mapping[str, Spec] = {"levels": Spec(("B", *shape), torch.int64, low=0, high=levels - 1)}
        self.value = nn.Embedding(levels + 1, d)
        self.places = Learned(shape, d)
        for table in self.places.tables:
            nn.init.normal_(table, std=0.5)  # nearly as loud as values, or places are learned late
        self.next = nn.Linear(d, levels)
        places = torch.cartesian_prod(*(torch.arange(size) for size in shape))
        self.register_buffer("order", places.view(-1, len(shape)), persistent=False)

    def tokens(self, batch: Batch) -> Tokens:
        """A token for each value, which holds the one before; the first a mark of its own."""
        values = batch["levels"].flatten(1)
        before = nn.functional.pad(values[:, :-1], (1, 0), value=self.levels)
        return self._tokens(before, 0)

    def forward(self, batch: Batch) -> Tensor:
        """Logits ``[B, h * w * channels, levels]``."""
        logits: Tensor = self.next(self.trunk(self.tokens(batch)))
        return logits

    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        """Cross-entropy of the values, in nats."""
        return nn.functional.cross_entropy(out.flatten(0, 1), batch["levels"].flatten())

    def surprise(self, out: Tensor, batch: Batch) -> Tensor:
        """Bits of every value, in the image's shape ``[B, h, w, channels]``."""
        values = batch["levels"].flatten(1).unsqueeze(-1)
        bits = -out.log_softmax(-1).gather(-1, values).squeeze(-1) / math.log(2)
        return bits.view_as(batch["levels"])

    def metrics(self, out: Tensor, batch: Batch) -> dict[str, float]:
        """``bits``: per value."""
        return {"bits": float(self.surprise(out, batch).double().mean())}

    @torch.no_grad()
    def draw(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw so many images, ``int64[count, h, w, channels]``, value by value."""
        values = torch.full((count, 1), self.levels, device=self.next.weight.device)
        cache = self.trunk.new_cache()
        for step in range(len(self.order)):
            logits = self.next(self.trunk(self._tokens(values[:, -1:], step), cache=cache))[:, -1]
            # The largest of logits with Gumbel noise is a draw from their distribution.
            noise = torch.rand(logits.shape, generator=generator, device=logits.device).clamp(min=1e-9)
            values = torch.cat([values, (logits - (-noise.log()).log()).argmax(-1, keepdim=True)], 1)
        return values[:, 1:].view(count, *self.shape)

    def _tokens(self, before: Tensor, first: int) -> Tokens:
        places = self.order[first : first + before.shape[1]]
        index = torch.arange(first, first + before.shape[1], device=before.device).unsqueeze(1)
        return Tokens(self.value(before) + self.places(places), places[:, :2] if self.plane else index)
