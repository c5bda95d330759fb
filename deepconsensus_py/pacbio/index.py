"""A compact map from molecules to numbers (places in a file): 16 bytes a molecule."""

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.pacbio.names import MoleculeId, Strand

_HOLE_BITS, _STRAND_BITS = 31, 2
_STRAND_CODE = {None: 0, Strand.FORWARD: 1, Strand.REVERSE: 2}
_UNSORTED = 4096

_Run = tuple[NDArray[np.int64], NDArray[np.int64]]


class MoleculeKeys:
    """Molecules as integers: movie (numbered as they come), hole number and strand in 64 bits."""

    def __init__(self) -> None:
        self._movies: dict[str, int] = {}

    def key(self, molecule: MoleculeId) -> int:
        """The integer of a molecule."""
        movie = self._movies.setdefault(molecule.movie, len(self._movies))
        return (movie << _HOLE_BITS | molecule.hole) << _STRAND_BITS | _STRAND_CODE[molecule.strand]


class OffsetIndex:
    """A map from integer keys to integers that grows in any order.

    The latest entries lie in a dictionary; full, it is sorted into a run of two arrays, and runs of like size are
    merged, so that there are never more than a few and each entry is moved a logarithmic number of times.
    """

    def __init__(self) -> None:
        self._latest: dict[int, int] = {}
        self._runs: list[_Run] = []
        self._lowest, self._highest = np.iinfo(np.int64).max, -1

    def __len__(self) -> int:
        return len(self._latest) + sum(len(keys) for keys, _ in self._runs)

    @property
    def nbytes(self) -> int:
        """Bytes of the sorted runs."""
        return sum(keys.nbytes + values.nbytes for keys, values in self._runs)

    def find(self, key: int) -> int | None:
        """The value of a key, or None."""
        if not self._lowest <= key <= self._highest:
            return None
        if key in self._latest:
            return self._latest[key]
        for keys, values in self._runs:
            place = int(np.searchsorted(keys, key))
            if place < len(keys) and keys[place] == key:
                return int(values[place])
        return None

    def add(self, key: int, value: int) -> None:
        """Enter a key that is not there yet."""
        self._latest[key] = value
        self._lowest, self._highest = min(self._lowest, key), max(self._highest, key)
        if len(self._latest) == _UNSORTED:
            self._sort_latest()

    def _sort_latest(self) -> None:
        size = len(self._latest)
        keys, values = (np.fromiter(part, np.int64, size) for part in (self._latest.keys(), self._latest.values()))
        self._latest.clear()
        self._runs.append(_sorted(keys, values))
        while len(self._runs) > 1 and len(self._runs[-2][0]) <= 2 * len(self._runs[-1][0]):
            newer, older = self._runs.pop(), self._runs.pop()
            self._runs.append(_sorted(*(np.concatenate(both) for both in zip(older, newer, strict=True))))


def _sorted(keys: NDArray[np.int64], values: NDArray[np.int64]) -> _Run:
    order = np.argsort(keys, kind="stable")
    return keys[order], values[order]
