"""Overlaps of reads with each other, by minimap2."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mappy
import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.pacbio.molecule import decode_bases

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


def find_overlaps(reads: Sequence[Codes]) -> list[list[Overlap]]:
    """Align all reads with each other.

    Args:
        reads: base codes ``uint8[n]`` of each.

    Returns:
        The overlaps of each read, at most ``MOST_OVERLAPS``, those with the most equal bases first.
    """
    found: list[list[Overlap]] = [[] for _ in reads]
    index = _index(reads)
    for number, bases in enumerate(reads):
        for hit in index.map(decode_bases(bases), name=_name(number)):
            target = int(hit.ctg)
            if target == number or not _is_of_one_place(hit):
                continue
            own = Overlap(hit.q_st, hit.q_en, target, hit.r_st, hit.r_en, hit.strand < 0, hit.mlen)
            found[number].append(own)
            found[target].append(own.of_other(number))
    return [sorted(one, key=lambda overlap: -overlap.equal)[:MOST_OVERLAPS] for one in found]


def _is_of_one_place(hit: mappy.Alignment) -> bool:
    return bool(hit.blen >= SHORTEST and MOST_DIFFERENCES * hit.blen >= hit.NM)


def _index(reads: Sequence[Codes]) -> mappy.Aligner:
    """The index of minimap2; mappy takes several sequences from a file only."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reads.fasta"
        with path.open("w") as file:
            file.writelines(f">{_name(number)}\n{decode_bases(bases)}\n" for number, bases in enumerate(reads))
        most, flags = 10 * MOST_OVERLAPS, _ALL_CHAINS | _NO_DUAL
        options = {"best_n": most, "min_chain_score": _LEAST_CHAINED, "extra_flags": flags}
        return mappy.Aligner(str(path), preset="map-hifi", **options)


def _name(number: int) -> str:
    """Names in the order of the numbers: of two reads, minimap2 aligns the one with the lesser name to the other."""
    return f"{number:012d}"
