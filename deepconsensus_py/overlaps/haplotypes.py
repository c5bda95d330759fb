"""Reads of the same haplotype: those that agree where reads differ from each other consistently.

Alleles of a diploid or polyploid genome and copies of a repeat are one problem: reads that differ at the same places in
the same way are not copies of one sequence, and must not correct each other.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.overlaps.neighbours import letters
from deepconsensus_py.pacbio.molecule import A, G, Pass

LEAST_SHARING = 3
"""Reads that share a base that the read does not have, and those that share its own (itself included), at a site.

Of two, too many share an error.
"""

MOST_DISAGREEING = 0.3
"""Share of the sites that a read of the same haplotype may differ at: by errors of its own."""


def informative_sites(bases: NDArray[np.uint8], pile: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Positions of a read where other reads share another base.

    Errors of sequencing are rarely shared. Differences of length are not looked at: in homopolymers they are shared.

    Args:
        bases: ``uint8[n]`` base codes of the read.
        pile: ``uint8[reads, n]`` what the reads have there (``neighbours.letters``), the read itself included.
    """
    counts = np.stack([(pile == code).sum(axis=0) for code in range(A, G + 1)])
    own = bases[None] == np.arange(A, G + 1)[:, None]
    sharing = np.where(own, 0, counts).max(axis=0)
    with_it = np.where(own, counts, 0).max(axis=0)
    return np.flatnonzero((sharing >= LEAST_SHARING) & (with_it >= LEAST_SHARING))


def of_same_haplotype(bases: NDArray[np.uint8], passes: Sequence[Pass]) -> list[Pass]:
    """The passes that agree with a read at the informative sites that they cover.

    Args:
        bases: ``uint8[n]`` base codes of the read.
        passes: aligned to it, the read itself included.
    """
    pile = np.stack([letters(p, len(bases)) for p in passes])
    sites = informative_sites(bases, pile)
    there = pile[:, sites]
    covered = (there >= A) & (there <= G)
    differing = (covered & (there != bases[sites])).sum(axis=1)
    kept = differing <= MOST_DISAGREEING * covered.sum(axis=1)
    return [p for p, keep in zip(passes, kept, strict=True) if keep]
