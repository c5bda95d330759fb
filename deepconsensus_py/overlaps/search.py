"""All overlaps of the reads of files, by minimap2, a block of reads in memory at a time."""

import logging
from collections.abc import Iterator

import mappy
import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.overlaps.located import LocatedReads
from deepconsensus_py.overlaps.overlap import Numbered, hits_with

log = logging.getLogger(__name__)

INDEX_BASES = 100_000_000
"""Bases of the reads that are indexed at a time: 350 MB of memory. All earlier reads are aligned to each index."""


def search(
    reads: LocatedReads, *, threads: int = 1, chunk: tuple[int, int] = (1, 1), most: int = INDEX_BASES
) -> Iterator[tuple[int, mappy.Alignment]]:
    """Align reads with each other, each pair once.

    Args:
        reads: all of them.
        threads: CPU cores.
        chunk: (i, n) finds only the i-th, from 1, of n parts, which together find all.
        most: bases that are indexed at a time.

    Yields:
        The number of a read and an alignment of it to one of a higher number (``overlap.hits_with``).

    Raises:
        InputError: a file is damaged.
    """
    parts = _parts(reads.rows["length"], most)
    own = [part for number, part in enumerate(parts) if number % chunk[1] == chunk[0] - 1]
    for done, (start, stop) in enumerate(own, 1):
        log.info("overlaps with reads %d to %d of %d (%d of %d)", start + 1, stop, len(reads), done, len(own))
        yield from hits_with(_numbered(reads, start, stop), _numbered(reads, 0, stop), threads)


def _parts(lengths: NDArray[np.int32], most: int) -> list[tuple[int, int]]:
    """Ranges of reads of at most so many bases, or of one read."""
    edges, bases = [0], 0
    for number, length in enumerate(lengths.tolist()):
        if bases and bases + length > most:
            edges.append(number)
            bases = 0
        bases += length
    return list(zip(edges, [*edges[1:], len(lengths)], strict=True))


def _numbered(reads: LocatedReads, start: int, stop: int) -> Iterator[Numbered]:
    """Bases of the reads of a range that are not damaged."""
    for number, read in enumerate(reads.part(np.arange(start, stop)).read(), start):
        if not read.reason:
            yield number, read.draft.bases
