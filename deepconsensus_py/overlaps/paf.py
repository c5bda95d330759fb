"""Overlaps of reads in files: PAF, as minimap2 writes it (its manual, section "Output format")."""

import gzip
import hashlib
import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.errors import InputError
from deepconsensus_py.files import atomic_path, writing
from deepconsensus_py.overlaps.located import LocatedReads
from deepconsensus_py.overlaps.overlap import Overlap, is_enough
from deepconsensus_py.overlaps.search import search
from deepconsensus_py.pacbio.inputs import reading

log = logging.getLogger(__name__)

_GZIP, _LEVEL = b"\x1f\x8b", 1
_UNKNOWN_MAPPING_QUALITY = 255
_COLUMNS, _DIFFERENCES = 12, "NM:i:"


def write_paf(path: Path, reads: LocatedReads, *, threads: int = 1, chunk: tuple[int, int] = (1, 1)) -> int:
    """Find overlaps of reads, and write them; the file gets its name when it is complete.

    Args:
        path: compressed where its name ends in ``.gz``.
        reads: all reads.
        threads: CPU cores.
        chunk: see ``search.search``.

    Returns:
        Number of overlaps.

    Raises:
        InputError: a file of reads is damaged.
        OutputError: the file cannot be written.
    """
    names, lengths, count = list(reads.names()), reads.rows["length"].tolist(), 0
    with atomic_path(path) as target, writing(path), target.open("wb") as raw:
        # Neither name nor time in the file, so that equal overlaps make equal bytes.
        file = gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0) if path.suffix == ".gz" else raw
        with file:
            for number, hit in search(reads, threads=threads, chunk=chunk):
                other, strand = int(hit.ctg), "-" if hit.strand < 0 else "+"
                own = names[number], lengths[number], hit.q_st, hit.q_en, strand
                its = names[other], lengths[other], hit.r_st, hit.r_en
                cells = (*own, *its, hit.mlen, hit.blen, _UNKNOWN_MAPPING_QUALITY, f"{_DIFFERENCES}{hit.NM}")
                file.write(("\t".join(map(str, cells)) + "\n").encode())
                count += 1
    return count


def read_paf(paths: Sequence[Path], reads: LocatedReads) -> Iterator[tuple[int, Overlap]]:
    """The overlaps in files that are long enough and have few enough differences.

    Args:
        paths: PAF, compressed or not, with the tag ``NM`` (minimap2 -c).
        reads: that they are of.

    Yields:
        The number of a read, and an overlap of it.

    Raises:
        InputError: a file is damaged, has no differences, or is of other reads.
    """
    numbers = _Numbers(reads.names(), len(reads))
    for path in paths:
        with reading(path), path.open("rb") as raw:
            compressed = raw.read(len(_GZIP)) == _GZIP
            raw.seek(0)
            with gzip.open(raw) if compressed else raw as lines:
                for at, line in enumerate(lines, 1):
                    try:
                        found = _overlap(line.decode(), numbers, reads.rows["length"])
                    except (ValueError, LookupError) as fault:
                        raise InputError(f"{path}: line {at} {fault}") from None
                    if found:
                        yield found


def _overlap(line: str, numbers: "_Numbers", lengths: NDArray[np.int32]) -> tuple[int, Overlap] | None:
    """The overlap of a line, with the number of its read; None if it does not count.

    Raises:
        ValueError: it is damaged.
        LookupError: it is of another read.
    """
    cells = line.rstrip("\n").split("\t")
    if len(cells) < _COLUMNS:
        raise ValueError(f"is not PAF: it has fewer than {_COLUMNS} columns")
    name, length, start, stop, strand, other, other_length, *rest = cells
    differences = next((tag for tag in rest[5:] if tag.startswith(_DIFFERENCES)), None)
    if differences is None:
        raise ValueError("has no tag NM; let minimap2 align the bases (-c)")
    number, its = numbers.of(name), numbers.of(other)
    if (int(length), int(other_length)) != (lengths[number], lengths[its]):
        raise LookupError(f"has other lengths of {name} and {other} than the reads; give the overlaps of these reads")
    equal, columns = int(rest[2]), int(rest[3])
    if number == its or not is_enough(columns, int(differences.removeprefix(_DIFFERENCES))):
        return None
    return number, Overlap(int(start), int(stop), its, int(rest[0]), int(rest[1]), strand == "-", equal)


class _Numbers:
    """The numbers of reads by their names: 16 bytes for each.

    Args:
        names: of all reads.
        count: of them.

    Raises:
        InputError: two reads have one name.
    """

    def __init__(self, names: Iterable[str], count: int) -> None:
        keys = np.fromiter(map(_key, names), np.uint64, count)
        self._order = np.argsort(keys)
        self._keys = keys[self._order]
        if (self._keys[1:] == self._keys[:-1]).any():
            raise InputError("two reads have the same name, so that a PAF file does not tell which one it means")

    def of(self, name: str) -> int:
        """The number of a read.

        Raises:
            LookupError: there is none of that name.
        """
        key = _key(name)
        at = int(np.searchsorted(self._keys, key))
        if at == len(self._keys) or self._keys[at] != key:
            raise LookupError(f"names {name}, which is not among the reads")
        return int(self._order[at])


def _key(name: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest()))
