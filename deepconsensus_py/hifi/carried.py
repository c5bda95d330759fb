"""Kinetics of a draft carried over to its polished read, where they cannot be computed from passes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.hifi.kinetics import (
    ARRAY_TAGS,
    COUNT_TAGS,
    KINETICS_TAGS,
    REVERSE,
    Codes,
    Integers,
    Kinetics,
    Origin,
)
from deepconsensus_py.pacbio.codec import codes_to_frames, frames_to_codes
from deepconsensus_py.pacbio.molecule import Draft

_DTYPES = (np.uint8, np.uint16)
"""Codec V1 codes, and frames."""

_MOST_PASSES = 2**31 - 1


def has_kinetics(draft: Draft) -> bool:
    """Whether a draft has any tag with kinetics of its bases."""
    return any(tag in ARRAY_TAGS for tag, _, _ in draft.tags)


def draft_kinetics(draft: Draft) -> Kinetics:
    """The kinetics of a draft: raw frames (``Ipd:Frames``) as codes, otherwise unchanged.

    They are ``Origin.INVALID`` if an array has neither the draft's length nor none, or holds neither codes (``uint8``)
    nor frames (``uint16``), or if a number of passes is none.
    """
    values = {tag: value for tag, value, _ in draft.tags if tag in KINETICS_TAGS}
    counts = {tag: values.pop(tag) for tag in COUNT_TAGS if tag in values}
    arrays = {tag: np.asarray(value) for tag, value in values.items()}
    sound = all(own.dtype in _DTYPES and len(own) in {0, len(draft.bases)} for own in arrays.values())
    if not sound or not all(isinstance(count, int) and 0 <= count <= _MOST_PASSES for count in counts.values()):
        return Kinetics(Origin.INVALID)
    codes = {tag: own if own.dtype == np.uint8 else frames_to_codes(own) for tag, own in arrays.items()}
    return Kinetics(Origin.CARRIED, codes, counts)


def carried_kinetics(draft: Draft, bases: Codes, draft_index: Integers) -> Kinetics:
    """The kinetics of a draft, carried over to its polished read.

    Kept bases keep theirs. Where as many bases were inserted as removed, they are substitutions and keep theirs too.
    Other inserted bases get those of the nearest kept base of their homopolymer (of two, the left one), or else the
    mean of their kept neighbours. 0 is no data and does not count in a mean.

    Args:
        draft: with kinetics; the result is ``Origin.INVALID`` if they are, or if no base of the draft is kept.
        bases: ``uint8[n]`` base codes of the read.
        draft_index: ``int32[n]`` position of each base in the draft, increasing; -1 for an inserted base.
    """
    found = draft_kinetics(draft)
    if found.origin is Origin.INVALID or (draft_index < 0).all():
        return Kinetics(Origin.INVALID)
    left, right = _sources(bases, draft_index, len(draft.bases))
    arrays = {}
    for tag, own in found.arrays.items():
        step = -1 if tag in REVERSE else 1
        arrays[tag] = _mean(own[::step][left], own[::step][right])[::step] if len(own) else own
    return Kinetics(Origin.CARRIED, arrays, found.counts)


def _sources(bases: Codes, draft_index: Integers, length: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The two draft positions whose kinetics each base of a read gets the mean of, mostly the same one twice."""
    left = draft_index.astype(np.int64)
    new, kept = np.flatnonzero(draft_index < 0), np.flatnonzero(draft_index >= 0)
    # The kept neighbours of each inserted base; before the first and after the last there are none.
    after = np.searchsorted(kept, new)
    previous, following = np.append(-1, kept)[after], np.append(kept, len(bases))[after]
    a, b = np.append(-1, left[kept])[after], np.append(left[kept], length)[after]
    substituted = b - a == following - previous
    first, last = _homopolymers(bases)
    of_left = (previous >= 0) & (first[new] <= previous)
    of_right = (following < len(bases)) & (last[new] >= following)
    nearer = new - previous <= following - new
    only_left = (b == length) | (of_left & (nearer | ~of_right))
    only_right = ~only_left & ((a < 0) | of_right)
    own = a + new - previous
    right = left.copy()
    left[new] = np.where(substituted, own, np.where(only_right, b, a))
    right[new] = np.where(substituted, own, np.where(only_left, a, b))
    return left, right


def _homopolymers(bases: Codes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last position of the homopolymer that each base of a sequence is in."""
    starts = np.flatnonzero(np.append(True, bases[1:] != bases[:-1]))
    sizes = np.diff(np.append(starts, len(bases)))
    return np.repeat(starts, sizes), np.repeat(starts + sizes - 1, sizes)


def _mean(left: NDArray[Any], right: NDArray[Any]) -> Codes:
    """Codes of the mean durations of two arrays of codes, rounded half to even; of the one if the other is 0."""
    frames = np.stack([codes_to_frames(left), codes_to_frames(right)]).astype(np.float64)
    mean = np.where(frames.min(axis=0) > 0, frames.mean(axis=0), frames.max(axis=0))
    return frames_to_codes(np.rint(mean).astype(np.int64))
