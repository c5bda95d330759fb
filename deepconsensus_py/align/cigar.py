"""CIGAR arithmetic on arrays (SAM specification, section 1.4.6)."""

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.pacbio.molecule import Alignment

MATCH, INSERTION, DELETION, SKIP, SOFT_CLIP, HARD_CLIP, PADDING, EQUAL, DIFFERENT = range(9)

ON_PASS = np.array([1, 1, 0, 0, 1, 0, 0, 1, 1], bool)
ON_DRAFT = np.array([1, 0, 1, 1, 0, 0, 0, 1, 1], bool)


def alignment_of(columns: NDArray[np.uint8], *, start: int, head: int = 0, tail: int = 0) -> Alignment:
    """An alignment from one operation per column.

    Args:
        columns: ``uint8[columns]`` CIGAR codes.
        start: 0-based draft position of the first column.
        head: soft-clipped bases before the first column.
        tail: soft-clipped bases after the last column.
    """
    edges = np.flatnonzero(columns[1:] != columns[:-1]) + 1
    operations = columns[np.concatenate(([0], edges))]
    lengths = np.diff(np.concatenate(([0], edges, [len(columns)])))
    clips = [n > 0 for n in (head, tail)]
    operations = np.concatenate(([SOFT_CLIP] * clips[0], operations, [SOFT_CLIP] * clips[1]))
    lengths = np.concatenate(([head] * clips[0], lengths, [tail] * clips[1]))
    return Alignment(int(start), operations.astype(np.uint8), lengths.astype(np.int32))


def counts(alignment: Alignment) -> NDArray[np.int64]:
    """Bases of each operation, ``int64[9]``, indexed by CIGAR code."""
    return np.bincount(alignment.operations, alignment.lengths, minlength=9).astype(np.int64)


def identity(alignment: Alignment) -> float:
    """Equal bases over aligned, inserted and deleted ones; 0 where nothing is aligned."""
    n = counts(alignment)
    return float(n[EQUAL] / max(1, n[EQUAL] + n[DIFFERENT] + n[INSERTION] + n[DELETION]))


def paired_positions(alignment: Alignment) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The base pairs of an alignment.

    Returns:
        Positions in the pass (soft clips counted) and in the draft, ``int64[pairs]`` each.
    """
    operations, lengths = alignment.operations, alignment.lengths.astype(np.int64)
    on_pass, on_draft = ON_PASS[operations], ON_DRAFT[operations]
    paired = on_pass & on_draft
    runs = lengths[paired]
    offsets = np.arange(runs.sum()) - np.repeat(np.cumsum(runs) - runs, runs)
    in_pass = (np.cumsum(lengths * on_pass) - lengths)[paired]
    in_draft = (np.cumsum(lengths * on_draft) - lengths)[paired] + alignment.start
    return np.repeat(in_pass, runs) + offsets, np.repeat(in_draft, runs) + offsets
