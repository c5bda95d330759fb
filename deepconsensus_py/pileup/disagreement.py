"""Where passes disagree with the sequence that they are aligned to in a way that its base qualities have to show.

A model that has no edit for a difference (another base that every pass reads, a missing repeat unit) leaves the
sequence as it is, and as sure as elsewhere. Here differences are counted whether or not a model has an edit for them,
and become the bases that are expected to be wrong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, erf
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from deepconsensus_py.pacbio.molecule import N, Pass
from deepconsensus_py.pileup.tandem_repeats import TandemRepeats, find_tandem_repeats

PRIOR = 1e-4
"""Probability that a place of a draft has an error for which a model has no edit: about one in 10 kb."""

AGREEING = 0.8
"""Share of the passes that show such an error where there is one."""

LEAST_PROBABILITY = 0.01
"""Less is lost among the errors that models expect anyway (Q20 at a single place)."""

WIDTH = 5
"""Draft bases of a window: outside of repeats, alignments put a gap within two bases of its place."""

SHORT_GAP = 5
"""Bases from which on a gap is no pass's usual error, and does not count in a pass's rates."""

LONG_REPEAT = 100
"""Bases from which on the passes' lengths leave the number of copies open, whatever their mean is."""

SIGNIFICANT = 4.5
"""Standard errors by which the mean length of a shorter repeat must differ: some ten repeats in a molecule are looked
at, and passes err alike in some."""

WRONG_AT_MOST = 0.75
"""Probability that a random base is wrong."""

_INSERTION, _SOFT_CLIP = 1, 4
_ON_PASS = np.array([1, 1, 0, 0, 1, 0, 0, 1, 1], np.int64)
_ON_DRAFT = np.array([1, 0, 1, 1, 0, 0, 0, 1, 1], np.int64)
"""By operation of a CIGAR (SAM specification, section 1.4.6)."""

_LEAST_RATE = 1e-3
_LEAST_VARIANCE = 0.02
_MEDIAN_FACTOR = 1.25
"""Standard error of a median over that of a mean."""

_FAR_OUT = 4
"""Standard errors; what is further away does not count."""

_Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Disagreement:
    """Differences that passes show from a sequence, and how probable it is that the sequence is wrong there.

    Attributes:
        base: ``int32[k]`` positions where passes read another base.
        base_error: ``float32[k]`` probability that the base is wrong.
        start: ``int32[r]`` regions whose length passes read otherwise.
        stop: ``int32[r]`` one past the last base of each.
        surplus: ``float32[r]`` bases that passes have more than the sequence.
        spread: ``float32[r]`` standard error of ``surplus``.
        unit: ``int32[r]`` bases by which the length can be wrong.
        probability: ``float32[r]`` that the surplus is no accident.
    """

    base: NDArray[np.int32]
    base_error: NDArray[np.float32]
    start: NDArray[np.int32]
    stop: NDArray[np.int32]
    surplus: NDArray[np.float32]
    spread: NDArray[np.float32]
    unit: NDArray[np.int32]
    probability: NDArray[np.float32]

    def layout(self) -> Mapping[str, NDArray[Any]]:
        """The arrays as entries of a corrector's layout."""
        return {f"disagreement_{name}": getattr(self, name) for name in self.__slots__}

    @classmethod
    def of_layout(cls, layout: Mapping[str, NDArray[Any]]) -> "Disagreement":
        """What ``layout`` gave."""
        return cls(*(layout[f"disagreement_{name}"] for name in cls.__slots__))


NO_DISAGREEMENT = Disagreement(*(np.empty(0, dtype) for dtype in ("i4", "f4", "i4", "i4", "f4", "f4", "i4", "f4")))


def find_disagreement(draft: NDArray[np.uint8], passes: Sequence[Pass]) -> Disagreement:
    """Count what passes read otherwise than a draft.

    Args:
        draft: ``uint8[n]`` base codes.
        passes: aligned to it, gaps left-normalised.
    """
    counts = _counted(draft, passes)
    repeats = find_tandem_repeats(draft)
    outside = _outside(repeats, len(draft))
    regions = [*_inserted_letters(counts, outside), *_indels(counts, outside), *_repeat_lengths(counts, repeats)]
    start, stop, surplus, spread, unit, probability = np.array(regions, np.float64).reshape(-1, 6).T
    return Disagreement(
        *_other_bases(counts),
        start=start.astype(np.int32),
        stop=stop.astype(np.int32),
        surplus=surplus.astype(np.float32),
        spread=spread.astype(np.float32),
        unit=unit.astype(np.int32),
        probability=probability.astype(np.float32),
    )


def with_disagreement(
    error: NDArray[np.float32], index: NDArray[np.integer], disagreement: Disagreement
) -> NDArray[np.float32]:
    """Error probabilities of a read, raised where passes disagree with it.

    A read that has been given what passes show (bases put in, taken out or replaced) is not doubted for it.

    Args:
        error: ``float32[m]`` probabilities that its bases are wrong.
        index: ``[m]`` position of each base in the sequence of ``disagreement``, -1 for one that was put in.
        disagreement: of the passes with that sequence.
    """
    raised = error.copy()
    kept = np.flatnonzero(index >= 0)
    at = np.searchsorted(index[kept], disagreement.base)
    there = at < len(kept)
    there[there] = index[kept][at[there]] == disagreement.base[there]
    places = kept[at[there]]
    raised[places] = np.maximum(raised[places], disagreement.base_error[there])
    # A region reaches from the last base before it to the first one behind it, so that bases put in at its ends count.
    first, last = (np.searchsorted(index[kept], edge) for edge in (disagreement.start, disagreement.stop))
    begin = np.append(-1, kept)[first] + 1
    end = np.append(kept, len(error))[last]
    change = (end - begin) - (disagreement.stop - disagreement.start)
    for region, (left, right) in enumerate(zip(begin.tolist(), end.tolist(), strict=True)):
        wrong = float(disagreement.probability[region]) * _expected_wrong(
            float(disagreement.surplus[region] - change[region]),
            float(disagreement.spread[region]),
            int(disagreement.unit[region]),
        )
        # As many bases as it takes to say that so many are wrong.
        lacking = max(0, ceil((wrong / WRONG_AT_MOST - (right - left)) / 2))
        own = slice(max(left - lacking, 0), right + lacking)
        size = max(len(raised[own]), 1)
        raised[own] = np.maximum(raised[own], np.float32(min(wrong / size, WRONG_AT_MOST)))
    return raised


def _expected_wrong(surplus: float, spread: float, unit: int) -> float:
    """Bases that are wrong, where a length can be wrong by whole units and was measured with a standard error."""
    units = ceil((abs(surplus) + _FAR_OUT * spread) / unit) + 1
    return unit * sum(
        _above((i - 0.5) * unit, surplus, spread) + _above((i - 0.5) * unit, -surplus, spread)
        for i in range(1, units + 1)
    )


def _above(threshold: float, mean: float, spread: float) -> float:
    return 0.5 * (1 - erf((threshold - mean) / (spread * 2**0.5)))


@dataclass(frozen=True, slots=True, eq=False)
class _Counts:
    """What passes read: by position of the draft, and by gap before a position.

    Attributes:
        draft: base codes.
        covering: ``int64[n + 1]`` passes that cover each position, and none at the end.
        other: ``int64[n, 6]`` passes that read a base otherwise, by base code.
        inserted: ``int64[n + 1, 6]`` passes that insert a letter unlike both neighbours, by base code.
        gained: ``int32[passes, n + 2]`` bases inserted before each gap, summed from the left.
        lost: ``int32[passes, n + 1]`` bases deleted before each position, likewise.
        start, stop: ``int64[passes]`` stretch of the draft that each covers.
        drift: ``float64[passes]`` bases by which usual errors make a pass longer, for each base of the draft.
        variance: ``float64[passes]`` of that, likewise.
    """

    draft: NDArray[np.uint8]
    covering: _Integers
    other: _Integers
    inserted: _Integers
    gained: NDArray[np.int32]
    lost: NDArray[np.int32]
    start: _Integers
    stop: _Integers
    drift: NDArray[np.float64]
    variance: NDArray[np.float64]

    @property
    def covered(self) -> int:
        """Draft bases that all passes cover together."""
        return max(1, int((self.stop - self.start).sum()))


def _counted(draft: NDArray[np.uint8], passes: Sequence[Pass]) -> _Counts:
    n, count = len(draft), len(passes)
    other, inserted = np.zeros((n, N + 1), np.int64), np.zeros((n + 1, N + 1), np.int64)
    gained, lost = np.zeros((count, n + 2), np.int32), np.zeros((count, n + 1), np.int32)
    start, stop, sums = np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros((count, 2), np.float64)
    for row, p in enumerate(passes):
        assert p.alignment is not None
        a = p.alignment
        start[row] = a.start
        stop[row] = _walk(
            (a.operations, a.lengths, a.start), p.bases, draft, (other, inserted), (gained[row], lost[row], sums[row])
        )
    covering = np.zeros(n + 1, np.int64)
    np.add.at(covering, start, 1)
    np.add.at(covering, stop, -1)
    drift, squares = sums.T / np.maximum(stop - start, 1)
    return _Counts(
        draft,
        np.cumsum(covering),
        other,
        inserted,
        np.cumsum(gained, axis=1, dtype=np.int32),
        np.cumsum(lost, axis=1, dtype=np.int32),
        start,
        stop,
        drift,
        np.maximum(squares, _LEAST_VARIANCE),
    )


@njit(cache=True, nogil=True)
def _walk(
    alignment: tuple[NDArray[np.uint8], NDArray[np.int32], int],
    bases: NDArray[np.uint8],
    draft: NDArray[np.uint8],
    letters: tuple[_Integers, _Integers],
    own: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]],
) -> int:
    """Count what one pass reads; gives the position behind its last base. Sums are still to be made of ``own``."""
    operations, lengths, column = alignment
    (other, inserted), (gained, lost, sums) = letters, own
    position = 0
    for k in range(len(operations)):
        length = lengths[k]
        on_pass, on_draft = _ON_PASS[operations[k]], _ON_DRAFT[operations[k]]
        if on_pass and on_draft:
            for i in range(length):
                if bases[position + i] != draft[column + i]:
                    other[column + i, bases[position + i]] += 1
        elif operations[k] == _INSERTION:
            # Summed up, the bases of a gap count from the position behind it on.
            gained[column + 1] += length
            _count_letters(bases[position : position + length], draft, column, inserted)
        elif on_draft:
            lost[column + 1 : column + length + 1] += 1
        if on_pass != on_draft and operations[k] != _SOFT_CLIP and length < SHORT_GAP:
            sums[0] += length * (on_pass - on_draft)
            sums[1] += length * length
        position += length * on_pass
        column += length * on_draft
    return column


@njit(cache=True, nogil=True)
def _count_letters(new: NDArray[np.uint8], draft: NDArray[np.uint8], gap: int, inserted: _Integers) -> None:
    """Count the letters of an insertion that neither neighbour has, each once."""
    for i in range(len(new)):
        before = draft[gap - 1] if gap > 0 else 0
        behind = draft[gap] if gap < len(draft) else 0
        if new[i] != before and new[i] != behind and not (new[:i] == new[i]).any():
            inserted[gap, new[i]] += 1


def _posterior(showing: Any, covering: Any, rate: float) -> Any:
    """Probability of an error that ``showing`` of ``covering`` passes show, and other passes at a rate by accident."""
    rate = min(max(rate, _LEAST_RATE), AGREEING / 2)
    odds = np.log(PRIOR) + showing * np.log(AGREEING / rate)
    odds = odds + (covering - showing) * np.log((1 - AGREEING) / (1 - rate))
    return 1 / (1 + np.exp(-np.clip(odds, -50, 50)))


def _shown_by_half(showing: _Integers, covering: _Integers, rate: float) -> tuple[_Integers, NDArray[np.float64]]:
    """Places where half of the passes or more show a difference that is worth a doubt, and its probability."""
    at = np.flatnonzero((2 * showing >= covering) & (showing > 0))
    probability = _posterior(showing[at], covering[at], rate)
    doubted = probability >= LEAST_PROBABILITY
    return at[doubted], probability[doubted]


def _other_bases(counts: _Counts) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    letters = counts.other[:, 1:N]
    rate = letters.sum() / counts.covered / 3
    at, probability = _shown_by_half(letters.max(axis=1, initial=0), counts.covering[:-1], rate)
    return at.astype(np.int32), probability.astype(np.float32)


_Region = tuple[float, float, float, float, float, float]
"""As in ``Disagreement``: start, stop, surplus, spread, unit, probability."""

_SURE_SPREAD = 0.3
"""Bases; of a surplus that is a small whole number."""


def _inserted_letters(counts: _Counts, outside: NDArray[np.bool_]) -> list[_Region]:
    """Gaps where passes insert a letter that neither neighbour has; outside of repeats."""
    letters = counts.inserted[:-1, 1:N]
    rate = letters.sum() / counts.covered / 2
    most = np.where(outside[:-1], letters.max(axis=1, initial=0), 0)
    return [
        (max(at - 1, 0), at + 1, 1.0, _SURE_SPREAD, 1, probability)
        for at, probability in zip(*_shown_by_half(most, counts.covering[:-1], rate), strict=True)
    ]


def _indels(counts: _Counts, outside: NDArray[np.bool_]) -> list[_Region]:
    """Windows in which passes have two bases more, or two less, than the draft; outside of repeats."""
    showing, covering = _windows(counts.gained, counts.lost, counts.start, counts.stop)
    own = outside[: len(covering)] & outside[len(outside) - len(covering) :]
    regions: list[_Region] = []
    for row in showing:
        at, probability = _shown_by_half(np.where(own, row, 0), covering, row.sum() / max(1, covering.sum()))
        for group in np.split(np.arange(len(at)), np.flatnonzero(np.diff(at) > WIDTH) + 1):
            if len(group):
                first, stop = int(at[group[0]]), int(at[group[-1]]) + WIDTH
                surplus, *_ = _lengths(counts, first, stop)
                median = float(np.median(surplus)) if len(surplus) else 0.0
                regions.append((first, stop, median, _SURE_SPREAD, 1, probability[group].max()))
    return regions


@njit(cache=True, nogil=True)
def _windows(
    gained: NDArray[np.int32], lost: NDArray[np.int32], start: _Integers, stop: _Integers
) -> tuple[_Integers, _Integers]:
    """Of windows by their first position: passes that are longer and that are shorter there, and all that span them."""
    windows = max(gained.shape[1] - 2 - WIDTH, 0)
    showing, covering = np.zeros((2, windows), np.int64), np.zeros(windows, np.int64)
    for row in range(len(start)):
        for at in range(start[row] + 1, min(stop[row] - WIDTH, windows)):
            end = at + WIDTH
            difference = gained[row, end + 1] - gained[row, at] - lost[row, end] + lost[row, at]
            covering[at] += 1
            showing[0, at] += difference >= 2
            showing[1, at] += difference <= -2
    return showing, covering


def _repeat_lengths(counts: _Counts, repeats: TandemRepeats) -> list[_Region]:
    """Tandem repeats whose length passes read otherwise, or cannot tell."""
    regions: list[_Region] = []
    for start, stop, unit in zip(repeats.start, repeats.stop, repeats.unit, strict=True):
        length = int(stop - start)
        difference, drift, variance = _lengths(counts, start, stop)
        if not len(difference):
            continue
        surplus = float(np.median(difference - drift * length))
        spread = _MEDIAN_FACTOR * float(np.sqrt(np.median(variance) * length / len(difference)))
        if length >= LONG_REPEAT or abs(surplus) >= max(SIGNIFICANT * spread, unit / 2):
            regions.append((start, stop, surplus, spread, unit, 1.0))
    return regions


def _lengths(counts: _Counts, start: int, stop: int) -> tuple[NDArray[np.int32], NDArray[Any], NDArray[Any]]:
    """Of the passes that span a stretch: bases by which they are longer there, their drift and its variance."""
    spanning = (counts.start < start) & (counts.stop > stop)
    # Gaps at both ends count.
    gained = counts.gained[spanning, stop + 1] - counts.gained[spanning, start]
    difference = gained - (counts.lost[spanning, stop] - counts.lost[spanning, start])
    return difference, counts.drift[spanning], counts.variance[spanning]


def _outside(repeats: TandemRepeats, n: int) -> NDArray[np.bool_]:
    """Positions ``bool[n + 1]`` that are in no repeat and not beside one."""
    outside = np.ones(n + 1, np.bool_)
    for start, stop in zip(repeats.start, repeats.stop, strict=True):
        outside[max(start - WIDTH, 0) : stop + 2] = False
    return outside
