"""Where passes disagree with the sequence that they are aligned to in a way that its base qualities have to show.

A model that has no edit for a difference (another base that every pass reads, a missing repeat unit) leaves the
sequence as it is, and as sure as elsewhere. Here differences are counted whether or not a model has an edit for them,
and become the bases that are expected to be wrong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, erf
from typing import Any

import edlib
import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align.pass_counts import (
    WIDTH,
    PassCounts,
    bases_before,
    count_differences,
    lengths_between,
    longer_and_shorter,
)
from deepconsensus_py.align.poa import consensus_of
from deepconsensus_py.align.tandem_repeats import TandemRepeats, find_tandem_repeats
from deepconsensus_py.pacbio.molecule import N, Pass, decode_bases, encode_bases

PRIOR = 1e-4
"""Probability that a place of a draft has an error for which a model has no edit: about one in 10 kb."""

AGREEING = 0.8
"""Share of the passes that show such an error where there is one."""

LEAST_PROBABILITY, LEAST_WRONG = 0.1, 0.05
"""Of an error, and bases that are expected to be wrong: less is lost among the errors that models expect anyway."""

MARGIN = 10
"""Draft bases on either side of such places that go into the consensus of the passes."""

LONG_REPEAT = 100
"""Bases from which on the passes' lengths leave the number of copies open, whatever their mean is."""

SIGNIFICANT = 4.5
"""Standard errors by which the mean length of a shorter repeat must differ: some ten repeats in a molecule are looked
at, and passes err alike in some."""

WRONG_AT_MOST = 0.75
"""Probability that a random base is wrong."""

_MAJORITY, _MOST_SEGMENTS = 3, 30
"""Passes that a consensus takes: two have no majority, and more than thirty add nothing."""

_LEAST_RATE = 1e-3
_MEDIAN_FACTOR = 1.25
"""Standard error of a median over that of a mean."""

_FAR_OUT = 4
"""Standard errors; what is further away does not count."""

_Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Disagreement:
    """Stretches and repeats of a sequence that passes read otherwise.

    Attributes:
        start: ``int32[k]`` position of the first base of a stretch.
        stop: ``int32[k]`` one past its last base.
        probability: ``float32[k]`` that the difference is no accident.
        letters: ``uint8[n]`` base codes: the consensus of the passes of each stretch, with ``MARGIN`` on either side,
            laid end to end.
        size: ``int32[k]`` bases of each consensus.
        repeat_start: ``int32[r]`` position of the first base of a tandem repeat.
        repeat_stop: ``int32[r]`` one past its last base.
        repeat_surplus: ``float32[r]`` bases by which passes are longer there.
        repeat_spread: ``float32[r]`` standard error of that.
        repeat_unit: ``int32[r]`` bases of a unit.
    """

    start: NDArray[np.int32]
    stop: NDArray[np.int32]
    probability: NDArray[np.float32]
    letters: NDArray[np.uint8]
    size: NDArray[np.int32]
    repeat_start: NDArray[np.int32]
    repeat_stop: NDArray[np.int32]
    repeat_surplus: NDArray[np.float32]
    repeat_spread: NDArray[np.float32]
    repeat_unit: NDArray[np.int32]

    def layout(self) -> Mapping[str, NDArray[Any]]:
        """The arrays as entries of a corrector's layout."""
        return {f"disagreement_{name}": getattr(self, name) for name in self.__slots__}

    @classmethod
    def of_layout(cls, layout: Mapping[str, NDArray[Any]]) -> "Disagreement":
        """What ``layout`` gave."""
        return cls(*(layout[f"disagreement_{name}"] for name in cls.__slots__))


_DTYPES = ("i4", "i4", "f4", "u1", "i4", "i4", "i4", "f4", "f4", "i4")
NO_DISAGREEMENT = Disagreement(*(np.empty(0, dtype) for dtype in _DTYPES))


def find_disagreement(draft: NDArray[np.uint8], passes: Sequence[Pass]) -> Disagreement:
    """Find what passes read otherwise than a draft.

    Differences that alignments show (another base, an inserted letter, windows that are longer or shorter) only say
    where to look: what passes read there, their partial-order consensus tells, which does not depend on where an
    alignment puts its gaps. The lengths of tandem repeats are compared as a whole.

    Args:
        draft: ``uint8[n]`` base codes.
        passes: aligned to it, gaps left-normalised.
    """
    counts = count_differences(draft, passes)
    repeats = find_tandem_repeats(draft)
    outside = _outside(repeats, len(draft))
    places = [*_other_bases(counts), *_inserted_letters(counts, outside), *_indels(counts, outside)]
    stretches = _stretches(draft, passes, counts, places)
    start, stop, probability = np.array([s[:3] for s in stretches], np.float64).reshape(-1, 3).T
    letters = [consensus for *_, consensus in stretches]
    columns = (
        *(start, stop, probability, np.concatenate([*letters, np.empty(0)]), [len(consensus) for consensus in letters]),
        *np.array(_repeat_lengths(counts, repeats), np.float64).reshape(-1, 5).T,
    )
    return Disagreement(*(np.asarray(column).astype(dtype) for column, dtype in zip(columns, _DTYPES, strict=True)))


def with_disagreement(
    error: NDArray[np.float32], bases: NDArray[np.uint8], index: NDArray[np.integer], disagreement: Disagreement
) -> NDArray[np.float32]:
    """Error probabilities of a read, raised where passes disagree with it.

    Args:
        error: ``float32[m]`` probabilities that its bases are wrong.
        bases: ``uint8[m]`` base codes of the read.
        index: ``[m]`` position of each base in the sequence of ``disagreement``, -1 for one that was put in.
        disagreement: of the passes with that sequence.
    """
    found, raised = disagreement, error.copy()
    places = _Places(index)
    consensuses = np.split(found.letters, np.cumsum(found.size)[:-1]) if len(found.size) else []
    for stretch, consensus in enumerate(consensuses):
        start, stop = int(found.start[stretch]), int(found.stop[stretch])
        around = bases[slice(*places.between(max(start - MARGIN, 0), stop + MARGIN))]
        distance = edlib.align(around.tobytes(), consensus.tobytes())["editDistance"]
        _raise(raised, *places.between(start, stop), float(found.probability[stretch]) * distance)
    for repeat in range(len(found.repeat_start)):
        start, stop = int(found.repeat_start[repeat]), int(found.repeat_stop[repeat])
        left, right = places.between(start, stop)
        surplus = float(found.repeat_surplus[repeat]) - ((right - left) - (stop - start))
        spread, unit = float(found.repeat_spread[repeat]), int(found.repeat_unit[repeat])
        _raise(raised, left, right, _expected_wrong(surplus, spread, unit))
    return raised


class _Places:
    """Where stretches of a sequence lie in a read that was made of it.

    Args:
        index: ``[m]`` position of each base of the read in the sequence, -1 for one that was put in.
    """

    def __init__(self, index: NDArray[np.integer]) -> None:
        self._kept = np.flatnonzero(index >= 0)
        self._position = index[self._kept]
        self._length = len(index)

    def between(self, start: int, stop: int) -> tuple[int, int]:
        """From behind the last base before a stretch to the first one after it: bases put in at its ends are in it."""
        first, last = np.searchsorted(self._position, (start, stop))
        begin = int(self._kept[first - 1]) + 1 if first else 0
        return begin, int(self._kept[last]) if last < len(self._kept) else self._length


def _raise(error: NDArray[np.float32], left: int, right: int, wrong: float) -> None:
    """Let a stretch say that so many bases are wrong, with as many bases around it as that takes."""
    if wrong < LEAST_WRONG:
        return
    lacking = max(0, ceil((wrong / WRONG_AT_MOST - (right - left)) / 2))
    own = slice(max(left - lacking, 0), right + lacking)
    size = max(len(error[own]), 1)
    error[own] = np.maximum(error[own], np.float32(min(wrong / size, WRONG_AT_MOST)))


def _expected_wrong(surplus: float, spread: float, unit: int) -> float:
    """Bases that are wrong, where a length can be wrong by whole units and was measured with a standard error."""
    units = ceil((abs(surplus) + _FAR_OUT * spread) / unit) + 1
    return unit * sum(
        _above((i - 0.5) * unit, surplus, spread) + _above((i - 0.5) * unit, -surplus, spread)
        for i in range(1, units + 1)
    )


def _above(threshold: float, mean: float, spread: float) -> float:
    return 0.5 * (1 - erf((threshold - mean) / (spread * 2**0.5)))


def _posterior(showing: Any, covering: Any, rate: float) -> Any:
    """Probability of an error that ``showing`` of ``covering`` passes show, and other passes at a rate by accident."""
    rate = min(max(rate, _LEAST_RATE), AGREEING / 2)
    odds = np.log(PRIOR) + showing * np.log(AGREEING / rate)
    odds = odds + (covering - showing) * np.log((1 - AGREEING) / (1 - rate))
    return 1 / (1 + np.exp(-np.clip(odds, -50, 50)))


def _shown_by_half(showing: _Integers, covering: _Integers, rate: float) -> tuple[_Integers, NDArray[np.float64]]:
    """Places where half of the passes or more show a difference that is likely to be an error, and its probability."""
    at = np.flatnonzero((2 * showing >= covering) & (showing > 0))
    probability = _posterior(showing[at], covering[at], rate)
    likely = probability >= LEAST_PROBABILITY
    return at[likely], probability[likely]


_Place = tuple[int, int, float]
"""First position, one past the last one, and the probability that the draft is wrong there."""


def _other_bases(counts: PassCounts) -> list[_Place]:
    """Positions where passes read another base."""
    letters = counts.other[:, 1:N]
    rate = letters.sum() / counts.covered / 3
    found = _shown_by_half(letters.max(axis=1, initial=0), counts.covering[:-1], rate)
    return [(at, at + 1, probability) for at, probability in zip(*found, strict=True)]


def _inserted_letters(counts: PassCounts, outside: NDArray[np.bool_]) -> list[_Place]:
    """Gaps where passes insert a letter that neither neighbour has; outside of repeats."""
    letters = counts.inserted[:-1, 1:N]
    rate = letters.sum() / counts.covered / 2
    most = np.where(outside[:-1], letters.max(axis=1, initial=0), 0)
    found = _shown_by_half(most, counts.covering[:-1], rate)
    return [(max(at - 1, 0), at + 1, probability) for at, probability in zip(*found, strict=True)]


def _indels(counts: PassCounts, outside: NDArray[np.bool_]) -> list[_Place]:
    """Windows in which passes have two bases more, or two less, than the draft; outside of repeats."""
    showing, covering = longer_and_shorter(counts.gained, counts.lost, counts.start, counts.stop)
    own = outside[: len(covering)] & outside[len(outside) - len(covering) :]
    places: list[_Place] = []
    for row in showing:
        found = _shown_by_half(np.where(own, row, 0), covering, row.sum() / max(1, covering.sum()))
        places += [(at, at + WIDTH, probability) for at, probability in zip(*found, strict=True)]
    return places


def _stretches(
    draft: NDArray[np.uint8], passes: Sequence[Pass], counts: PassCounts, places: Sequence[_Place]
) -> list[tuple[int, int, float, NDArray[np.uint8]]]:
    """Stretches of neighbouring places where the consensus of the passes is another and fits them better.

    Returns:
        Start, stop, probability and consensus of each.
    """
    found = []
    for start, stop, probability in _joined(sorted(places)):
        around = slice(max(start - MARGIN, 0), min(stop + MARGIN, len(draft)))
        segments = _segments(passes, counts, around)
        if len(segments) < _MAJORITY:
            continue
        own = decode_bases(draft[around])
        consensus = consensus_of(segments)
        if _distance(segments, consensus) < _distance(segments, own):
            found.append((start, stop, probability, encode_bases(consensus)))
    return found


def _distance(segments: Sequence[str], sequence: str) -> int:
    """The sum of the edit distances."""
    return sum(int(edlib.align(segment, sequence)["editDistance"]) for segment in segments)


def _joined(places: Sequence[_Place]) -> list[_Place]:
    """Places in order, those that lie near each other as one."""
    joined: list[_Place] = []
    for start, stop, probability in places:
        if joined and start <= joined[-1][1] + WIDTH:
            first, last, most = joined.pop()
            joined.append((first, max(last, stop), max(most, probability)))
        else:
            joined.append((start, stop, probability))
    return joined


def _segments(passes: Sequence[Pass], counts: PassCounts, around: slice) -> list[str]:
    """What the first passes that span a stretch read there."""
    segments = []
    for row, p in enumerate(passes):
        if counts.start[row] < around.start and counts.stop[row] > around.stop and p.alignment is not None:
            alignment = (p.alignment.operations, p.alignment.lengths, p.alignment.start)
            first, last = (int(bases_before(*alignment, edge)) for edge in (around.start, around.stop))
            segments += [decode_bases(p.bases[first:last])] * (last > first)
        if len(segments) == _MOST_SEGMENTS:
            break
    return segments


def _repeat_lengths(counts: PassCounts, repeats: TandemRepeats) -> list[tuple[float, ...]]:
    """Tandem repeats whose length passes read otherwise, or cannot tell."""
    found: list[tuple[float, ...]] = []
    for start, stop, unit in zip(repeats.start.tolist(), repeats.stop.tolist(), repeats.unit.tolist(), strict=True):
        length = stop - start
        difference, drift, variance = lengths_between(counts, start, stop)
        if not len(difference):
            continue
        surplus = float(np.median(difference - drift * length))
        spread = _MEDIAN_FACTOR * float(np.sqrt(np.median(variance) * length / len(difference)))
        if length >= LONG_REPEAT or abs(surplus) >= max(SIGNIFICANT * spread, unit / 2):
            found.append((start, stop, surplus, spread, unit))
    return found


def _outside(repeats: TandemRepeats, n: int) -> NDArray[np.bool_]:
    """Positions ``bool[n + 1]`` that are in no repeat and not beside one."""
    outside = np.ones(n + 1, np.bool_)
    for start, stop in zip(repeats.start, repeats.stop, strict=True):
        outside[max(start - WIDTH, 0) : stop + 2] = False
    return outside
