"""CIGAR arithmetic on arrays (SAM specification, section 1.4.6)."""

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.pacbio.molecule import Alignment

MATCH, INSERTION, DELETION, SKIP, SOFT_CLIP, HARD_CLIP, PADDING, EQUAL, DIFFERENT = range(9)

ON_PASS = np.array([1, 1, 0, 0, 1, 0, 0, 1, 1], bool)
ON_DRAFT = np.array([1, 0, 1, 1, 0, 0, 0, 1, 1], bool)


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
