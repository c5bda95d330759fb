"""How many passes show a sequence as it is: a truth that no pass shows is probably wrong."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align.cigar import left_normalise
from deepconsensus_py.edits.labels import homopolymer_spans
from deepconsensus_py.edits.repeats import Homopolymers
from deepconsensus_py.pacbio.molecule import Alignment, N, Pass

LEAST_SPANNING = 5
"""Fewest passes that can make a truth uncertain."""

CHANCE = 1e-4
"""Highest probability that all passes miss a correct homopolymer by their errors alone: of the thousands of a molecule,
less than one. Passes show long homopolymers so seldom in their right length that it takes many to be sure."""

_LONGEST = 8
"""Longest homopolymers whose errors are counted apart."""

_FACTORS = np.random.default_rng(0).integers(2**63, size=1 << 10, dtype=np.uint64) | np.uint64(1)
"""Hash of a sequence: the sum of its base codes, each times the factor of its position."""


def alleles(
    bases: NDArray[np.uint8], alignment: Alignment, homopolymers: Homopolymers
) -> tuple[NDArray[np.bool_], NDArray[np.uint64]]:
    """What a sequence has at each homopolymer, with the bases inserted in front of it.

    Args:
        bases: ``uint8[n]`` base codes.
        alignment: to the sequence of the homopolymers, gaps left-normalised.
        homopolymers: of that sequence.

    Returns:
        ``bool[homopolymers]`` whether it spans each, and ``uint64[homopolymers]`` a hash of its bases there.
    """
    spans = homopolymer_spans(alignment, homopolymers)
    begin, _, end = spans.positions.T
    owner = np.repeat(np.arange(len(begin)), end - begin)
    # Spanned homopolymers are contiguous, and so are their bases.
    position = np.arange(len(owner)) + begin[spans.covered].min(initial=len(bases))
    place = (position - begin[owner]) % len(_FACTORS)
    summed = np.append(np.uint64(0), np.cumsum(bases[position] * _FACTORS[place], dtype=np.uint64))
    stop = np.cumsum(end - begin)
    return spans.covered, summed[stop] - summed[stop - (end - begin)]


def unsupported(
    draft: NDArray[np.uint8],
    homopolymers: Homopolymers,
    truth: tuple[NDArray[np.uint8], Alignment],
    passes: Sequence[Pass],
) -> NDArray[np.bool_]:
    """Homopolymers of a draft whose truth none of the passes shows, although several span them.

    The truth is probably wrong there: an error of the assembly, or a difference between the molecule and the reference.

    Args:
        draft: ``uint8[n]`` base codes.
        homopolymers: of the draft.
        truth: base codes, and their alignment to the draft.
        passes: aligned to the draft, gaps left-normalised.

    Returns:
        ``bool[homopolymers]``: at least ``LEAST_SPANNING`` passes span it, none of them has exactly the bases of the
        truth, and errors at the rate of these passes in homopolymers of its length explain this with a probability
        below ``CHANCE``.
    """
    bases, alignment = truth
    known, wanted = alleles(bases, left_normalise(alignment, bases, draft), homopolymers)
    spanning, showing = np.zeros((2, len(wanted)), np.int64)
    for p in passes:
        assert p.alignment is not None
        spans, found = alleles(p.bases, p.alignment, homopolymers)
        spanning += spans & known
        showing += spans & known & (found == wanted)
    length = np.minimum(homopolymers.length, _LONGEST)
    seen, missed = np.bincount(length, spanning), np.bincount(length, spanning - showing)
    by_chance = ((missed + 1) / (seen + 2))[length] ** spanning
    found_nowhere: NDArray[np.bool_] = (spanning >= LEAST_SPANNING) & (showing == 0) & (by_chance < CHANCE)
    return found_nowhere


def unknown(bases: NDArray[np.uint8], alignment: Alignment, homopolymers: Homopolymers) -> NDArray[np.bool_]:
    """Homopolymers of a draft at which its truth is unknown.

    Args:
        bases: ``uint8[n]`` base codes of the truth; N where it is unknown.
        alignment: of the truth to the draft.
        homopolymers: of the draft.

    Returns:
        ``bool[homopolymers]`` whether the truth has an N there, or at a neighbour: gaps between unknown bases may lie
        at either.
    """
    begin, _, end = homopolymer_spans(alignment, homopolymers).positions.T
    before = np.append(0, np.cumsum(bases == N))
    found = np.pad(before[end] > before[begin], 1)
    near: NDArray[np.bool_] = found[:-2] | found[1:-1] | found[2:]
    return near
