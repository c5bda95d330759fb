"""How well a walked path keeps to the path that was described, and whether it comes to its end.

Jain et al. 2019, "Stay on the path": coverage weighted by length score (CLS), beside success and success weighted by
path length (SPL, Anderson et al. 2018), which look at the end only. Paths are sequences of nodes; ``distance`` is
``float64[n, n]``, the lengths of all shortest paths. All arguments are named: the measures are not symmetric, and a
published implementation and its own example disagree about the order.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

THRESHOLD = 3.0
"""Metres within which a node counts as reached, and over which coverage decays (R2R; Jain et al. 2019)."""

Path = Sequence[int]
Distances = NDArray[np.float64]


def shortest_distances(lengths: Distances) -> Distances:
    """All shortest paths of a graph (Floyd-Warshall), from edge lengths ``float64[n, n]``, infinite where none is."""
    distance = np.where(np.eye(len(lengths), dtype=np.bool_), 0.0, lengths)
    for via in range(len(distance)):
        distance = np.minimum(distance, distance[:, via, None] + distance[via])
    return distance


def path_length(path: Path, *, distance: Distances) -> float:
    """The sum of the lengths of the steps of a path of at least one node."""
    return float(distance[list(path[:-1]), list(path[1:])].sum())


def coverage(*, prediction: Path, reference: Path, distance: Distances, threshold: float = THRESHOLD) -> float:
    """How much of the reference the prediction comes by: the mean over its nodes of exp(-distance / threshold)."""
    nearest = distance[np.ix_(list(reference), list(prediction))].min(axis=1)
    return float(np.exp(-nearest / threshold).mean())


def length_score(*, prediction: Path, reference: Path, distance: Distances, threshold: float = THRESHOLD) -> float:
    """How well the prediction's length fits what it covers: 1 where it is coverage times the reference's length."""
    covered = coverage(prediction=prediction, reference=reference, distance=distance, threshold=threshold)
    expected = covered * path_length(reference, distance=distance)
    off = abs(expected - path_length(prediction, distance=distance))
    return expected / (expected + off) if expected + off else 1.0


def cls(*, prediction: Path, reference: Path, distance: Distances, threshold: float = THRESHOLD) -> float:
    """Coverage weighted by length score: coverage times length score, 1 where the paths are the same."""
    covered = coverage(prediction=prediction, reference=reference, distance=distance, threshold=threshold)
    return covered * length_score(prediction=prediction, reference=reference, distance=distance, threshold=threshold)


def success(*, prediction: Path, reference: Path, distance: Distances, threshold: float = THRESHOLD) -> bool:
    """Whether the prediction ends within the threshold of the reference's end."""
    return bool(distance[prediction[-1], reference[-1]] <= threshold)


def spl(*, prediction: Path, reference: Path, distance: Distances, threshold: float = THRESHOLD) -> float:
    """Success weighted by path length: the shortest way to the end over the longer of it and what was walked."""
    if not success(prediction=prediction, reference=reference, distance=distance, threshold=threshold):
        return 0.0
    direct = float(distance[reference[0], reference[-1]])
    walked = max(direct, path_length(prediction, distance=distance))
    return direct / walked if walked else 1.0
