"""Graphs are connected, their labels say nothing, and the distances are those of a search on foot."""

from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepconsensus_py.lab.systems.graph_networks.hop_graphs import EDGE, LOOP, hop_distances, hop_graphs


def walked(adjacency: np.ndarray, source: int) -> list[int]:
    distance, queue = {source: 0}, deque([source])
    while queue:
        node = queue.popleft()
        for neighbour in np.nonzero(adjacency[node])[0].tolist():
            if neighbour not in distance:
                distance[neighbour] = distance[node] + 1
                queue.append(neighbour)
    return [distance.get(node, -1) for node in range(len(adjacency))]


@settings(max_examples=30)
@given(st.integers(1, 14), st.integers(0, 20), st.integers(0, 2**32))
def test_distances_are_those_of_a_search_on_foot(least: int, more: int, seed: int) -> None:
    graphs = hop_graphs(5, nodes=(least, least + more), seed=seed)
    for graph in range(5):
        assert graphs.distance[graph].tolist() == walked(graphs.adjacency[graph], int(graphs.source[graph]))
    assert ((graphs.distance >= 0) == graphs.mask).all()
    assert (graphs.adjacency == graphs.adjacency.transpose(0, 2, 1)).all()
    assert not graphs.adjacency.diagonal(axis1=1, axis2=2).any()


def test_distances_on_a_directed_path_and_where_no_way_leads() -> None:
    adjacency = np.zeros((1, 4, 4), dtype=np.bool_)
    adjacency[0, [0, 1], [1, 2]] = True
    assert hop_distances(adjacency, np.array([0])).tolist() == [[0, 1, 2, -1]]
    assert hop_distances(adjacency, np.array([2])).tolist() == [[-1, -1, 0, -1]]


def test_edges_are_the_adjacency_and_the_loops() -> None:
    graphs = hop_graphs(20, nodes=(3, 12), seed=1)
    for graph, filled in enumerate(graphs.edges):
        rows = filled[filled[:, 0] >= 0]
        assert len(np.unique(rows, axis=0)) == len(rows)
        for kind, matrix in [(EDGE, graphs.adjacency[graph]), (LOOP, np.diag(graphs.mask[graph]))]:
            drawn = np.zeros_like(matrix)
            drawn[tuple(rows[rows[:, 2] == kind, :2].T)] = True
            assert (drawn == matrix).all()


def test_labels_say_nothing_and_distances_grow_with_the_graph() -> None:
    small, large = (hop_graphs(2000, nodes=(n, n), seed=2) for n in (12, 40))
    by_label = small.distance.mean(axis=0)
    assert by_label.max() - by_label.min() < 0.3
    assert small.adjacency.sum(axis=2).mean(axis=0).std() < 0.1
    assert large.distance.max(axis=1).mean() > small.distance.max(axis=1).mean() + 2
    # The answer that is most frequent is no good answer.
    assert np.bincount(large.distance.ravel()).max() < 0.35 * large.distance.size


def test_the_seed_is_the_graph_and_sizes_are_all_those_asked_for() -> None:
    one, same, other = (hop_graphs(200, nodes=(6, 12), seed=seed) for seed in (3, 3, 4))
    assert (one.adjacency == same.adjacency).all()
    assert not (one.adjacency == other.adjacency).all()
    assert set(one.mask.sum(axis=1).tolist()) == set(range(6, 13))
    with pytest.raises(ValueError, match="0 to 5 nodes"):
        hop_graphs(1, nodes=(0, 5), seed=0)
