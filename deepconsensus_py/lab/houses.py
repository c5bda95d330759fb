"""Generated houses, paths through them, and descriptions of the paths.

A house is a planar graph of rooms. Its paths are shortest paths, as in R2R; joining a path to another one that begins
near its end gives paths about twice as long as the shortest (R4R, Jain et al. 2019), on which following the description
and reaching the goal are different things. Rooms that could be confused have different names, so that a description is
unambiguous: ``follow`` reads it exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

SPACING = 2.0
"""A house of n rooms is a square of side SPACING * sqrt(n), in metres."""

APART = 1.0
"""Least distance of two rooms in metres."""

THRESHOLD = 3.0
"""Distance in metres within which a room counts as reached (R2R; Jain et al. 2019)."""

COLOURS = ("red", "green", "blue", "white", "black", "brown", "grey", "yellow")
PURPOSES = ("kitchen", "bedroom", "bathroom", "office", "hall", "library", "cellar", "workshop")
KINDS = tuple(product(COLOURS, PURPOSES))
"""Names of rooms; ``House.kind`` has their indices."""

VERBS = ("go", "walk", "head", "turn")
WORDS = ("from", "to", "the", "stop", *VERBS, *COLOURS, *PURPOSES)
"""The vocabulary; descriptions have the indices of words."""

_INDEX = {word: index for index, word in enumerate(WORDS)}


@dataclass(frozen=True, slots=True, eq=False)
class House:
    """A connected planar graph of rooms.

    Attributes:
        position: ``float64[n, 2]`` in metres.
        adjacency: ``bool[n, n]``, symmetric, without loops: whether there is a door.
        distance: ``float64[n, n]``, metres on the shortest path.
        kind: ``int64[n]``, indices into ``KINDS``; different for rooms that are both near (a door or 3 m) a third.
    """

    position: NDArray[np.float64]
    adjacency: NDArray[np.bool_]
    distance: NDArray[np.float64]
    kind: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Way:
    """A path of rooms, each a door from the one before, with its descriptions (indices into ``WORDS``)."""

    path: tuple[int, ...]
    instructions: tuple[tuple[int, ...], ...]


def house(rooms: int, *, seed: int) -> House:
    """Draw a house: random rooms, with doors between two if no third is in between (Gabriel graph).

    Args:
        rooms: number of rooms, 40 to 80.
        seed: of the random generator.
    """
    generator = np.random.default_rng(seed)
    position = _scattered(rooms, generator)
    straight = np.linalg.norm(position[:, None] - position, axis=2)
    # A third room is in between if it is inside the circle over the door, where the angle to both is obtuse.
    squares = straight**2 + np.where(np.eye(rooms, dtype=np.bool_), np.inf, 0.0)
    between = (squares[:, None] + squares[None] < (straight**2)[:, :, None]).any(axis=2)
    adjacency = ~between & ~np.eye(rooms, dtype=np.bool_)
    distance = shortest_distances(np.where(adjacency, straight, np.inf))
    return House(position, adjacency, distance, _named(_near(adjacency, distance), generator))


def shortest_distances(lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lengths of all shortest paths (Floyd-Warshall), from edge lengths ``float64[n, n]``, infinite for no edge."""
    distance = np.where(np.eye(len(lengths), dtype=np.bool_), 0.0, lengths)
    for via in range(len(distance)):
        distance = np.minimum(distance, distance[:, via, None] + distance[via])
    return distance


def ways(
    at: House, count: int, *, seed: int, metres: tuple[float, float] = (4.0, 10.0), instructions: int = 3
) -> list[Way]:
    """Draw shortest paths, with descriptions.

    Args:
        at: the house.
        count: number of paths, drawn independently.
        seed: of the random generator.
        metres: least and largest length.
        instructions: descriptions of each path.
    """
    generator = np.random.default_rng(seed)
    pairs = np.argwhere((at.distance >= metres[0]) & (at.distance <= metres[1]))
    paths = [shortest_path(at, start, end) for start, end in generator.choice(pairs, size=count)]
    return [Way(path, tuple(describe(at, path, generator) for _ in range(instructions))) for path in paths]


def joins(at: House, parts: Sequence[Way]) -> list[Way]:
    """All joins of a path to another one that begins within 3 m of its end.

    Each description of the first followed by each of the second describes the join.
    """
    return [
        join(at, first, second)
        for first, second in product(parts, parts)
        if first is not second and at.distance[first.path[-1], second.path[0]] <= THRESHOLD
    ]


def join(at: House, first: Way, second: Way) -> Way:
    """The first path, the shortest path from its end to the start of the second, and the second."""
    between = shortest_path(at, first.path[-1], second.path[0])
    path = (*first.path[:-1], *between, *second.path[1:])
    return Way(path, tuple(one + other for one, other in product(first.instructions, second.instructions)))


def shortest_path(at: House, start: int, end: int) -> tuple[int, ...]:
    """The rooms of the shortest path, both ends included."""
    path = [int(start)]
    while path[-1] != end:
        (doors,) = np.nonzero(at.adjacency[path[-1]])
        through = at.distance[path[-1], doors] + at.distance[doors, end]
        path.append(int(doors[through.argmin()]))
    return tuple(path)


def describe(at: House, path: Sequence[int], generator: np.random.Generator) -> tuple[int, ...]:
    """Describe a path: name the first room, then each next one after a random verb, then stop."""
    words = ["from", "the", *KINDS[at.kind[path[0]]]]
    for room in path[1:]:
        words += [VERBS[generator.integers(len(VERBS))], "to", "the", *KINDS[at.kind[room]]]
    return tuple(_INDEX[word] for word in [*words, "stop"])


def follow(at: House, start: int, instruction: Sequence[int]) -> tuple[int, ...]:
    """The exact reader: the path from a room that a description leads along.

    Raises:
        ValueError: no room of a name, or more than one, is near the room that was reached.
    """
    path, near = [int(start)], _near(at.adjacency, at.distance)
    words = [WORDS[word] for word in instruction]
    for place, word in enumerate(words):
        if word != "the":
            continue
        kind = KINDS.index((words[place + 1], words[place + 2]))
        (rooms,) = np.nonzero(near[path[-1]] & (at.kind == kind))
        if len(rooms) != 1:
            raise ValueError(f"{len(rooms)} rooms near room {path[-1]} are called {' '.join(KINDS[kind])}")
        path += shortest_path(at, path[-1], int(rooms[0]))[1:]
    return tuple(path)


def _scattered(rooms: int, generator: np.random.Generator) -> NDArray[np.float64]:
    side = SPACING * rooms**0.5
    position = np.empty((0, 2))
    while len(position) < rooms:
        candidate = side * generator.random(2)
        if (np.linalg.norm(position - candidate, axis=1) >= APART).all():
            position = np.vstack([position, candidate])
    return position


def _near(adjacency: NDArray[np.bool_], distance: NDArray[np.float64]) -> NDArray[np.bool_]:
    return adjacency | (distance <= THRESHOLD)


def _named(near: NDArray[np.bool_], generator: np.random.Generator) -> NDArray[np.int64]:
    confusable = near @ near
    kind = np.full(len(near), -1, dtype=np.int64)
    for room in generator.permutation(len(near)):
        free = np.setdiff1d(np.arange(len(KINDS)), kind[confusable[room]])
        kind[room] = generator.choice(free)
    return kind
