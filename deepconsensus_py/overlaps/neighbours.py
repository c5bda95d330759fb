"""The reads that overlap with one, as passes of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.align.cigar import left_normalise
from deepconsensus_py.align.wavefront import few_differences
from deepconsensus_py.overlaps.overlap import Codes, Overlap, is_alike, most_differences
from deepconsensus_py.pacbio.molecule import Alignment, Draft, Pass, reverse_complement


@dataclass(frozen=True, slots=True, eq=False)
class Copy:
    """A read as it is known so far.

    Attributes:
        bases: ``uint8[n]`` base codes.
        index: ``int32[n]`` position of each base in the read as it was given, -1 for an inserted one.
    """

    bases: Codes
    index: NDArray[np.int32]

    @classmethod
    def of(cls, bases: Codes) -> "Copy":
        """A read without corrections."""
        return cls(bases, np.arange(len(bases), dtype=np.int32))

    def between(self, start: int, stop: int) -> Codes:
        """The bases of a stretch of the read as it was given, without those inserted at its ends."""
        kept = np.flatnonzero(self.index >= 0)
        first, last = np.searchsorted(self.index[kept], (start, stop))
        return self.bases[kept[first] : kept[last - 1] + 1] if first < last else self.bases[:0]


def as_passes(draft: Draft, overlaps: Sequence[Overlap], copies: Sequence[Copy]) -> list[Pass]:
    """The read itself and what other reads have where they overlap with it, aligned to it, if they differ little.

    Args:
        draft: the read.
        overlaps: of the read.
        copies: of all reads, by number.
    """
    whole = Alignment(0, np.array([cigar.EQUAL], np.uint8), np.array([len(draft.bases)], np.int32))
    passes = [Pass(f"{draft.name}/own", draft.bases, None, None, None, alignment=whole)]
    for number, overlap in enumerate(overlaps):
        bases = copies[overlap.other].between(overlap.other_start, overlap.other_stop)
        if not len(bases):
            continue
        bases = reverse_complement(bases) if overlap.reverse else bases
        stretch = draft.bases[overlap.start : overlap.stop]
        found = few_differences(bases, stretch, most_differences(len(bases) + len(stretch)))
        if found is None or not is_alike(int(found[1].sum()), int(found[1][found[0] != cigar.EQUAL].sum())):
            continue
        aligned = Alignment(overlap.start, *found)
        name = f"{draft.name}/{number}"
        one = Pass(name, bases, None, None, None, alignment=aligned, reverse=overlap.reverse)
        passes.append(replace(one, alignment=left_normalise(aligned, bases, draft.bases)))
    return passes
