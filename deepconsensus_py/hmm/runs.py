"""Homopolymer runs and repeat tracts of a draft: what edits change."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RUN_CLASSES = 5
"""Run lengths with rates of their own: 1, 2, 3, 4, and 5 or more."""

UNITS = (2, 3)
"""Bases of the units of repeat tracts."""

Integers = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """Maximal stretches of one letter, single bases too; together they are the draft.

    Attributes:
        starts: ``int32[runs]`` position of the first base.
        lengths: ``int32[runs]`` bases.
        bases: ``uint8[runs]`` base codes.
    """

    starts: Integers
    lengths: Integers
    bases: NDArray[np.uint8]

    @property
    def ends(self) -> Integers:
        """``int32[runs]`` one past the position of the last base."""
        return self.starts + self.lengths


@dataclass(frozen=True, slots=True, eq=False)
class Tracts:
    """Maximal stretches of two or more whole copies of a unit of two or three bases.

    Attributes:
        starts: ``int32[tracts]`` position of the first base.
        ends: ``int32[tracts]`` one past the last base; the last copy may be a part of one.
        units: ``int32[tracts]`` bases of the unit.
    """

    starts: Integers
    ends: Integers
    units: Integers


def find_runs(bases: NDArray[np.uint8]) -> Runs:
    """The runs of base codes ``uint8[n]``, in order."""
    first = np.ones(len(bases), np.bool_)
    first[1:] = bases[1:] != bases[:-1]
    starts = np.flatnonzero(first).astype(np.int32)
    return Runs(starts, np.diff(starts, append=np.int32(len(bases))), bases[starts])


def class_of_bases(bases: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The class ``uint8[n]``, 0 to ``RUN_CLASSES - 1``, of the run that each base is in."""
    lengths = find_runs(bases).lengths
    return np.repeat(np.minimum(lengths, RUN_CLASSES) - 1, lengths).astype(np.uint8)


def find_tracts(bases: NDArray[np.uint8]) -> Tracts:
    """The tracts of base codes ``uint8[n]``, those of two-base units first."""
    found = [np.empty((3, 0), np.int64)]
    for unit in UNITS:
        equal = np.zeros(max(len(bases) - unit, 0) + 2, np.int8)
        equal[1:-1] = bases[unit:] == bases[: len(equal) - 2]
        edges = np.diff(equal)
        starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) + unit
        whole = ends - starts >= 2 * unit
        starts, ends = starts[whole], ends[whole]
        varied = (bases[starts] != bases[starts + 1]) | (bases[starts] != bases[starts + unit - 1])
        found.append(np.stack([starts, ends, np.full(len(starts), unit)])[:, varied])
    return Tracts(*np.concatenate(found, axis=1).astype(np.int32))
