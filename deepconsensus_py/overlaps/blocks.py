"""Blocks: reads that are corrected together, with those around them that this needs.

The reads of a block come out as they would if all reads were corrected at once, since everything within as many steps
as there are rounds is there (``correction.correct_overlapping``).
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

BLOCK_BASES = 16_000_000
"""Bases of the reads that a block corrects; of 30-fold coverage, 3 million around them are corrected besides."""

_LINKS = 8
"""Best overlaps of a read that decide on the order of reads: those within repeats are rarely among them."""

_TOGETHER = 1000
"""Reads that are collected around one before the order continues with others."""

Ints = NDArray[np.int64]


class Neighbours(Protocol):
    """Which reads overlap."""

    def neighbours(self, number: int) -> Ints:
        """The reads that a read is corrected by, the best first."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Reads that are corrected together.

    Attributes:
        numbers: ``int64[n]`` of all reads that are needed, in ascending order.
        steps: ``int8[n]`` how far each is from those that are asked for, which have 0.
    """

    numbers: Ints
    steps: NDArray[np.int8]

    @property
    def targets(self) -> int:
        """Number of reads that are asked for."""
        return int((self.steps == 0).sum())


def blocks(order: Ints, lengths: NDArray[np.int32], reads: Neighbours, rounds: int, most: int) -> Iterator[Block]:
    """Divide reads into blocks.

    Args:
        order: numbers of the reads that are asked for; those near each other should overlap.
        lengths: ``int32[n]`` bases of all reads.
        reads: which of them overlap.
        rounds: of correction.
        most: bases of the reads of a block; a single read may have more.
    """
    own, bases = list[int](), 0
    for number in order.tolist():
        length = int(lengths[number])
        if own and bases + length > most:
            yield _around(own, reads, rounds)
            own, bases = [], 0
        own.append(number)
        bases += length
    if own:
        yield _around(own, reads, rounds)


def _around(targets: list[int], reads: Neighbours, rounds: int) -> Block:
    steps = dict.fromkeys(targets, 0)
    ring = targets
    for step in range(1, rounds + 1):
        others = (other for number in ring for other in reads.neighbours(number).tolist())
        ring = [other for other in dict.fromkeys(others) if other not in steps]
        steps |= dict.fromkeys(ring, step)
    numbers = np.array(sorted(steps), np.int64)
    return Block(numbers, np.array([steps[number] for number in numbers.tolist()], np.int8))


def order_of_neighbours(reads: Neighbours, count: int) -> Ints:
    """The numbers of all reads, so that most of those that overlap are near each other.

    Args:
        reads: which of them overlap.
        count: number of reads.
    """
    links = np.full((count, _LINKS), -1, np.int32)
    for number in range(count):
        best = reads.neighbours(number)[:_LINKS]
        links[number, : len(best)] = best
    return np.fromiter(_walk(links), np.int64, count)


def _walk(links: NDArray[np.int32]) -> Iterator[int]:
    placed, edge = np.zeros(len(links), np.bool_), deque[int]()
    for seed in range(len(links)):
        edge.append(seed)
        # What is at the edge of the reads that were collected last comes first.
        while edge:
            yield from _collected(edge.pop(), links, placed, edge)


def _collected(seed: int, links: NDArray[np.int32], placed: NDArray[np.bool_], edge: deque[int]) -> Iterator[int]:
    """A read and those around it, the nearest first; what is at their edge is for later."""
    near, left = deque([seed]), _TOGETHER
    while near and left:
        number = near.popleft()
        if not placed[number]:
            placed[number] = True
            left -= 1
            near.extend(other for other in links[number].tolist() if other >= 0 and not placed[other])
            yield number
    edge.extend(near)
