"""Reads of the same haplotype: those that agree where reads differ from each other consistently.

Alleles of a diploid or polyploid genome and copies of a repeat are one problem: reads that differ at the same places in
the same way are not copies of one sequence, and must not correct each other.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.overlaps.coverage import within
from deepconsensus_py.overlaps.sites import DECISIVE, Pile, Sites
from deepconsensus_py.pacbio.molecule import Draft, Pass

MOST_DISAGREEING = 0.3
"""Share of the sites, by weight, that a read of the same haplotype may differ at: by errors of its own."""

MOST_SUBSTITUTIONS = 0.003
"""Share of the sure bases of a read that are others in one of the same haplotype: errors are a tenth as many."""

BESIDE = 10
"""Bases on both sides of a site where a read that differs there does not count."""

APART = 20
"""Bases: nearer sites may be one difference, aligned in two ways, and count once."""


def of_same_haplotype(draft: Draft, passes: Sequence[Pass]) -> list[Pass]:
    """The passes that agree with a read at most informative sites, without their parts around the others.

    So nothing tells against what the read has at a site.

    Args:
        draft: the read.
        passes: aligned to it and left-normalised, the read itself first.
    """
    pile = Pile.of(draft, passes)
    sites = pile.sites()
    differing, agreeing = (_weights(which, sites) for which in (sites.differs, sites.agrees))
    others = (differing >= DECISIVE) & (differing > MOST_DISAGREEING * (differing + agreeing))
    others |= pile.substitutions() > MOST_SUBSTITUTIONS
    kept = np.flatnonzero(~others).tolist()
    return [part for number in kept for part in _agreeing(passes[number], number, sites, draft)]


def _weights(which: NDArray[np.bool_], sites: Sites) -> NDArray[np.int64]:
    """Weight ``int64[passes]`` of some of the sites of each pass; of those that are near each other, the heaviest."""
    if not len(sites.start):
        return np.zeros(len(which), np.int64)
    first = np.flatnonzero(np.diff(sites.start, prepend=-APART) >= APART)
    weights: NDArray[np.int64] = np.maximum.reduceat(which * sites.weight, first, axis=1).sum(axis=1)
    return weights


def _agreeing(p: Pass, number: int, sites: Sites, draft: Draft) -> Iterator[Pass]:
    differing = np.flatnonzero(sites.differs[number])
    if not len(differing):
        yield p
        return
    where = np.ones(len(draft.bases), np.bool_)
    for start, stop in zip(sites.start[differing], sites.stop[differing], strict=True):
        where[max(start - BESIDE, 0) : stop + BESIDE] = False
    yield from within(p, where)
