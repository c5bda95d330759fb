"""Homopolymers and tandem repeats of a sequence."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Homopolymers:
    """Maximal stretches of one base; together they partition a sequence, in order.

    Attributes:
        start: ``int32[homopolymers]`` position of the first base.
        length: ``int32[homopolymers]`` bases.
        base: ``uint8[homopolymers]`` base codes 1..5; stretches of N count, too.
    """

    start: NDArray[np.int32]
    length: NDArray[np.int32]
    base: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.start)

    @property
    def stop(self) -> NDArray[np.int32]:
        """``int32[homopolymers]`` one past the position of the last base."""
        return self.start + self.length


def find_homopolymers(bases: NDArray[np.uint8]) -> Homopolymers:
    """The homopolymers of a sequence of base codes ``uint8[n]``."""
    first = np.ones(len(bases), np.bool_)
    first[1:] = bases[1:] != bases[:-1]
    start = np.flatnonzero(first).astype(np.int32)
    return Homopolymers(start, np.diff(start, append=np.int32(len(bases))), bases[start])


UNITS = (2, 3)
"""Unit lengths of tandem repeats, bp."""

Integers = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class ShortTandemRepeats:
    """Maximal stretches of at least two copies of a unit of 2 or 3 bases that is not a homopolymer.

    Attributes:
        start: ``int32[repeats]`` position of the first base.
        stop: ``int32[repeats]`` one past the last base; the last copy may be partial.
        unit: ``int32[repeats]`` unit length, bp.
    """

    start: Integers
    stop: Integers
    unit: Integers

    def __len__(self) -> int:
        return len(self.start)

    def take(self, which: NDArray[np.intp]) -> "ShortTandemRepeats":
        """The tandem repeats of these indices."""
        return ShortTandemRepeats(self.start[which], self.stop[which], self.unit[which])

    def rows(self) -> list[tuple[int, int, int]]:
        """(start, stop, unit) of each."""
        return list(zip(self.start.tolist(), self.stop.tolist(), self.unit.tolist(), strict=True))


def find_short_tandem_repeats(bases: NDArray[np.uint8]) -> ShortTandemRepeats:
    """The short tandem repeats of a sequence of base codes ``uint8[n]``, shorter units first."""
    found = [np.empty((0, 3), np.int64)]
    for unit in UNITS:
        equal = np.zeros(max(len(bases) - unit, 0) + 2, np.int8)
        equal[1:-1] = bases[unit:] == bases[: len(equal) - 2]
        edges = np.diff(equal)
        start, stop = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) + unit
        whole = stop - start >= 2 * unit
        start, stop = start[whole], stop[whole]
        # AAAA would be two copies of AA; homopolymers have edits of their own.
        varied = (bases[start] != bases[start + 1]) | (bases[start] != bases[start + unit - 1])
        found.append(np.stack([start, stop, np.full(len(start), unit)], axis=1)[varied])
    columns = np.concatenate(found).astype(np.int32).T
    return ShortTandemRepeats(*columns)


LENGTH_CLASSES = 5
"""Homopolymer lengths with error rates of their own: 1, 2, 3, 4, and 5 or more."""


@dataclass(frozen=True, slots=True, eq=False)
class Repeats:
    """A draft and its repeats.

    Attributes:
        bases: ``uint8[n]`` base codes.
        homopolymers: of the draft.
        tandem_repeats: of the draft.
        homopolymer_of: ``int32[n]`` index of the homopolymer that holds each base.
        length_class: ``uint8[n]``, 0 to ``LENGTH_CLASSES - 1``, by the length of that homopolymer.
    """

    bases: NDArray[np.uint8]
    homopolymers: Homopolymers
    tandem_repeats: ShortTandemRepeats
    homopolymer_of: Integers
    length_class: NDArray[np.uint8]


LONG_TANDEM_REPEAT = 48
"""Bases of a tandem repeat in which alignments differ so much that no edit of a single homopolymer is certain."""


def in_long_repeats(repeats: Repeats) -> NDArray[np.bool_]:
    """Which homopolymers ``bool[homopolymers]`` lie inside tandem repeats of ``LONG_TANDEM_REPEAT`` bases or more."""
    tandem_repeats = repeats.tandem_repeats
    long = tandem_repeats.stop - tandem_repeats.start >= LONG_TANDEM_REPEAT
    inside = np.zeros(len(repeats.bases) + 1, np.int32)
    np.add.at(inside, tandem_repeats.start[long], 1)
    np.add.at(inside, tandem_repeats.stop[long], -1)
    within: NDArray[np.bool_] = np.cumsum(inside)[repeats.homopolymers.start] > 0
    return within


def find_repeats(bases: NDArray[np.uint8]) -> Repeats:
    """The repeats of a sequence of base codes ``uint8[n]``."""
    homopolymers = find_homopolymers(bases)
    homopolymer_of = np.repeat(np.arange(len(homopolymers), dtype=np.int32), homopolymers.length)
    length_class = (np.minimum(homopolymers.length, LENGTH_CLASSES) - 1).astype(np.uint8)[homopolymer_of]
    return Repeats(bases, homopolymers, find_short_tandem_repeats(bases), homopolymer_of, length_class)
