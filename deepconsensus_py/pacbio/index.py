"""A compact map from molecules to numbers (places in a file): 16 bytes a molecule."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.pacbio.names import MoleculeId, Strand

_HOLE_BITS, _STRAND_BITS = 31, 2
_STRAND_CODE = {None: 0, Strand.FORWARD: 1, Strand.REVERSE: 2}
_STRANDS = tuple(_STRAND_CODE)
_UNSORTED = 4096

_Segment = tuple[NDArray[np.int64], NDArray[np.int64]]


class MoleculeKeys:
    """Molecules as integers: movie (numbered as they come), hole number and strand in 64 bits."""

    def __init__(self) -> None:
        self._movies: dict[str, int] = {}

    def key(self, molecule: MoleculeId) -> int:
        """The integer of a molecule."""
        movie = self._movies.setdefault(molecule.movie, len(self._movies))
        return (movie << _HOLE_BITS | molecule.hole) << _STRAND_BITS | _STRAND_CODE[molecule.strand]

    def molecules(self, keys: Iterable[int]) -> Iterator[MoleculeId]:
        """The molecules of integers that ``key`` gave."""
        movies = list(self._movies)
        for key in keys:
            zmw, strand = key >> _STRAND_BITS, key & (1 << _STRAND_BITS) - 1
            yield MoleculeId(movies[zmw >> _HOLE_BITS], zmw & (1 << _HOLE_BITS) - 1, _STRANDS[strand])


class OffsetIndex:
    """A map from integer keys to integers that grows in any order.

    The latest entries lie in a dictionary; full, it is sorted into a run of two arrays, and runs of like size are
    merged, so that there are never more than a few and each entry is moved a logarithmic number of times.
    """

    def __init__(self) -> None:
        self._latest: dict[int, int] = {}
        self._segments: list[_Segment] = []
        self._lowest, self._highest = np.iinfo(np.int64).max, -1

    def __len__(self) -> int:
        return len(self._latest) + sum(len(keys) for keys, _ in self._segments)

    @property
    def nbytes(self) -> int:
        """Bytes of the sorted runs."""
        return sum(keys.nbytes + values.nbytes for keys, values in self._segments)

    def find(self, key: int) -> int | None:
        """The value of a key, or None."""
        if not self._lowest <= key <= self._highest:
            return None
        if key in self._latest:
            return self._latest[key]
        for keys, values in self._segments:
            place = int(np.searchsorted(keys, key))
            if place < len(keys) and keys[place] == key:
                return int(values[place])
        return None

    def keys(self) -> NDArray[np.int64]:
        """All keys ``int64[n]``, by rising value."""
        parts = [*self._segments, _arrays(self._latest)]
        keys, values = (np.concatenate(both) for both in zip(*parts, strict=True))
        ordered: NDArray[np.int64] = keys[np.argsort(values, kind="stable")]
        return ordered

    def add(self, key: int, value: int) -> None:
        """Enter a key that is not there yet."""
        self._latest[key] = value
        self._lowest, self._highest = min(self._lowest, key), max(self._highest, key)
        if len(self._latest) == _UNSORTED:
            self._sort_latest()

    def _sort_latest(self) -> None:
        self._segments.append(_sorted(*_arrays(self._latest)))
        self._latest.clear()
        while len(self._segments) > 1 and len(self._segments[-2][0]) <= 2 * len(self._segments[-1][0]):
            newer, older = self._segments.pop(), self._segments.pop()
            self._segments.append(_sorted(*(np.concatenate(both) for both in zip(older, newer, strict=True))))


class MoleculeNumbers:
    """Molecules with a number each, of the place where they were met first."""

    def __init__(self) -> None:
        self._keys = MoleculeKeys()
        self._numbers = OffsetIndex()

    def note(self, molecule: MoleculeId, number: int) -> int | None:
        """The number of a molecule that was met earlier; None where it is new, which gets this one."""
        key = self._keys.key(molecule)
        earlier = self._numbers.find(key)
        if earlier is None:
            self._numbers.add(key, number)
        return earlier

    def has_zmw(self, molecule: MoleculeId) -> bool:
        """Whether there is a molecule of any strand of a ZMW."""
        keys = (self._keys.key(MoleculeId(molecule.movie, molecule.hole, strand)) for strand in (None, *Strand))
        return any(self._numbers.find(key) is not None for key in keys)


def _arrays(entries: dict[int, int]) -> _Segment:
    keys, values = (np.fromiter(part, np.int64, len(entries)) for part in (entries.keys(), entries.values()))
    return keys, values


def _sorted(keys: NDArray[np.int64], values: NDArray[np.int64]) -> _Segment:
    order = np.argsort(keys, kind="stable")
    return keys[order], values[order]
