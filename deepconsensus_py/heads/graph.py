"""Graphs, of hops and of passes: every node attends along its edges, in one block used again and again.

One rule reused at every node and step answers on graphs larger than those it was trained on (Battaglia et al. 2018,
relational inductive biases, deep learning, and graph networks).
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.heads.head import Batch, Head, Spec

SYMBOLS = 5  # of a column: the gap and four bases
NO_NODE = -1e4


class Distances(nn.Module):
    """Log probabilities of whole distances from one number per node, so that none need be met in training.

    Args:
        d: width of the tokens.
        farthest: largest distance there is.
    """

    def __init__(self, d: int, *, farthest: int) -> None:
        super().__init__()
        self.place = nn.Linear(d, 1)
        self.sharpness = nn.Parameter(torch.zeros(()))
        self.register_buffer("steps", torch.arange(farthest + 1.0), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, n, d]`` to ``[B, n, farthest + 1]``."""
        apart = self.place(x) - self.steps
        logits: Tensor = -self.sharpness.exp() * apart.square()
        return logits


class GraphHead(Head):
    """The distance of every node to the source, along edges.

    Args:
        trunk: with the pattern ``Edges`` and the bias ``EdgeType``, and for all sizes of graphs one shared block.
        farthest: largest distance there is.
    """

    name = "graph"
    inputs: Mapping[str, Spec] = {
        "edges": Spec(("B", "e", 3), torch.int64, low=-1),
        "mask": Spec(("B", "n"), torch.bool),
        "source": Spec(("B",), torch.int64, low=0),
        "distance": Spec(("B", "n"), torch.int64, low=-1),
        "steps": Spec((), torch.int64, low=1),
    }

    def __init__(self, trunk: Trunk, *, farthest: int = 63) -> None:
        super().__init__(trunk)
        self.kind = nn.Embedding(2, trunk.config.d)
        self.distances = Distances(trunk.config.d, farthest=farthest)

    def tokens(self, batch: Batch) -> Tokens:
        """A token for each node: whether it is the source."""
        mask = batch["mask"]
        is_source = torch.arange(mask.shape[1], device=mask.device) == batch["source"].unsqueeze(1)
        return Tokens(self.kind(is_source.long()), mask=mask, edges=batch["edges"])

    def forward(self, batch: Batch) -> Tensor:
        """Logits ``[B, n, farthest + 1]`` of the distances, after as many steps as the batch says."""
        logits: Tensor = self.distances(self.trunk(self.tokens(batch), layers=int(batch["steps"])))
        return logits

    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        """Cross-entropy of the nodes."""
        return nn.functional.cross_entropy(out.flatten(0, 1), batch["distance"].flatten(), ignore_index=-1)

    def metrics(self, out: Tensor, batch: Batch) -> dict[str, float]:
        """``exact``: nodes whose distance is right."""
        right = out.argmax(-1) == batch["distance"]
        return {"exact": float(right[batch["mask"]].double().mean())}


class PassGraphHead(Head):
    """The true symbol of each column, from the partial-order graph of a molecule's passes.

    In every column stands a node for each symbol, the gap and the bases, that any pass has there; edges join what a
    pass has in columns next to each other. However many passes there are, the graph is as large.

    Args:
        trunk: with the pattern ``Edges`` and the bias ``EdgeType``.
    """

    name = "pass_graph"
    inputs: Mapping[str, Spec] = {
        "shares": Spec(("B", "n", 2), torch.float32, low=0, high=1),
        "mask": Spec(("B", "n"), torch.bool),
        "edges": Spec(("B", "e", 3), torch.int64, low=-1),
        "truth": Spec(("B", "columns"), torch.int64, low=0, high=SYMBOLS - 1),
    }

    def __init__(self, trunk: Trunk) -> None:
        super().__init__(trunk)
        self.symbol = nn.Embedding(SYMBOLS, trunk.config.d)
        self.support = nn.Linear(2, trunk.config.d)
        self.out = nn.Linear(trunk.config.d, 1)

    def tokens(self, batch: Batch) -> Tokens:
        """A token for each symbol of each column: what it is, and which shares of all passes have it, by strand."""
        shares = batch["shares"]
        symbols = torch.arange(shares.shape[1], device=shares.device) % SYMBOLS
        return Tokens(self.symbol(symbols) + self.support(shares), mask=batch["mask"], edges=batch["edges"])

    def forward(self, batch: Batch) -> Tensor:
        """Logits ``[B, columns, SYMBOLS]``, next to nothing for symbols that no pass has."""
        scores = self.out(self.trunk(self.tokens(batch))).squeeze(-1).masked_fill(~batch["mask"], NO_NODE)
        return torch.unflatten(scores, 1, (-1, SYMBOLS))

    def loss(self, out: Tensor, batch: Batch) -> Tensor:
        """Cross-entropy of the columns whose true symbol some pass has."""
        there = torch.unflatten(batch["mask"], 1, (-1, SYMBOLS)).gather(2, batch["truth"].unsqueeze(-1)).squeeze(-1)
        return nn.functional.cross_entropy(out[there], batch["truth"][there])

    def metrics(self, out: Tensor, batch: Batch) -> dict[str, float]:
        """``exact``: columns whose symbol is right."""
        return {"exact": float((out.argmax(-1) == batch["truth"]).double().mean())}
