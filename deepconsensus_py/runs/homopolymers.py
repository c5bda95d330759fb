"""Homopolymer runs: the units into which a draft falls, single bases among them."""

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
