"""A compact map from molecules to numbers (such as file offsets): 16 bytes for each molecule."""

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
    """Molecules as integers: movie (numbered in order of appearance), hole number and strand in 64 bits."""

    def __init__(self) -> None:
        self._movies: dict[str, int] = {}

    def key(self, molecule: MoleculeId) -> int:
        """The integer of a molecule."""
        movie = self._movies.setdefault(molecule.movie, len(self._movies))
        return (movie << _HOLE_BITS | molecule.hole) << _STRAND_BITS | _STRAND_CODE[molecule.strand]

    def molecules(self, keys: Iterable[int]) -> Iterator[MoleculeId]:
        """The molecules of keys."""
        movies = list(self._movies)
        for key in keys:
            zmw, strand = key >> _STRAND_BITS, key & (1 << _STRAND_BITS) - 1
            yield MoleculeId(movies[zmw >> _HOLE_BITS], zmw & (1 << _HOLE_BITS) - 1, _STRANDS[strand])


class OffsetIndex:
    """A map from integer keys to integers, filled in any order.

    New entries go into a dictionary. When it is full, it is sorted into a segment of two arrays, and segments of
    similar size are merged, so that there are only a few, and each entry is moved a logarithmic number of times.
    """

    def __init__(self) -> None:
        self._latest: dict[int, int] = {}
        self._segments: list[_Segment] = []
        self._lowest, self._highest = np.iinfo(np.int64).max, -1

    def __len__(self) -> int:
        return len(self._latest) + sum(len(keys) for keys, _ in self._segments)

    @property
    def nbytes(self) -> int:
        """Bytes of the sorted segments."""
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
        """All keys ``int64[n]``, by ascending value."""
        parts = [*self._segments, _arrays(self._latest)]
        keys, values = (np.concatenate(both) for both in zip(*parts, strict=True))
        ordered: NDArray[np.int64] = keys[np.argsort(values, kind="stable")]
        return ordered

    def add(self, key: int, value: int) -> None:
        """Add a new key."""
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
    """The number of each molecule's first occurrence."""

    def __init__(self) -> None:
        self._keys = MoleculeKeys()
        self._numbers = OffsetIndex()

    def note(self, molecule: MoleculeId, number: int) -> int | None:
        """The number of an earlier occurrence; None for a new molecule, which gets this number."""
        key = self._keys.key(molecule)
        earlier = self._numbers.find(key)
        if earlier is None:
            self._numbers.add(key, number)
        return earlier

    def has_zmw(self, molecule: MoleculeId) -> bool:
        """Whether a ZMW has occurred, with any strand."""
        keys = (self._keys.key(MoleculeId(molecule.movie, molecule.hole, strand)) for strand in (None, *Strand))
        return any(self._numbers.find(key) is not None for key in keys)


def _arrays(entries: dict[int, int]) -> _Segment:
    keys, values = (np.fromiter(part, np.int64, len(entries)) for part in (entries.keys(), entries.values()))
    return keys, values


def _sorted(keys: NDArray[np.int64], values: NDArray[np.int64]) -> _Segment:
    order = np.argsort(keys, kind="stable")
    return keys[order], values[order]
