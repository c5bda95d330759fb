"""A graph without its structure: rows of the adjacency matrix, for any Transformer."""

import math

import torch
from torch import nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.heads.graph import GraphHead
from deepconsensus_py.heads.head import Batch, Spec


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
