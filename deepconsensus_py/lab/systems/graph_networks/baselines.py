"""What attention along edges is compared with: a graph network, and a Transformer that sees rows of the matrix."""

import math

import torch
from torch import Tensor, nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.heads.graph import GraphHead
from deepconsensus_py.heads.head import Batch, Spec

LARGEST_NEGATIVE = torch.finfo(torch.float32).min


class GraphNetwork(nn.Module):
    """Edges, nodes and the whole graph updated in turn by three small networks (Battaglia et al. 2018).

    It takes the batches of ``heads.graph.GraphHead`` and gives the same logits.

    Args:
        d: width of edges, nodes and the whole graph.
        out: the output layer, from ``[B, n, d]``.
    """

    def __init__(self, d: int, out: nn.Module) -> None:
        super().__init__()
        self.kind = nn.Embedding(2, d)
        self.edge_kind = nn.Embedding(2, d)
        self.edge, self.node, self.whole = _network(4 * d, d), _network(3 * d, d), _network(3 * d, d)
        self.norm = nn.LayerNorm(d)
        self.out = out

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        """Logits as those of ``GraphHead``, after ``batch["steps"]`` rounds."""
        mask, edges = batch["mask"].unsqueeze(-1), batch["edges"]
        starts, ends, kinds = edges.clamp(min=0).unbind(-1)
        real = (edges[..., 2] >= 0).unsqueeze(-1)
        nodes = self.kind((torch.arange(mask.shape[1]) == batch["source"].unsqueeze(1)).long())
        of_edges = self.edge_kind(kinds)
        whole = nodes.new_zeros(len(nodes), 1, nodes.shape[-1])
        for _ in range(int(batch["steps"])):
            beside = (_at(nodes, starts), _at(nodes, ends), whole.expand_as(of_edges))
            of_edges = self.norm(of_edges + self.edge(torch.cat([of_edges, *beside], -1)))
            met = _largest(of_edges.masked_fill(~real, LARGEST_NEGATIVE), starts, nodes)
            nodes = self.norm(nodes + self.node(torch.cat([nodes, met, whole.expand_as(nodes)], -1)))
            means = (_mean(of_edges, real), _mean(nodes, mask))
            whole = self.norm(whole + self.whole(torch.cat([whole, *means], -1)))
        logits: Tensor = self.out(nodes)
        return logits


def _network(inputs: int, d: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, d), nn.ReLU(), nn.Linear(d, d))


def _at(nodes: Tensor, index: Tensor) -> Tensor:
    return nodes.gather(1, index.unsqueeze(-1).expand(-1, -1, nodes.shape[-1]))


def _largest(of_edges: Tensor, starts: Tensor, nodes: Tensor) -> Tensor:
    index = starts.unsqueeze(-1).expand_as(of_edges)
    found = torch.full_like(nodes, LARGEST_NEGATIVE).scatter_reduce(1, index, of_edges, "amax")
    return found.masked_fill(found == LARGEST_NEGATIVE, 0.0)


def _mean(x: Tensor, real: Tensor) -> Tensor:
    return (x * real).sum(1, keepdim=True) / real.sum(1, keepdim=True)


class RowsHead(GraphHead):
    """A graph without its structure: each node is given its row of the adjacency matrix as numbers.

    Args:
        trunk: with any pattern that needs no edges.
        names: columns of the matrix, at least as many as a graph has nodes; the batch assigns them to nodes.
        farthest: largest possible distance.
    """

    def __init__(self, trunk: Trunk, *, names: int = 64, farthest: int = 63) -> None:
        super().__init__(trunk, farthest=farthest)
        self.inputs = {**self.inputs, "names": Spec(("B", "n"), torch.int64, low=0, high=names - 1)}
        self.neighbours = nn.Linear(names, trunk.config.d)
        self.own = nn.Embedding(names, trunk.config.d)
        nn.init.normal_(self.neighbours.weight, std=1 / math.sqrt(names))

    def tokens(self, batch: Batch) -> Tokens:
        """A token for each node: whether it is the source, its name, and those of its neighbours."""
        given, names = super().tokens(batch), batch["names"]
        starts, ends, kinds = batch["edges"].unbind(-1)
        item = torch.arange(len(names), device=names.device).unsqueeze(1)
        rows = given.x.new_zeros(*names.shape, self.neighbours.in_features)
        joined = (kinds > 0).to(rows.dtype)
        rows.index_put_((item, starts.clamp(min=0), names.gather(1, ends.clamp(min=0))), joined, accumulate=True)
        return Tokens(given.x + self.neighbours(rows) + self.own(names), mask=given.mask)
