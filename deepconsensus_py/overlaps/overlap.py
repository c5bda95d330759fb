"""Overlaps of reads with each other, by minimap2."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import mappy
import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.pacbio.molecule import decode_bases
from deepconsensus_py.workers.ordered import ordered_map

SHORTEST = 2000
"""Bases of an overlap."""

MOST_DIFFERENCES = 0.02
"""Share of the bases of an overlap: other copies of repeats differ more, two HiFi reads of one place much less."""

MOST_OVERLAPS = 60
"""Overlaps of a read, those with the most equal bases; more add little."""

_ALL_CHAINS, _NO_DUAL = 0x800000, 0x002
"""Flags of minimap2: no overlap is dropped because of a better one; each pair of reads is aligned once."""

_LEAST_CHAINED = 500
"""Bases in the anchors of a chain: to align repeats that are shorter than an overlap takes several times as long."""

Codes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Overlap:
    """A stretch of a read that another read has too.

    Attributes:
        start: first base of the stretch, in the read.
        stop: one past its last base.
        other: number of the other read.
        other_start: first base of the stretch, in the other read as it was sequenced.
        other_stop: one past its last base.
        reverse: whether the other read is of the opposite strand.
        equal: bases that both have.
    """

    start: int
    stop: int
    other: int
    other_start: int
    other_stop: int
    reverse: bool
    equal: int

    def of_other(self, number: int) -> "Overlap":
        """The same stretch as an overlap of the other read.

        Args:
            number: of this read.
        """
        return Overlap(self.other_start, self.other_stop, number, self.start, self.stop, self.reverse, self.equal)


Numbered = tuple[int, Codes]
"""A read's number and its base codes ``uint8[n]``."""


def find_overlaps(reads: Sequence[Codes]) -> list[list[Overlap]]:
    """Align all reads with each other.

    Args:
        reads: base codes ``uint8[n]`` of each.

    Returns:
        The overlaps of each read, at most ``MOST_OVERLAPS``, those with the most equal bases first.
    """
    found: list[list[Overlap]] = [[] for _ in reads]
    for number, hit in hits_with(list(enumerate(reads)), enumerate(reads)):
        overlap = as_overlap(hit)
        found[number].append(overlap)
        found[overlap.other].append(overlap.of_other(number))
    return [sorted(one, key=_rank)[:MOST_OVERLAPS] for one in found]


def _rank(overlap: Overlap) -> tuple[int, int, int]:
    return -overlap.equal, overlap.other, overlap.start


def hits_with(
    targets: Iterable[Numbered], queries: Iterable[Numbered], threads: int = 1
) -> Iterator[tuple[int, mappy.Alignment]]:
    """Align reads to some of them, each pair once: when the read of the lesser number is the query.

    Args:
        targets: the reads that others are aligned to.
        queries: all reads whose overlaps with these are wanted.
        threads: CPU cores.

    Yields:
        A query's number and an alignment of it, long enough and of few differences.
    """
    index = _index(targets)

    def hits(query: Numbered) -> list[tuple[int, mappy.Alignment]]:
        number, bases = query
        found = index.map(decode_bases(bases), name=_name(number))
        return [(number, hit) for hit in found if int(hit.ctg) != number and is_enough(hit.blen, hit.NM)]

    for own in ordered_map(hits, queries, threads):
        yield from own


def as_overlap(hit: mappy.Alignment) -> Overlap:
    """The overlap that an alignment of ``hits_with`` shows."""
    return Overlap(hit.q_st, hit.q_en, int(hit.ctg), hit.r_st, hit.r_en, hit.strand < 0, hit.mlen)


def is_enough(length: int, differences: int) -> bool:
    """Whether an overlap is long enough and has few enough differences.

    Args:
        length: columns of its alignment.
        differences: columns whose bases differ, or that have a gap.
    """
    return length >= SHORTEST and is_alike(length, differences)


def is_alike(length: int, differences: int) -> bool:
    """Whether two stretches differ as little as reads of one place do; arguments as for ``is_enough``."""
    return differences <= most_differences(length)


def most_differences(length: int) -> int:
    """The most differences of two stretches of one place, in so many columns."""
    return int(MOST_DIFFERENCES * length)


def _index(reads: Iterable[Numbered]) -> mappy.Aligner:
    """The index of minimap2; mappy takes several sequences from a file only."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reads.fasta"
        with path.open("w") as file:
            file.writelines(f">{_name(number)}\n{decode_bases(bases)}\n" for number, bases in reads)
        most, flags = 10 * MOST_OVERLAPS, _ALL_CHAINS | _NO_DUAL
        options = {"best_n": most, "min_chain_score": _LEAST_CHAINED, "extra_flags": flags}
        return mappy.Aligner(str(path), preset="map-hifi", **options)


def _name(number: int) -> str:
    """Names in the order of the numbers: of two reads, minimap2 aligns the one with the lesser name to the other."""
    return f"{number:012d}"
