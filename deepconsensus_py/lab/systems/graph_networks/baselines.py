"""What attention along edges is compared with: a graph network, and a Transformer that sees rows of the matrix."""

import math

import torch
from torch import Tensor, nn

from deepconsensus_py.attention import core
from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.patterns import Edges
from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.heads.graph import GraphHead
from deepconsensus_py.heads.head import Batch, Spec


class GraphNetwork(nn.Module):
    """Edges, nodes and the whole graph updated in turn by three small networks (Battaglia et al. 2018).

    A node collects its edges by attention along the pattern ``Edges``, in which edges are the keys. It takes the
    batches of ``heads.graph.GraphHead``, with a ``target`` too if there is one, and gives the same logits.

    Args:
        d: width of edges, nodes and the whole graph.
        out: the output layer, from ``[B, n, d]``.
    """

    def __init__(self, d: int, out: nn.Module) -> None:
        super().__init__()
        self.kind, self.aim = nn.Embedding(2, d), nn.Embedding(2, d)
        self.edge_kind = nn.Embedding(2, d)
        self.edge, self.node, self.whole = _network(4 * d, d), _network(3 * d, d), _network(3 * d, d)
        self.asked, self.key = nn.Linear(d, d), nn.Linear(d, d)
        self.norm = nn.LayerNorm(d)
        self.out = out

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        """Logits as those of ``GraphHead``, after ``batch["steps"]`` rounds."""
        mask, edges = batch["mask"].unsqueeze(-1), batch["edges"]
        starts, ends, kinds = edges.clamp(min=0).unbind(-1)
        real = (edges[..., 2] >= 0).unsqueeze(-1)
        owned = _owned(edges)
        nodes = self.kind(is_at(batch["source"], mask))
        if "target" in batch:
            nodes = nodes + self.aim(is_at(batch["target"], mask))
        of_edges = self.edge_kind(kinds)
        whole = nodes.new_zeros(len(nodes), 1, nodes.shape[-1])
        for _ in range(int(batch["steps"])):
            beside = (_at(nodes, starts), _at(nodes, ends), whole.expand_as(of_edges))
            of_edges = self.norm(of_edges + self.edge(torch.cat([of_edges, *beside], -1)))
            parts = (part.unsqueeze(1) for part in (self.asked(nodes), self.key(of_edges), of_edges))
            met = core.attend(*parts, pattern=Edges(), edges=owned).squeeze(1)
            nodes = self.norm(nodes + self.node(torch.cat([nodes, met, whole.expand_as(nodes)], -1)))
            means = (_mean(of_edges, real), _mean(nodes, mask))
            whole = self.norm(whole + self.whole(torch.cat([whole, *means], -1)))
        logits: Tensor = self.out(nodes)
        return logits


def is_at(place: Tensor, mask: Tensor) -> Tensor:
    """``int64[B, n]``: 1 at the node ``int64[B]`` of each graph, of as many nodes as the mask ``[B, n, 1]`` has."""
    return (torch.arange(mask.shape[1], device=place.device) == place.unsqueeze(1)).long()


def _owned(edges: Tensor) -> Tensor:
    """Rows (node, edge, 0): each edge belongs to the node that it starts from; -1 for padding."""
    place = torch.arange(edges.shape[1], device=edges.device).expand(edges.shape[:2])
    rows = torch.stack([edges[..., 0], place, torch.zeros_like(place)], -1)
    return torch.where(edges[..., 2:] >= 0, rows, -1)


def _network(inputs: int, d: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, d), nn.ReLU(), nn.Linear(d, d))


def _at(nodes: Tensor, index: Tensor) -> Tensor:
    return nodes.gather(1, index.unsqueeze(-1).expand(-1, -1, nodes.shape[-1]))


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
