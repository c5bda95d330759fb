"""Random connected graphs, and the number of hops from a source to every node.

The rule is local and the same at every node: a system that learns the rule is right on graphs of any size, one that
learns the graphs is not.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LOOP, EDGE = 0, 1
"""Kinds of edges: from a node to itself, and to a neighbour."""

EXTRA_EDGES = 0.5
"""Expected number of edges per node beyond those of the spanning tree; some are short cuts."""


@dataclass(frozen=True, slots=True, eq=False)
class HopGraphs:
    """A batch of connected undirected graphs, each with one source.

    Smaller graphs are padded at the end; the labels of a graph's nodes are random.

    Attributes:
        adjacency: ``bool[count, n, n]``, symmetric, without loops.
        edges: ``int64[count, e, 3]``, rows of (from, to, kind) ordered by (from, to): every edge in both directions,
            every node to itself; padded with rows of -1.
        mask: ``bool[count, n]``, False for padding.
        source: ``int64[count]``, the node from which distances count.
        distance: ``int64[count, n]``, edges on a shortest path from the source; -1 for padding.
    """

    adjacency: NDArray[np.bool_]
    edges: NDArray[np.int64]
    mask: NDArray[np.bool_]
    source: NDArray[np.int64]
    distance: NDArray[np.int64]


def hop_graphs(count: int, *, nodes: tuple[int, int], seed: int) -> HopGraphs:
    """Draw graphs: a random recursive tree with a few more edges and random labels.

    Args:
        count: number of graphs.
        nodes: fewest and most nodes.
        seed: of the random generator.

    Raises:
        ValueError: the range is empty, or includes graphs without nodes.
    """
    least, most = nodes
    if not 1 <= least <= most:
        raise ValueError(f"graphs of {least} to {most} nodes cannot be drawn; the least is 1, and not above the most")
    generator = np.random.default_rng(seed)
    sizes = generator.integers(least, most + 1, count)
    mask = np.arange(most) < sizes[:, None]
    adjacency = _relabelled(_connected(mask, generator), mask, generator)
    source = (generator.random(count) * sizes).astype(np.int64)
    distance = hop_distances(adjacency, source)
    return HopGraphs(adjacency, edge_lists(adjacency, mask), mask, source, distance)


def hop_distances(adjacency: NDArray[np.bool_], source: NDArray[np.int64]) -> NDArray[np.int64]:
    """Hops from the source by breadth-first search, in all graphs at once.

    Args:
        adjacency: ``bool[count, n, n]``, from the first node to the second.
        source: ``int64[count]``.

    Returns:
        ``int64[count, n]``; -1 for nodes that cannot be reached.
    """
    distance = np.full(adjacency.shape[:2], -1, dtype=np.int64)
    frontier = np.arange(adjacency.shape[1]) == source[:, None]
    weights = adjacency.astype(np.float32)
    step = 0
    while frontier.any():
        distance[frontier] = step
        reached = (frontier[:, None].astype(np.float32) @ weights)[:, 0] > 0
        frontier = reached & (distance < 0)
        step += 1
    return distance


def edge_lists(adjacency: NDArray[np.bool_], mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The ``edges`` of ``HopGraphs``, from ``bool[count, n, n]`` and ``bool[count, n]``."""
    loops = np.eye(mask.shape[1], dtype=np.bool_) & mask[:, None]
    graph, start, end = np.nonzero(adjacency | loops)
    counts = np.bincount(graph, minlength=len(mask))
    place = np.arange(len(graph)) - np.repeat(np.cumsum(counts) - counts, counts)
    edges = np.full((len(mask), int(counts.max(initial=0)), 3), -1, dtype=np.int64)
    edges[graph, place] = np.stack([start, end, np.where(start == end, LOOP, EDGE)], axis=1)
    return edges


def _connected(mask: NDArray[np.bool_], generator: np.random.Generator) -> NDArray[np.bool_]:
    count, n = mask.shape
    adjacency = np.zeros((count, n, n), dtype=np.bool_)
    parents = (generator.random((count, n)) * np.arange(n)).astype(np.int64)
    for node in range(1, n):
        adjacency[np.arange(count), parents[:, node], node] = True
    chance = EXTRA_EDGES / mask.sum(axis=1)
    adjacency |= np.triu(generator.random((count, n, n)) < chance[:, None, None], 1)
    adjacency &= mask[:, None] & mask[:, :, None]
    return adjacency | adjacency.transpose(0, 2, 1)


def _relabelled(
    adjacency: NDArray[np.bool_], mask: NDArray[np.bool_], generator: np.random.Generator
) -> NDArray[np.bool_]:
    # In the tree, low labels are near the root; padding is sorted behind all nodes.
    order = np.argsort(np.where(mask, generator.random(mask.shape), 2.0), axis=1)
    graphs = np.arange(len(order))[:, None, None]
    return adjacency[graphs, order[:, :, None], order[:, None]]
