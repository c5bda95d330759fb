"""Hop distances in graphs: every node attends along its edges, in one block used again and again.

One rule reused at every node and step answers on graphs larger than those it was trained on (Battaglia et al. 2018,
relational inductive biases, deep learning, and graph networks).
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.heads.head import Batch, Head, Spec


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


class RowsHead(GraphHead):
    """The same without the graph as structure: a node is given its row of the adjacency matrix as numbers.

    Args:
        trunk: with any pattern that needs no edges.
        names: columns of that matrix, at least as many as a graph has nodes; the batch says which node has which.
        farthest: largest distance there is.
    """

    def __init__(self, trunk: Trunk, *, names: int = 64, farthest: int = 63) -> None:
        super().__init__(trunk, farthest=farthest)
        self.inputs = {**self.inputs, "names": Spec(("B", "n"), torch.int64, low=0, high=names - 1)}
        self.neighbours = nn.Linear(names, trunk.config.d)
        self.own = nn.Embedding(names, trunk.config.d)
        nn.init.normal_(self.neighbours.weight, std=1 / math.sqrt(names))

    def tokens(self, batch: Batch) -> Tokens:
        """A token for each node: whether it is the source, its name and those of its neighbours."""
        given, names = super().tokens(batch), batch["names"]
        starts, ends, kinds = batch["edges"].unbind(-1)
        item = torch.arange(len(names), device=names.device).unsqueeze(1)
        rows = given.x.new_zeros(*names.shape, self.neighbours.in_features)
        joined = (kinds > 0).to(rows.dtype)
        rows.index_put_((item, starts.clamp(min=0), names.gather(1, ends.clamp(min=0))), joined, accumulate=True)
        return Tokens(given.x + self.neighbours(rows) + self.own(names), mask=given.mask)
