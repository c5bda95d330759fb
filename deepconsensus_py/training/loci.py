"""Molecules of the same locus, such as amplicons, and where the read of one disagrees with those of all others."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from deepconsensus_py.align.passes import align_passes
from deepconsensus_py.edits.repeats import find_homopolymers
from deepconsensus_py.edits.support import alleles
from deepconsensus_py.pacbio.molecule import A, Draft, Pass, Zmw, reverse_complement

Codes = NDArray[np.uint8]

_K = 16
_SHIFT = np.uint64(60)
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""Of the hash of a k-mer; the one in 16 whose hash is lowest are compared (Knuth, multiplicative hashing)."""

SHARED = 0.5
"""Least share of k-mers of the longer of two reads that they have in common: 96 % identity, over the whole read."""

LEAST_OTHERS = 3
"""Fewest other molecules whose agreement counts."""

OVERWHELMING = 3
"""Times as many of a molecule's own passes that must show its read as show what the others have."""


def same_locus(reads: Sequence[Codes]) -> list[list[int]]:
    """Group reads of the same locus, in either orientation: from end to end, with few differences.

    Args:
        reads: ``uint8[n]`` base codes of each.

    Returns:
        Indices of the reads of each locus, in order; a locus may have one read.
    """
    loci: list[list[int]] = []
    sizes: list[int] = []
    known: dict[int, list[int]] = {}
    for number, read in enumerate(reads):
        words = _words(read)
        shared = Counter(locus for word in words for locus in known.get(word, ()))
        best, count = shared.most_common(1)[0] if shared else (0, 0)
        if count and count >= SHARED * max(sizes[best], len(words)):
            loci[best].append(number)
            continue
        # The first read of a locus stands for it.
        for word in words:
            known.setdefault(word, []).append(len(loci))
        loci.append([number])
        sizes.append(len(words))
    return loci


def _words(read: Codes) -> list[int]:
    """Hashes of some k-mers of a read, the same of both strands."""
    if len(read) < _K:
        return []
    place = np.uint64(4) ** np.arange(_K, dtype=np.uint64)
    strands = (sliding_window_view(bases - np.uint8(A), _K) @ place for bases in (read, reverse_complement(read)))
    forward, backward = strands
    hashes = np.minimum(forward, backward[::-1]) * _FACTOR
    found: list[int] = np.unique(hashes[hashes >> _SHIFT == 0]).tolist()
    return found


def disputed(zmw: Zmw, others: Sequence[Codes]) -> NDArray[np.bool_]:
    """Bases of a read where the other molecules of its locus agree on something else.

    Variants of the molecule itself, which its own passes show clearly, are not disputed.

    Args:
        zmw: the read as draft, with the passes that it was made from aligned to it.
        others: ``uint8[n]`` base codes of the reads of the other molecules.

    Returns:
        ``bool[n]`` of the bases of the read: homopolymers at which at least ``LEAST_OTHERS`` others have the same
        bases, none has those of the read, and fewer than ``OVERWHELMING`` times as many of its own passes show its
        bases as show theirs.
    """
    draft = zmw.draft.bases
    if len(others) < LEAST_OTHERS:
        return np.zeros(len(draft), np.bool_)
    homopolymers = find_homopolymers(draft)
    copies = align_passes(Draft("locus", draft, None), [Pass("copy", one, None, None, None) for one in others])

    def read(passes: Sequence[Pass | None]) -> tuple[NDArray[np.bool_], NDArray[np.uint64]]:
        found = [alleles(p.bases, p.alignment, homopolymers) for p in passes if p is not None and p.alignment]
        shape = (len(found), len(homopolymers))
        spans, codes = (np.array([one[part] for one in found]).reshape(shape) for part in (0, 1))
        return spans, codes

    spans, codes = read(copies)
    _, own = read(align_passes(Draft("locus", draft, None), [Pass("own", draft, None, None, None)]))
    theirs = codes.max(axis=0, initial=0)
    agree = (~spans | (codes == theirs)).all(axis=0) & (spans.sum(axis=0) >= LEAST_OTHERS)
    of_passes, shown = read(zmw.passes)
    backing, opposing = ((of_passes & (shown == which)).sum(axis=0) for which in (own[0], theirs))
    unsure = agree & (theirs != own[0]) & (backing < OVERWHELMING * opposing)
    return np.repeat(unsure, homopolymers.length)
