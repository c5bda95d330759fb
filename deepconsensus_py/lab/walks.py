"""Described paths as batches of the navigating head, and walks of an agent through houses."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepconsensus_py.heads.navigate import UNJUDGED, NavigateHead
from deepconsensus_py.lab.houses import COLOURS, KINDS, PURPOSES, WORDS, House, house, joins, shortest_path, ways

KIND_SIZES = (len(COLOURS) + 1, len(PURPOSES) + 1)
VOCABULARY = len(WORDS) + 1
"""Word 0 is padding."""

STOP = 0
"""The choice to stop; doors are numbered from 1."""

DOORS = 10
"""Most choices in a room: its doors, and stopping."""

LONGEST = 28
"""Most steps of a walk."""

_NAMES = np.array([(COLOURS.index(colour), PURPOSES.index(purpose)) for colour, purpose in KINDS])


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """A described path: the house, the words and the path."""

    at: House
    words: tuple[int, ...]
    path: tuple[int, ...]


def joined_walks(houses: Sequence[int], each: int, *, rooms: int = 60) -> list[Walk]:
    """Described joined paths.

    Args:
        houses: seeds of the houses.
        each: most paths of a house.
        rooms: of a house.
    """
    walks: list[Walk] = []
    for seed in houses:
        at = house(rooms, seed=seed)
        found = joins(at, ways(at, 40, seed=seed, instructions=1))
        chosen = [found[row] for row in np.random.default_rng(seed).permutation(len(found))[:each]]
        walks += [Walk(at, way.instructions[0], way.path) for way in chosen]
    return walks


def to_goal(walk: Walk) -> Walk:
    """The same words and goal, with the shortest path."""
    return Walk(walk.at, walk.words, shortest_path(walk.at, walk.path[0], walk.path[-1]))


def collated(walks: Sequence[Walk], paths: Sequence[Sequence[int]] | None = None) -> dict[str, Tensor]:
    """A batch of the navigating head, in the rooms of the given paths; by default the described ones, to learn from."""
    of = [walk.path for walk in walks] if paths is None else paths
    count, steps = len(walks), max(len(path) for path in of)
    words = np.zeros((count, max(len(walk.words) for walk in walks)), dtype=np.int64)
    room = np.zeros((count, steps, 2), dtype=np.int64)
    goal = np.zeros((count, steps, 2), dtype=np.float32)
    door = np.tile(np.array(KIND_SIZES) - 1, (count, steps, DOORS, 1))
    way = np.zeros((count, steps, DOORS, 2), dtype=np.float32)
    opened = np.zeros((count, steps, DOORS), dtype=np.bool_)
    choice = np.full((count, steps), UNJUDGED)
    opened[:, :, STOP] = True
    for row, (walk, path) in enumerate(zip(walks, of, strict=True)):
        words[row, : len(walk.words)] = np.array(walk.words) + 1
        places, own = walk.at.position, list(path)
        room[row, : len(own)] = _NAMES[walk.at.kind[own]]
        goal[row, : len(own)] = places[walk.path[-1]] - places[own]
        for step, here in enumerate(own):
            doors = doors_of(walk.at, here)
            door[row, step, 1 : len(doors) + 1] = _NAMES[walk.at.kind[doors]]
            way[row, step, 1 : len(doors) + 1] = places[doors] - places[here]
            opened[row, step, 1 : len(doors) + 1] = True
            following = own[step + 1] if step + 1 < len(own) else None
            choice[row, step] = STOP if following is None else 1 + int(np.flatnonzero(doors == following)[0])
    arrays = {"words": words, "room": room, "goal": goal, "door": door, "way": way, "open": opened, "choice": choice}
    return {name: torch.from_numpy(values) for name, values in arrays.items()}


def doors_of(at: House, here: int) -> NDArray[np.int64]:
    """The rooms behind the doors of a room, by index."""
    doors: NDArray[np.int64] = np.flatnonzero(at.adjacency[here])[: DOORS - 1]
    return doors


def walked(head: NavigateHead, walks: Sequence[Walk]) -> list[tuple[int, ...]]:
    """The paths that an agent takes from the starts of described paths until it stops."""
    head.eval()
    paths = [[walk.path[0]] for walk in walks]
    going = list(range(len(walks)))
    for _ in range(LONGEST):
        batch = collated([walks[row] for row in going], [paths[row] for row in going])
        with torch.inference_mode():
            memory = head.read(batch)
        chosen = head.decode(batch, memory).tolist()
        for row, choice in zip(going, chosen, strict=True):
            if choice != STOP:
                paths[row].append(int(doors_of(walks[row].at, paths[row][-1])[choice - 1]))
        going = [row for row, choice in zip(going, chosen, strict=True) if choice != STOP]
        if not going:
            break
    return [tuple(path) for path in paths]
