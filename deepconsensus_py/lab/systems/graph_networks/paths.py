"""Which nodes lie on a shortest path from a source to a target: a rule that has to hear from both ends."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.heads.graph import GraphHead
from deepconsensus_py.heads.head import Batch, Spec
from deepconsensus_py.lab.systems.graph_networks.baselines import RowsHead, is_at
from deepconsensus_py.lab.systems.graph_networks.hop_graphs import HopGraphs, hop_distances, hop_graphs

UNJUDGED = -1
"""The mark of padding."""


@dataclass(frozen=True, slots=True, eq=False)
class PathGraphs:
    """Graphs with a source and a target.

    Attributes:
        graphs: the graphs, and the sources.
        target: ``int64[count]``, another node than the source.
        marked: ``int64[count, n]``: 1 on a shortest path from one to the other, both included, 0 elsewhere.
        length: ``int64[count]``, edges of such a path.
    """

    graphs: HopGraphs
    target: NDArray[np.int64]
    marked: NDArray[np.int64]
    length: NDArray[np.int64]


def path_graphs(count: int, *, nodes: tuple[int, int], seed: int) -> PathGraphs:
    """Draw graphs as ``hop_graphs`` does, of two nodes at least, each with a target."""
    graphs, generator = hop_graphs(count, nodes=nodes, seed=seed), np.random.default_rng([seed, 1])
    rank = generator.random(graphs.mask.shape)
    rank[~graphs.mask] = -1
    rank[np.arange(count), graphs.source] = -1
    target: NDArray[np.int64] = rank.argmax(1)
    length = graphs.distance[np.arange(count), target]
    on_path = graphs.distance + hop_distances(graphs.adjacency, target) == length[:, None]
    return PathGraphs(graphs, target, np.where(graphs.mask, on_path, UNJUDGED).astype(np.int64), length)


class PathHead(GraphHead):
    """Whether each node lies on a shortest path.

    Args:
        trunk: see ``GraphHead``.
    """

    def __init__(self, trunk: Trunk) -> None:
        super().__init__(trunk)
        del self.distances
        self.inputs = {**self.inputs, "target": Spec(("B",), torch.int64, low=0)}
        self.aim = nn.Embedding(2, trunk.config.d)
        self.mark = nn.Linear(trunk.config.d, 2)

    def tokens(self, batch: Batch) -> Tokens:
        """Those of ``GraphHead``, which also know whether they are the target."""
        given = super().tokens(batch)
        aim = self.aim(is_at(batch["target"], batch["mask"].unsqueeze(-1)))
        return Tokens(given.x + aim, mask=given.mask, edges=given.edges)

    def forward(self, batch: Batch) -> Tensor:
        """Logits ``[B, n, 2]``, after as many steps as the batch says."""
        logits: Tensor = self.mark(self.trunk(self.tokens(batch), layers=int(batch["steps"])))
        return logits


class PathRowsHead(PathHead, RowsHead):
    """The same without edges: each node is given its row of the adjacency matrix."""


def path_batch(paths: PathGraphs, rounds: int) -> dict[str, Tensor]:
    """Graphs as a batch for all systems, with the number of rounds."""
    graphs = paths.graphs
    batch = {name: torch.from_numpy(getattr(graphs, name)) for name in ("edges", "mask", "source")}
    names = torch.arange(graphs.mask.shape[1]).expand(graphs.mask.shape)
    ends = {"target": torch.from_numpy(paths.target), "names": names}
    return batch | ends | {"steps": torch.tensor(rounds)}


def there_and_back(paths: PathGraphs) -> int:
    """Rounds in which every node on a path can hear from both ends that it is on one, and one more."""
    return 2 * int(paths.length.max()) + 1


def path_loss(logits: Tensor, paths: PathGraphs) -> Tensor:
    """Mean cross-entropy of the nodes."""
    marked = torch.from_numpy(paths.marked).flatten()
    return nn.functional.cross_entropy(logits.flatten(0, 1), marked, ignore_index=UNJUDGED)


def path_scores(logits: Tensor, paths: PathGraphs) -> tuple[float, float]:
    """F1 of the marked nodes, and the share of graphs with every node right."""
    called, true = logits.argmax(-1).numpy(), paths.marked
    judged = true != UNJUDGED
    hits = ((called == 1) & (true == 1)).sum()
    f1 = 2 * hits / max(1, ((called == 1) & judged).sum() + (true == 1).sum())
    return float(f1), float(((called == true) | ~judged).all(1).mean())
