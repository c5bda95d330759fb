"""Homopolymer runs and tandem repeats of a sequence, found once for all that ask."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """Maximal stretches of one letter; together they hold every base of a sequence once, in order.

    Attributes:
        start: ``int32[runs]`` position of the first base.
        length: ``int32[runs]`` bases.
        base: ``uint8[runs]`` base codes 1..5; N makes runs too.
    """

    start: NDArray[np.int32]
    length: NDArray[np.int32]
    base: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.start)

    @property
    def stop(self) -> NDArray[np.int32]:
        """``int32[runs]`` one past the position of the last base."""
        return self.start + self.length


def find_runs(bases: NDArray[np.uint8]) -> Runs:
    """The runs of a sequence of base codes ``uint8[n]``."""
    first = np.ones(len(bases), np.bool_)
    first[1:] = bases[1:] != bases[:-1]
    start = np.flatnonzero(first).astype(np.int32)
    return Runs(start, np.diff(start, append=np.int32(len(bases))), bases[start])


UNITS = (2, 3)
"""Bases of the units of tracts."""

Integers = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Tracts:
    """Maximal stretches of at least two copies of a unit, not all of one letter.

    Attributes:
        start: ``int32[tracts]`` position of the first base.
        stop: ``int32[tracts]`` one past the last base; the last copy may be a part of one.
        unit: ``int32[tracts]`` bases of the unit.
    """

    start: Integers
    stop: Integers
    unit: Integers

    def __len__(self) -> int:
        return len(self.start)

    def take(self, which: NDArray[np.intp]) -> "Tracts":
        """Some of the tracts, given by their numbers."""
        return Tracts(self.start[which], self.stop[which], self.unit[which])

    def rows(self) -> list[tuple[int, int, int]]:
        """(start, stop, unit) of each."""
        return list(zip(self.start.tolist(), self.stop.tolist(), self.unit.tolist(), strict=True))


def find_tracts(bases: NDArray[np.uint8]) -> Tracts:
    """All tracts of a sequence of base codes ``uint8[n]``, shorter units first."""
    found = [np.empty((0, 3), np.int64)]
    for unit in UNITS:
        equal = np.zeros(max(len(bases) - unit, 0) + 2, np.int8)
        equal[1:-1] = bases[unit:] == bases[: len(equal) - 2]
        edges = np.diff(equal)
        start, stop = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) + unit
        whole = stop - start >= 2 * unit
        start, stop = start[whole], stop[whole]
        varied = (bases[start] != bases[start + 1]) | (bases[start] != bases[start + unit - 1])
        found.append(np.stack([start, stop, np.full(len(start), unit)], axis=1)[varied])
    columns = np.concatenate(found).astype(np.int32).T
    return Tracts(*columns)


RUN_CLASSES = 5
"""Run lengths with error rates of their own: 1, 2, 3, 4, and 5 or more."""


@dataclass(frozen=True, slots=True, eq=False)
class Repeats:
    """A draft and its repeats.

    Attributes:
        bases: ``uint8[n]`` base codes.
        runs: its homopolymer runs.
        tracts: its tandem repeats of short units.
        run_of: ``int32[n]`` number of the run that each base is in.
        length_class: ``uint8[n]``, 0 to ``RUN_CLASSES - 1``, by the length of that run.
    """

    bases: NDArray[np.uint8]
    runs: Runs
    tracts: Tracts
    run_of: Integers
    length_class: NDArray[np.uint8]


def find_repeats(bases: NDArray[np.uint8]) -> Repeats:
    """The repeats of a sequence of base codes ``uint8[n]``."""
    runs = find_runs(bases)
    run_of = np.repeat(np.arange(len(runs), dtype=np.int32), runs.length)
    length_class = (np.minimum(runs.length, RUN_CLASSES) - 1).astype(np.uint8)[run_of]
    return Repeats(bases, runs, find_tracts(bases), run_of, length_class)
