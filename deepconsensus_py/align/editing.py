"""Edits of a template where passes disagree with it (compiled).

A template is edited as long as an edit brings the sum of its distances from the passes down, by itself. Votes depend on
where alignments place gaps, distances do not. Within a window the cost of every edit of one base is exact: it follows
from the costs of the beginnings and of the ends of template and pass (as in Quiver; Chin et al., Nature Methods 2013).
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align.guides import Codes, Integers
from deepconsensus_py.align.votes import Pile, Votes
from deepconsensus_py.kernels import kernel
from deepconsensus_py.pacbio.molecule import GAP, A, C, G, N, T

_JOINED, _LONGEST = 10, 60
"""Weak places up to so many bases apart are one window, up to the second number of bases."""

_FLANK, _REACH = 10, 4
"""Bases on either side of a window that are compared with it, and those of them that may be edited too."""

_MOST_BASES, _MOST_EDITS = 128, 40
"""Bases of a segment; longer ones are skipped. Edits of a window."""

_MISMATCH, _GAP = 3, 2
"""Costs of errors."""


@kernel
def weak_windows(template: Codes, votes: Votes, share: float) -> Integers:
    """Rows of first base and one past the last one of stretches where passes differ from the template."""
    found, count = np.empty((len(template), 2), np.int32), 0
    for j in range(len(template)):
        covering, spanning = votes.covering[j], votes.spanning[j]
        differing = covering - votes.bases[j, template[j]]
        inserting = votes.inserted[j, 0].sum()
        if differing <= share * covering and inserting <= share * spanning:
            continue
        last = found[count - 1] if count else found[0]
        if count and j < last[1] + _JOINED and j < last[0] + _LONGEST:
            last[1] = j + 1
        else:
            found[count, 0], found[count, 1] = j, j + 1
            count += 1
    return found[:count].copy()


class _Segments(NamedTuple):
    """The stretch of a template within a window, what passes have there, and costs of edits.

    Attributes:
        template: ``uint8[most]`` base codes.
        places: ``int32[most]`` position of each in the whole template, -1 for an inserted one.
        bases: ``uint8[passes, most]`` base codes.
        sizes: ``int64[passes]``.
        forward: ``int32[most + 1, most + 1]`` cost of the beginnings of template (row) and segment.
        backward: ``int32[most + 1, most + 1]`` cost of their ends.
        other: ``int32[most + 1, 6]`` sum of the costs with another base at a place, by base code; 0 is a deletion.
        more: ``int32[most + 1, 6]`` with a base inserted before it.
    """

    template: Codes
    places: Integers
    bases: Codes
    sizes: NDArray[np.int64]
    forward: Integers
    backward: Integers
    other: Integers
    more: Integers


@kernel
def edit_windows(template: Codes, pile: Pile, windows: Integers) -> tuple[Codes, Integers]:
    """The edited template, and the position of each base in the template, -1 for an inserted one."""
    n, passes = len(template), len(pile.first)
    edited, index = np.empty(2 * n + _MOST_EDITS, np.uint8), np.empty(2 * n + _MOST_EDITS, np.int32)
    size = _MOST_BASES + 1
    segments = _Segments(
        np.empty(size, np.uint8),
        np.empty(size, np.int32),
        np.empty((passes, size), np.uint8),
        np.empty(passes, np.int64),
        np.empty((size, size), np.int32),
        np.empty((size, size), np.int32),
        np.empty((size, N + 1), np.int32),
        np.empty((size, N + 1), np.int32),
    )
    count = done = 0
    for row in range(len(windows)):
        begin, end = max(windows[row, 0] - _FLANK, done), min(windows[row, 1] + _FLANK, n)
        first, stop = max(windows[row, 0] - _REACH, begin), min(windows[row, 1] + _REACH, end)
        number = _cut(template, pile, begin, end, segments)
        if number < 2:
            continue
        length = _improve(segments, number, end - begin, first - begin, stop - begin)
        if length < 0:
            continue
        for j in range(done, begin):
            edited[count], index[count] = template[j], j
            count += 1
        # What lies behind the edited part stays.
        same = end - stop
        for k in range(length - same):
            edited[count], index[count] = segments.template[k], segments.places[k]
            count += 1
        done = stop
    for j in range(done, n):
        edited[count], index[count] = template[j], j
        count += 1
    return edited[:count].copy(), index[:count].copy()


@kernel
def _cut(template: Codes, pile: Pile, begin: int, end: int, segments: _Segments) -> int:
    """Copy a stretch of the template and of the passes that span it; returns the number of these."""
    for j in range(begin, end):
        segments.template[j - begin], segments.places[j - begin] = template[j], j
    number = 0
    for row in range(len(pile.first)):
        here, there = pile.before[row, begin], pile.before[row, end]
        if pile.first[row] <= begin and pile.stop[row] >= end and there - here < _MOST_BASES:
            offset = pile.offset[row]
            segments.bases[number, : there - here] = pile.bases[offset + here : offset + there]
            segments.sizes[number] = there - here
            number += 1
    return number


@kernel
def _improve(segments: _Segments, number: int, length: int, first: int, stop: int) -> int:
    """Make the best edit between two places until none is better than no edit.

    Returns:
        The new length of the template, or -1 if nothing was edited.
    """
    template, edits = segments.template, 0
    while edits < _MOST_EDITS and length < _MOST_BASES:
        segments.other[: length + 1] = 0
        segments.more[: length + 1] = 0
        best = 0
        for row in range(number):
            _fill(segments, row, length, first, stop)
            best += _add_costs(segments, row, first, stop)
        place, letter, inserts = -1, 0, False
        for j in range(first, stop):
            for code in range(N):
                # A base equal to its neighbour can be inserted behind it as well, and one of two deleted.
                again = j > first and template[j - 1] == (code if code else template[j])
                if code and not again and segments.more[j, code] < best:
                    best, place, letter, inserts = segments.more[j, code], j, code, True
                if not (again and not code) and segments.other[j, code] < best:
                    best, place, letter, inserts = segments.other[j, code], j, code, False
        if place < 0:
            break
        edits += 1
        change = 1 if inserts else (0 if letter else -1)
        _move(segments, place, length, change)
        if letter:
            template[place] = letter
        length, stop = length + change, stop + change
    return length if edits else -1


@kernel(inline="always")
def _move(segments: _Segments, place: int, length: int, change: int) -> None:
    """Make room for a base at a place, or close the gap that a deleted one leaves."""
    template, places = segments.template, segments.places
    for j in range(length, place, -1) if change > 0 else range(0):
        template[j], places[j] = template[j - 1], places[j - 1]
    for j in range(place, length - 1) if change < 0 else range(0):
        template[j], places[j] = template[j + 1], places[j + 1]
    if change > 0:
        places[place] = -1


@kernel
def _fill(segments: _Segments, row: int, length: int, first: int, stop: int) -> None:
    """Costs of the beginnings that end before ``stop``, and of the ends that begin at ``first`` or behind it."""
    template, bases, size = segments.template, segments.bases[row], segments.sizes[row]
    forward, backward = segments.forward, segments.backward
    for i in range(size + 1):
        forward[0, i], backward[length, i] = i * _GAP, (size - i) * _GAP
    for j in range(stop - 1):
        before, after = forward[j], forward[j + 1]
        for i in range(size):
            pair = before[i] + (0 if bases[i] == template[j] else _MISMATCH)
            after[i + 1] = min(before[i + 1] + _GAP, pair)
        after[0] = before[0] + _GAP
        for i in range(size):
            after[i + 1] = min(after[i + 1], after[i] + _GAP)
    for j in range(length - 1, first - 1, -1):
        after, before = backward[j + 1], backward[j]
        for i in range(size):
            pair = after[i + 1] + (0 if bases[i] == template[j] else _MISMATCH)
            before[i] = min(after[i] + _GAP, pair)
        before[size] = after[size] + _GAP
        for i in range(size - 1, -1, -1):
            before[i] = min(before[i], before[i + 1] + _GAP)


@kernel
def _add_costs(segments: _Segments, row: int, first: int, stop: int) -> int:
    """Add the costs of a pass with each edit; returns that without an edit."""
    bases, size = segments.bases[row], segments.sizes[row]
    forward, backward = segments.forward, segments.backward
    for j in range(first, stop):
        without, kept = _unpaired(forward[j], backward[j + 1], size), _unpaired(forward[j], backward[j], size)
        segments.other[j, GAP] += without
        _add_pairs(segments.other[j], bases[:size], (forward[j], backward[j + 1]), without + _GAP)
        _add_pairs(segments.more[j], bases[:size], (forward[j], backward[j]), kept + _GAP)
    return int(_unpaired(forward[first], backward[first], size))


@kernel(inline="always")
def _unpaired(forward: Integers, backward: Integers, size: int) -> Any:
    """The least cost of a beginning and an end."""
    least = forward[0] + backward[0]
    for i in range(1, size + 1):
        least = min(least, forward[i] + backward[i])
    return least


@kernel(inline="always")
def _add_pairs(costs: Integers, bases: Codes, columns: tuple[Integers, Integers], unpaired: Any) -> None:
    """Add the least costs with a base between beginning and end, by its code, paired or not."""
    forward, backward = columns
    least: Any = np.int32(unpaired)
    a, t, c, g = least, least, least, least
    for i in range(len(bases)):
        cost = forward[i] + backward[i + 1]
        least = min(least, cost + _MISMATCH)
        a = min(a, cost if bases[i] == A else unpaired)
        t = min(t, cost if bases[i] == T else unpaired)
        c = min(c, cost if bases[i] == C else unpaired)
        g = min(g, cost if bases[i] == G else unpaired)
    costs[A] += min(least, a)
    costs[T] += min(least, t)
    costs[C] += min(least, c)
    costs[G] += min(least, g)
