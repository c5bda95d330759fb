"""Where enough reads cover a read to correct it; elsewhere it is left as it is."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.pacbio.molecule import Alignment, Pass

MIN_COVERAGE = 3
"""Reads of the same haplotype, the corrected one included: two are a majority over one that has an error."""


def coverage(passes: Sequence[Pass], length: int) -> NDArray[np.int64]:
    """Passes that cover each base of their draft.

    Args:
        passes: aligned to it.
        length: bases of the draft.
    """
    steps = np.zeros(length + 1, np.int64)
    for p in passes:
        assert p.alignment is not None
        steps[p.alignment.start] += 1
        steps[p.alignment.start + _columns(p.alignment)] -= 1
    return np.cumsum(steps[:-1])


def within(p: Pass, covered: NDArray[np.bool_]) -> Iterator[Pass]:
    """The parts of an aligned pass where its draft is covered; the rest of each is clipped.

    Args:
        p: the pass.
        covered: ``bool[n]`` of the draft.
    """
    assert p.alignment is not None
    start, stop = p.alignment.start, p.alignment.start + _columns(p.alignment)
    edges = np.flatnonzero(np.diff(covered[start:stop], prepend=False, append=False)) + start
    for begin, end in edges.reshape(-1, 2).tolist():
        yield p if (begin, end) == (start, stop) else replace(p, alignment=_cut(p.alignment, begin, end))


def _columns(alignment: Alignment) -> int:
    return int(alignment.lengths @ cigar.ON_DRAFT[alignment.operations])


def _cut(alignment: Alignment, start: int, stop: int) -> Alignment:
    """The alignment from its first to its last pair within a stretch of the draft."""
    operations = np.repeat(alignment.operations, alignment.lengths)
    on_pass, on_draft = cigar.ON_PASS[operations], cigar.ON_DRAFT[operations]
    column = alignment.start + np.cumsum(on_draft) - on_draft
    pairs = np.flatnonzero(on_pass & on_draft & (column >= start) & (column < stop))
    first, last = pairs[0], pairs[-1] + 1
    clips = on_pass[:first].sum(), on_pass[last:].sum()
    clip = np.uint8(cigar.SOFT_CLIP)
    kept = np.concatenate([np.full(clips[0], clip), operations[first:last], np.full(clips[1], clip)])
    edges = np.flatnonzero(np.diff(kept.astype(np.int16), prepend=-1))
    lengths = np.diff(np.append(edges, len(kept)))
    return Alignment(int(column[first]), kept[edges].astype(np.uint8), lengths.astype(np.int32))
