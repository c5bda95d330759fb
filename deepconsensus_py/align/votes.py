"""The vote of aligned passes on each base of a draft, and how far it is to be trusted."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.pacbio.molecule import GAP, N, Pass

_SLOTS = 1 + 6
"""A draft base and up to six bases inserted after it."""

_HIGHEST_PHRED = 40
"""Beyond it the fit below was not seen to hold."""

_INTERCEPT, _SLOPE = -0.47, -2.76
"""Log-odds of an error against the margin of the vote, (for - against) / sqrt(passes); fitted on 1.17 million bases of
drafts of 3 to 22 passes, Sequel and Sequel II: predicted within 1.5 Phred of observed from Q3 to Q40."""


def vote(draft: NDArray[np.uint8], passes: Sequence[Pass]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Correct a draft by the majority of its passes.

    A base of the draft gives way to what more passes have there; bases are inserted where more than half have them.

    Args:
        draft: ``uint8[n]`` base codes.
        passes: aligned to it, gaps left-normalised.

    Returns:
        ``uint8[m]`` base codes and ``uint8[m]`` Phred qualities; a quality counts the votes for the base and those
        for the gap columns between it and the base before.
    """
    counts, coverage = _tally(len(draft), passes)
    called = _call(draft, counts, coverage)
    support = np.take_along_axis(counts, called[..., None].astype(np.int64), axis=2)[..., 0]
    margin = (2 * support - coverage[:, None]) / np.sqrt(np.maximum(coverage, 1))[:, None]
    kept = np.flatnonzero(called != GAP)
    if not len(kept):
        return np.empty(0, np.uint8), np.empty(0, np.uint8)
    weakest = np.minimum.reduceat(margin.ravel()[: kept[-1] + 1], np.append(0, kept[:-1] + 1))
    return called.ravel()[kept], _phred(weakest)


def _tally(length: int, passes: Sequence[Pass]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Passes with each base (or none) in each column, ``int64[length, slots, 6]``, and their number at each base."""
    counts = np.zeros(length * _SLOTS * (N + 1), np.int64)
    change = np.zeros(length + 1, np.int64)
    for p in passes:
        position, slot, base = _columns(p)
        inside = slot < _SLOTS
        flat = (position[inside] * _SLOTS + slot[inside]) * (N + 1) + base[inside]
        counts += np.bincount(flat, minlength=len(counts))
        change[position[0]] += 1
        change[position[-1] + 1] -= 1
    shaped, coverage = counts.reshape(length, _SLOTS, N + 1), np.cumsum(change[:-1])
    shaped[:, 1:, GAP] = coverage[:, None] - shaped[:, 1:, 1:].sum(axis=2)
    return shaped, coverage


def _columns(p: Pass) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]:
    """Draft position, slot and base (or gap) of every column of an alignment."""
    assert p.alignment is not None
    columns = np.repeat(p.alignment.operations, p.alignment.lengths)
    clipped = columns == cigar.SOFT_CLIP
    head = int(np.argmin(clipped))
    columns = columns[~clipped]
    on_pass, on_draft = cigar.ON_PASS[columns], cigar.ON_DRAFT[columns]
    base = np.zeros(len(columns), np.uint8)
    base[on_pass] = p.bases[head : head + np.count_nonzero(on_pass)]
    numbers = np.arange(len(columns))
    slot = numbers - np.maximum.accumulate(np.where(on_draft, numbers, 0))
    return p.alignment.start + np.cumsum(on_draft) - 1, slot, base


def _call(draft: NDArray[np.uint8], counts: NDArray[np.int64], coverage: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The base, or gap, of every column, ``uint8[length, slots]``."""
    called: NDArray[np.uint8] = counts.argmax(axis=2).astype(np.uint8)
    own = counts[np.arange(len(draft)), 0, draft]
    called[:, 0] = np.where(own >= counts[:, 0].max(axis=1), draft, called[:, 0])
    inserted = 2 * counts[:, 1:, 1:].sum(axis=2) > coverage[:, None]
    called[:, 1:] = np.where(inserted, counts[:, 1:, 1:].argmax(axis=2) + 1, GAP)
    return called


def _phred(margin: NDArray[np.float64]) -> NDArray[np.uint8]:
    quality = np.log1p(np.exp(-_INTERCEPT - _SLOPE * margin)) * (10 / np.log(10))
    phred: NDArray[np.uint8] = np.clip(np.rint(quality), 1, _HIGHEST_PHRED).astype(np.uint8)
    return phred
