"""Marked nodes are those of all shortest paths, and scores are what they are called."""

import networkx as nx
import torch

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.heads.head import check_batch
from deepconsensus_py.lab.systems.graph_networks.baselines import GraphNetwork
from deepconsensus_py.lab.systems.graph_networks.paths import (
    PathHead,
    PathRowsHead,
    path_batch,
    path_graphs,
    path_scores,
    there_and_back,
)


def test_marked_nodes_are_those_of_all_shortest_paths() -> None:
    paths = path_graphs(30, nodes=(2, 12), seed=4)
    for item in range(30):
        n = int(paths.graphs.mask[item].sum())
        graph = nx.from_numpy_array(paths.graphs.adjacency[item, :n, :n])
        source, target = int(paths.graphs.source[item]), int(paths.target[item])
        assert source != target
        on_path = {node for path in nx.all_shortest_paths(graph, source, target) for node in path}
        assert {node for node in range(n) if paths.marked[item, node] == 1} == on_path
        assert (paths.marked[item, n:] == -1).all()
        assert paths.length[item] == nx.shortest_path_length(graph, source, target)


def test_scores_are_full_if_all_is_right_and_fall_with_one_node() -> None:
    paths = path_graphs(10, nodes=(5, 9), seed=5)
    logits = torch.nn.functional.one_hot(torch.from_numpy(paths.marked).clamp(min=0), 2).float()
    assert path_scores(logits, paths) == (1.0, 1.0)
    logits[0, paths.target[0]] = logits[0, paths.target[0]].flip(0)
    f1, whole = path_scores(logits, paths)
    assert 0.9 < f1 < 1
    assert whole == 0.9


def test_all_systems_know_source_and_target_apart() -> None:
    def trunk(name: str) -> Trunk:
        return Trunk(TrunkConfig(1, 16, 2, 16, preset(name), norm="layer", position="none", shared=True))

    torch.manual_seed(0)
    paths = path_graphs(3, nodes=(6, 8), seed=6)
    batch = path_batch(paths, there_and_back(paths))
    systems = [PathHead(trunk("edges")), PathRowsHead(trunk("full")), GraphNetwork(16, torch.nn.Linear(16, 2))]
    for system in systems:
        if isinstance(system, PathHead):
            check_batch(system, {**batch, "distance": torch.zeros_like(batch["names"])})
        with torch.no_grad():
            before = system(batch)
            turned = system({**batch, "source": batch["target"], "target": batch["source"]})
        assert before.shape == (3, batch["mask"].shape[1], 2)
        assert not torch.allclose(before, turned)
