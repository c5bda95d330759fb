"""How repetitive a sequence is, as far as seeds are concerned."""

import numpy as np

_SEED = 15
"""Bases; minimap2's map-ont preset."""


def repeated_matches(sequence: str) -> int:
    """Matches of the sequence's 15-mers to its own 15-mers elsewhere: what seeds of a copy of it would find in vain.

    A run of n equal bases, or n bases of a short unit, has up to n^2.
    """
    letters = np.frombuffer(sequence.encode("ascii"), np.uint8).astype(np.uint64)
    if len(letters) < _SEED:
        return 0
    # Two bits tell A, C, G and T apart (bits 1 and 2 of their ASCII codes); N counts as one of them.
    codes = letters >> np.uint64(1) & np.uint64(3)
    words = np.zeros(len(codes) - _SEED + 1, np.uint64)
    for offset in range(_SEED):
        words = words << np.uint64(2) | codes[offset : offset + len(words)]
    _, copies = np.unique(words, return_counts=True)
    return int((copies.astype(np.int64) ** 2).sum() - len(words))
