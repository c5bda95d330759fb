"""Long tandem repeats of short units in a template: copies made equal, and as many as the passes have.

Votes and edits see one place at a time. In a repeat of many copies an alignment puts the same difference elsewhere in
each pass, so that they leave copies that are only nearly equal, and a wrong number of these.
"""

from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

import edlib
import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align.guides import Codes, Integers
from deepconsensus_py.align.tandem_repeats import find_tandem_repeats
from deepconsensus_py.align.traces import Trace

_LONG, _LONGEST_UNIT = 60, 12
"""Bases of a repeat and of its unit. In others, places of differences are clear."""

_APART = 32
"""Bases between stretches of one repeat without differences."""

_BESIDE = 3
"""Bases on either side that are measured too: gaps of the repeat may lie beside it."""

_FEWEST = 3
"""Passes that span a repeat."""

_SHOWN = 0.3
"""Errors of each pass that a difference between copies has to save, in the mean."""

_OF_MEDIAN = 1.25
"""Standard error of a median, as a multiple of that of a mean."""


class _Stretch(NamedTuple):
    """Equal copies of a unit: first base, one past the last, and bases of the unit."""

    start: int
    stop: int
    unit: int


class _Piece(NamedTuple):
    """Bases of an edited template.

    Attributes:
        places: ``int32[n]`` position of each in the template, -1 for an inserted one.
        bases: ``uint8[n]`` base codes.
    """

    places: Integers
    bases: Codes


def with_repeat_lengths(template: Codes, traces: Sequence[Trace]) -> tuple[Codes, Integers]:
    """The template with differences between copies gone that passes do not show, and with as many copies as they have.

    Args:
        template: ``uint8[n]`` base codes.
        traces: passes aligned to it.

    Returns:
        ``uint8[k]`` base codes, and ``int32[k]`` the position of each in the template, -1 for an inserted one.
    """
    whole = _Piece(np.arange(len(template), dtype=np.int32), template)
    repeats = _long_repeats(template)
    parts, done, drift = list[_Piece](), 0, _drift(repeats, traces, len(template))
    for start, stop, unit in repeats:
        begin, end = start - _BESIDE, stop + _BESIDE
        segments = _segments(traces, begin, end)
        if begin >= done and len(segments) >= _FEWEST:
            own = _without_differences(_part(whole, begin, end), unit, segments)
            lengths = np.array([len(segment) for segment in segments]) / (1 + drift)
            parts += [_part(whole, done, begin), _of_length(own, unit, lengths)]
            done = end
    joined = _join(*parts, _part(whole, done, len(template)))
    return joined.bases, joined.places


def _segments(traces: Sequence[Trace], begin: int, end: int) -> list[Codes]:
    """What the passes that span a stretch have there."""
    spanning = (one for one in traces if one.guide.first <= begin and one.guide.stop >= end)
    return [one.bases[one.guide.before[begin] : one.guide.before[end]] for one in spanning]


def _part(of: _Piece, start: int, stop: int) -> _Piece:
    return _Piece(of.places[start:stop], of.bases[start:stop])


def _new(bases: Codes) -> _Piece:
    return _Piece(np.full(len(bases), -1, np.int32), bases)


def _join(*parts: _Piece) -> _Piece:
    return _Piece(np.concatenate([one.places for one in parts]), np.concatenate([one.bases for one in parts]))


def _stretches(bases: Codes) -> list[_Stretch]:
    """Tandem repeats of short units, in order."""
    found = find_tandem_repeats(bases)
    rows = zip(found.start.tolist(), found.stop.tolist(), found.unit.tolist(), strict=True)
    return sorted(_Stretch(*row) for row in rows if row[2] <= _LONGEST_UNIT)


def _long_repeats(template: Codes) -> list[_Stretch]:
    """Stretches of units of the same length that are close to each other, as one."""
    joined = list[_Stretch]()
    for one in sorted(_stretches(template), key=lambda one: (one.unit, one)):
        last = joined[-1] if joined else one
        if joined and last.unit == one.unit and one.start < last.stop + _APART:
            joined[-1] = last._replace(stop=max(last.stop, one.stop))
        else:
            joined.append(one)
    return sorted(one for one in joined if one.stop - one.start >= _LONG)


def _without_differences(own: _Piece, unit: int, segments: Sequence[Codes]) -> _Piece:
    """The repeat without differences that few passes show."""
    errors, begin = _errors(segments, own.bases), 0
    while len(stretches := [one for one in _stretches(own.bases) if one.unit == unit and one.start >= begin]) > 1:
        begin = stretches[0].start + 1
        tried = [(_errors(segments, one.bases), one) for one in _bridged(own, *stretches[:2])]
        least, best = min(tried, key=itemgetter(0), default=(errors, own))
        if best is not own and least < errors + _SHOWN * len(segments):
            errors, own, begin = least, best, stretches[0].start
    return own


def _bridged(own: _Piece, left: _Stretch, right: _Stretch) -> list[_Piece]:
    """Copies of the unit instead of what lies between two stretches: the nearest shorter and longer one."""
    unit, behind = left.unit, max(left.stop, right.start)
    between, found = behind - left.stop, list[_Piece]()
    copies = np.tile(own.bases[left.stop - unit : left.stop], between // unit + 3)
    for length in range(between - unit + 1, between + unit):
        kept, phase = left.stop + min(length, 0), length % unit
        if kept > left.start and np.array_equal(copies[phase : phase + unit], own.bases[behind : behind + unit]):
            rest = _part(own, behind, len(own.bases))
            found.append(_join(_part(own, 0, kept), _new(copies[: max(length, 0)]), rest))
    return found


def _of_length(own: _Piece, unit: int, lengths: NDArray[np.float64]) -> _Piece:
    """The repeat with copies inserted or deleted, if the lengths of the passes are clear."""
    stretches = [one for one in _stretches(own.bases) if one.unit == unit]
    surplus = float(np.median(lengths)) - len(own.bases)
    copies = round(surplus / unit)
    if not stretches or not copies or abs(surplus) < _OF_MEDIAN * float(lengths.std(ddof=1)) / len(lengths) ** 0.5:
        return own
    longest = max(stretches, key=lambda one: one.stop - one.start)
    copies = max(copies, 1 - (longest.stop - longest.start) // unit)
    cut = longest.start + unit * max(-copies, 0)
    more = np.tile(own.bases[longest.start : longest.start + unit], max(copies, 0))
    return _join(_part(own, 0, longest.start), _new(more), _part(own, cut, len(own.bases)))


def _errors(segments: Sequence[Codes], bases: Codes) -> int:
    """Sum of the edit distances."""
    sequence = bases.tobytes()
    return sum(int(edlib.align(segment.tobytes(), sequence)["editDistance"]) for segment in segments)


def _drift(repeats: Sequence[_Stretch], traces: Sequence[Trace], length: int) -> float:
    """By what share passes are longer than the template outside of its long repeats."""
    if not repeats:
        return 0.0
    outside = np.ones(length, np.bool_)
    for repeat in repeats:
        outside[max(repeat.start - _BESIDE, 0) : repeat.stop + _BESIDE] = False
    gained = covered = 0
    for one in traces:
        own = outside[one.guide.first : one.guide.stop]
        gained += int(np.diff(one.guide.before[one.guide.first : one.guide.stop + 1])[own].sum() - own.sum())
        covered += int(own.sum())
    return gained / covered if covered else 0.0
