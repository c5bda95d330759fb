"""Places where passes disagree with their sequence, for lower base qualities there.

A model that cannot make an edit (a substitution, a missing repeat unit) leaves the sequence unchanged, with the same
qualities as elsewhere. Here differences are counted whether or not a model can correct them, and turned into expected
numbers of wrong bases.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, erf
from typing import Any

import edlib
import numpy as np
import pyabpoa
from numpy.typing import NDArray

from deepconsensus_py.align.pass_counts import (
    WIDTH,
    PassCounts,
    bases_before,
    count_differences,
    find_insertions,
    lengths_between,
    longer_and_shorter,
)
from deepconsensus_py.align.rows import largest
from deepconsensus_py.align.tandem_repeats import LONGEST_UNIT, TandemRepeats, find_tandem_repeats
from deepconsensus_py.pacbio.molecule import N, Pass, decode_bases, encode_bases

PRIOR = 1e-4
"""Prior probability of an error that a model cannot correct, per draft base: about one in 10 kb."""

AGREEING = 0.8
"""Fraction of the passes that show such an error if there is one."""

LEAST_PROBABILITY, LEAST_WRONG = 0.1, 0.05
"""Minimum probability of an error, and expected wrong bases; below, the model's own error probabilities dominate."""

MARGIN = 10
"""Flanking draft bases in the consensus of the passes at such places."""

LONG_INSERTION = 30
"""Bases of an insertion that is no sequencing error."""

LONG_REPEAT = 100
"""Repeats of this many bases or more: the lengths in the passes do not determine the number of copies."""

NOTABLE = 2.0
"""Standard errors by which the length of a shorter repeat must differ to be recorded."""

SIGNIFICANT = 4.5
"""Standard errors by which it must differ to lower qualities. High, because some ten repeats per molecule are tested,
and because errors of passes can be correlated."""

WRONG_AT_MOST = 0.75
"""Probability that a random base is wrong."""

_MAJORITY, _MOST_SEGMENTS = 3, 30
"""Fewest and most passes in a consensus: two have no majority, more than thirty do not help."""

_PARTIAL_ORDER = {
    # Linear gaps: most errors are indels of single bases.
    "match": 5,
    "mismatch": 8,
    "gap_open1": 0,
    "gap_open2": 0,
    "gap_ext1": 6,
    # Most frequent base of each column; the heaviest path would include rare insertions.
    "cons_algrm": "MF",
    # No band: abPOA ends the process if the path leaves the band.
    "extra_b": -1,
}
"""Settings of abPOA (Gao et al., Bioinformatics 2021)."""

_LEAST_RATE = 1e-3
_MEDIAN_FACTOR = 1.25
"""Ratio of the standard errors of a median and a mean."""

_FARTHEST = 1 << 31
"""Beyond the end of any sequence."""

_FAR_OUT = 4
"""Standard errors beyond which probabilities are neglected."""

_Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Disagreement:
    """Stretches and tandem repeats of a sequence in which passes disagree with it.

    Attributes:
        start: ``int32[k]`` position of the first base of a stretch.
        stop: ``int32[k]`` one past its last base.
        probability: ``float32[k]`` that the sequence is wrong there.
        letters: ``uint8[n]`` base codes: the consensus of the passes for each stretch, with ``MARGIN`` on either side,
            concatenated.
        size: ``int32[k]`` bases of each consensus.
        repeat_start: ``int32[r]`` position of the first base of a tandem repeat.
        repeat_stop: ``int32[r]`` one past its last base.
        repeat_surplus: ``float32[r]`` bases by which passes are longer.
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
        """The inverse of ``layout``."""
        return cls(*(layout[f"disagreement_{name}"] for name in cls.__slots__))


_DTYPES = ("i4", "i4", "f4", "u1", "i4", "i4", "i4", "f4", "f4", "i4")
NO_DISAGREEMENT = Disagreement(*(np.empty(0, dtype) for dtype in _DTYPES))


def find_disagreement(draft: NDArray[np.uint8], passes: Sequence[Pass]) -> Disagreement:
    """Find where passes disagree with a draft.

    Differences in the alignments (mismatches, insertions, longer or shorter windows) only show where to look: there the
    partial-order consensus of the passes, which does not depend on the placement of gaps, is compared with the draft.
    The lengths of tandem repeats are compared as a whole.

    Args:
        draft: ``uint8[n]`` base codes.
        passes: aligned to it, gaps left-normalised.
    """
    counts = count_differences(draft, passes)
    repeats = find_tandem_repeats(draft)
    outside = _outside(repeats, len(draft))
    places = [
        *_other_bases(counts),
        *_inserted_letters(counts, outside),
        *_indels(counts, outside),
        *_long_insertions(counts, outside),
    ]
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
        index: ``[m]`` position of each base in the sequence of ``disagreement``, -1 for an inserted one.
        disagreement: of the passes with that sequence.
    """
    found, raised = disagreement, error.copy()
    places = _Places(index)
    for stretch, (place, consensus) in enumerate(consensuses(found, _FARTHEST)):
        start, stop = int(found.start[stretch]), int(found.stop[stretch])
        around = bases[slice(*places.between(place.start, place.stop))]
        distance = edlib.align(around.tobytes(), consensus.tobytes())["editDistance"]
        _raise(raised, *places.between(start, stop), float(found.probability[stretch]) * distance)
    for repeat in range(len(found.repeat_start)):
        start, stop = int(found.repeat_start[repeat]), int(found.repeat_stop[repeat])
        left, right = places.between(start, stop)
        surplus = float(found.repeat_surplus[repeat]) - ((right - left) - (stop - start))
        spread, unit = float(found.repeat_spread[repeat]), int(found.repeat_unit[repeat])
        if stop - start >= LONG_REPEAT or abs(surplus) >= max(SIGNIFICANT * spread, unit / 2):
            _raise(raised, left, right, _expected_wrong(surplus, spread, unit))
    return raised


def consensuses(disagreement: Disagreement, length: int) -> list[tuple[slice, NDArray[np.uint8]]]:
    """The consensus ``uint8[k]`` of the passes for each stretch, and the part of the sequence that it stands for.

    Args:
        disagreement: of the passes with a sequence.
        length: of the sequence.
    """
    found = disagreement
    letters = np.split(found.letters, np.cumsum(found.size)[:-1]) if len(found.size) else []
    spans = zip(found.start.tolist(), found.stop.tolist(), strict=True)
    places = [slice(max(start - MARGIN, 0), min(stop + MARGIN, length)) for start, stop in spans]
    return list(zip(places, letters, strict=True))


class _Places:
    """Positions of stretches of a sequence in a read that was made from it.

    Args:
        index: ``[m]`` position of each base of the read in the sequence, -1 for an inserted one.
    """

    def __init__(self, index: NDArray[np.integer]) -> None:
        self._kept = np.flatnonzero(index >= 0)
        self._position = index[self._kept]
        self._length = len(index)

    def between(self, start: int, stop: int) -> tuple[int, int]:
        """The read's interval for a stretch, with the bases inserted at its ends."""
        first, last = np.searchsorted(self._position, (start, stop))
        begin = int(self._kept[first - 1]) + 1 if first else 0
        return begin, int(self._kept[last]) if last < len(self._kept) else self._length


def _raise(error: NDArray[np.float32], left: int, right: int, wrong: float) -> None:
    """Raise the error probabilities of a stretch to a number of wrong bases, widening it if it is too short."""
    if wrong < LEAST_WRONG:
        return
    lacking = max(0, ceil((wrong / WRONG_AT_MOST - (right - left)) / 2))
    own = slice(max(left - lacking, 0), right + lacking)
    size = max(len(error[own]), 1)
    error[own] = np.maximum(error[own], np.float32(min(wrong / size, WRONG_AT_MOST)))


def _expected_wrong(surplus: float, spread: float, unit: int) -> float:
    """Expected wrong bases of a repeat whose length is off by whole units and was measured with a standard error."""
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
    """Places where at least half of the passes show a difference that is likely an error, with its probability."""
    at = np.flatnonzero((2 * showing >= covering) & (showing > 0))
    probability = _posterior(showing[at], covering[at], rate)
    likely = probability >= LEAST_PROBABILITY
    return at[likely], probability[likely]


_Place = tuple[int, int, float]
"""First position, one past the last one, and the probability that the draft is wrong there."""


def _other_bases(counts: PassCounts) -> list[_Place]:
    """Positions with mismatches."""
    letters = counts.other[:, 1:N]
    rate = letters.sum() / counts.covered / 3
    found = _shown_by_half(largest(letters), counts.covering[:-1], rate)
    return [(at, at + 1, probability) for at, probability in zip(*found, strict=True)]


def _inserted_letters(counts: PassCounts, outside: NDArray[np.bool_]) -> list[_Place]:
    """Gaps where passes insert a base unlike both neighbours; outside of repeats."""
    letters = counts.inserted[:-1, 1:N]
    rate = letters.sum() / counts.covered / 2
    most = np.where(outside[:-1], largest(letters), 0)
    found = _shown_by_half(most, counts.covering[:-1], rate)
    return [(max(at - 1, 0), at + 1, probability) for at, probability in zip(*found, strict=True)]


def _indels(counts: PassCounts, outside: NDArray[np.bool_]) -> list[_Place]:
    """Windows in which passes are at least two bases longer or shorter than the draft; outside of repeats."""
    showing, covering = longer_and_shorter(counts.gained, counts.lost, counts.start, counts.stop)
    own = outside[: len(covering)] & outside[len(outside) - len(covering) :]
    places: list[_Place] = []
    for row in showing:
        found = _shown_by_half(np.where(own, row, 0), covering, row.sum() / max(1, covering.sum()))
        places += [(at, at + WIDTH, probability) for at, probability in zip(*found, strict=True)]
    return places


def _long_insertions(counts: PassCounts, outside: NDArray[np.bool_]) -> list[_Place]:
    """Stretches in which half of the passes have a long insertion; outside of repeats.

    A further copy of a sequence that the draft has once can be inserted anywhere in that.
    """
    rows, gaps = find_insertions(counts.gained, LONG_INSERTION)
    rows, gaps = rows[outside[gaps]], gaps[outside[gaps]]
    clusters = np.split(np.arange(len(gaps)), np.flatnonzero(np.diff(gaps) > LONGEST_UNIT) + 1)
    return [
        (int(gaps[own[0]]), int(gaps[own[-1]]) + 1, AGREEING)
        for own in clusters
        if len(own) and 2 * len(np.unique(rows[own])) >= counts.covering[gaps[own[0]]]
    ]


def _stretches(
    draft: NDArray[np.uint8], passes: Sequence[Pass], counts: PassCounts, places: Sequence[_Place]
) -> list[tuple[int, int, float, NDArray[np.uint8]]]:
    """Stretches of neighbouring places where the consensus of the passes differs from the draft and fits them better.

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
        consensus = str(pyabpoa.msa_aligner(**_PARTIAL_ORDER).msa(segments, out_cons=True, out_msa=False).cons_seq[0])
        if _distance(segments, consensus) < _distance(segments, own):
            found.append((start, stop, probability, encode_bases(consensus)))
    return found


def _distance(segments: Sequence[str], sequence: str) -> int:
    """Sum of the edit distances."""
    return sum(int(edlib.align(segment, sequence)["editDistance"]) for segment in segments)


def _joined(places: Sequence[_Place]) -> list[_Place]:
    """Merge places that are close to each other."""
    joined: list[_Place] = []
    for start, stop, probability in places:
        if joined and start <= joined[-1][1] + WIDTH:
            first, last, most = joined.pop()
            joined.append((first, max(last, stop), max(most, probability)))
        else:
            joined.append((start, stop, probability))
    return joined


def _segments(passes: Sequence[Pass], counts: PassCounts, around: slice) -> list[str]:
    """The sequences of the first passes that span a stretch."""
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
    """Tandem repeats whose length seems to differ in the passes, or is uncertain."""
    found: list[tuple[float, ...]] = []
    for start, stop, unit in zip(repeats.start.tolist(), repeats.stop.tolist(), repeats.unit.tolist(), strict=True):
        length = stop - start
        difference, drift, variance = lengths_between(counts, start, stop)
        if not len(difference):
            continue
        surplus = _median(difference - drift * length)
        spread = _MEDIAN_FACTOR * float(np.sqrt(_median(variance) * length / len(difference)))
        if length >= LONG_REPEAT or abs(surplus) >= max(NOTABLE * spread, unit / 2):
            found.append((start, stop, surplus, spread, unit))
    return found


def _median(values: NDArray[np.floating[Any]]) -> float:
    """The median, in a tenth of the time of NumPy's where there are few values."""
    ordered = np.sort(values)
    half = len(ordered) // 2
    return float(ordered[half] + ordered[~half]) / 2


def _outside(repeats: TandemRepeats, n: int) -> NDArray[np.bool_]:
    """Positions ``bool[n + 1]`` that are neither in a repeat nor next to one."""
    outside = np.ones(n + 1, np.bool_)
    for start, stop in zip(repeats.start, repeats.stop, strict=True):
        outside[max(start - WIDTH, 0) : stop + 2] = False
    return outside
