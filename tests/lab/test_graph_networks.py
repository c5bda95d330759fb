"""What attention along edges is compared with does what it is said to do."""

import networkx as nx
import torch
from torch import Tensor

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.heads.graph import Distances, GraphHead
from deepconsensus_py.heads.head import check_batch
from deepconsensus_py.lab.systems.graph_networks.baselines import GraphNetwork, RowsHead
from deepconsensus_py.lab.systems.graph_networks.claim import graph_batch
from deepconsensus_py.lab.systems.graph_networks.hop_graphs import hop_graphs


def one_path(n: int, *, cut: bool) -> dict[str, Tensor]:
    """A path of n nodes from node 0, with its loops; ``cut`` takes the last edge away."""
    forth = [(i, i + 1, 1) for i in range(n - 1 - cut)]
    edges = [(i, i, 0) for i in range(n)] + forth + [(j, i, 1) for i, j, _ in forth]
    return {
        "edges": torch.tensor([edges]),
        "mask": torch.ones(1, n, dtype=torch.bool),
        "source": torch.tensor([0]),
        "distance": torch.arange(n).unsqueeze(0),
        "steps": torch.tensor(n),
    }


@torch.no_grad()
def test_a_graph_network_hears_along_edges_in_the_first_round() -> None:
    torch.manual_seed(0)
    network = GraphNetwork(16, Distances(16, farthest=9)).eval()
    given = {"source": torch.tensor([5]), "steps": torch.tensor(1)}
    whole, cut = (network({**one_path(6, cut=cut), **given})[0] for cut in (False, True))
    differs = ((whole - cut).abs() > 1e-4).any(-1)
    assert differs[4]
    assert not differs[:4].any()


@torch.no_grad()
def test_rows_are_those_of_the_adjacency_matrix() -> None:
    head = RowsHead(Trunk(TrunkConfig(1, 16, 2, 16, preset("full"), position="none")), names=12)
    given = graph_batch(hop_graphs(4, nodes=(6, 9), seed=2), 3)
    count, n = given["mask"].shape
    names = torch.rand(count, 12, generator=torch.Generator().manual_seed(0)).argsort(1)[:, :n]
    given["names"] = names
    check_batch(head, given)
    rows = head.tokens(given).x - GraphHead.tokens(head, given).x - head.own(names) - head.neighbours.bias
    for item in range(count):
        graph = nx.Graph([(a, b) for a, b, kind in given["edges"][item].tolist() if kind > 0])
        for node in range(n):
            beside = list(graph.neighbors(node)) if node in graph else []
            wanted = head.neighbours.weight[:, names[item, beside]].sum(1)
            torch.testing.assert_close(rows[item, node], wanted)
