"""Edits of a template where passes disagree with it (compiled).

A template is edited as long as an edit brings the sum of its distances from the passes down, by itself. Votes depend on
where alignments place gaps, distances do not. Within a window the cost of every edit of one base is exact: it follows
from the costs of the beginnings and of the ends of template and pass (as in Quiver; Chin et al., Nature Methods 2013).
Sixteen passes are computed at once, one in each element of a vector; costs are whole numbers in float32.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align.guides import Codes, Integers
from deepconsensus_py.align.vectors import SIZE, Vectors, fill, least, load, store, total, where
from deepconsensus_py.align.votes import Pile, Votes
from deepconsensus_py.kernels import kernel
from deepconsensus_py.pacbio.molecule import GAP, A, C, G, N, T

_JOINED, _LONGEST = 10, 60
"""Weak places up to so many bases apart are one window, up to the second number of bases."""

_FLANK, _REACH = 10, 4
"""Bases on either side of a window that are compared with it, and those of them that may be edited too."""

_MOST_BASES, _MOST_EDITS = 128, 40
"""Bases of a segment; longer ones are skipped. Edits of a window."""

_MISMATCH, _GAP = np.float32(3), np.float32(2)
"""Costs of errors."""

_ABSENT = -1
"""Size of a segment where there is no pass."""

_FAR = np.float32(1 << 20)
"""Cost of what lies behind the end of a segment."""

_COLUMN = (_MOST_BASES + 2) * SIZE
"""Elements between the costs of one template base and of the next."""

_Floats = NDArray[np.float32]


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
        bases: ``int32[groups, most, SIZE]`` base codes of sixteen passes each.
        sizes: ``int32[groups, SIZE]`` bases of these; -1 where there is no pass.
        forward: ``float32[most, most, SIZE]`` costs of the beginnings of template (first axis) and segments.
        backward: ``float32[most, most, SIZE]`` costs of their ends.
        other: ``float32[most, 6]`` sum of the costs with another base at a place, by base code; 0 is a deletion.
        more: ``float32[most, 6]`` with a base inserted before it.
    """

    template: Codes
    places: Integers
    bases: Integers
    sizes: Integers
    forward: _Floats
    backward: _Floats
    other: _Floats
    more: _Floats


@kernel
def _make_segments(passes: int) -> _Segments:
    most, groups = _MOST_BASES + 2, (passes + SIZE - 1) // SIZE
    return _Segments(
        np.empty(most, np.uint8),
        np.empty(most, np.int32),
        np.zeros((groups, most, SIZE), np.int32),
        np.empty((groups, SIZE), np.int32),
        np.empty((most, most, SIZE), np.float32),
        np.empty((most, most, SIZE), np.float32),
        np.empty((most, N + 1), np.float32),
        np.empty((most, N + 1), np.float32),
    )


@kernel
def edit_windows(template: Codes, pile: Pile, windows: Integers) -> tuple[Codes, Integers]:
    """The edited template, and the position of each base in the template, -1 for an inserted one."""
    n, passes = len(template), len(pile.first)
    edited, index = np.empty(2 * n + _MOST_EDITS, np.uint8), np.empty(2 * n + _MOST_EDITS, np.int32)
    segments = _make_segments(passes)
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
    segments.sizes[:] = _ABSENT
    number = 0
    for row in range(len(pile.first)):
        here, there = pile.before[row, begin], pile.before[row, end]
        if pile.first[row] <= begin and pile.stop[row] >= end and there - here < _MOST_BASES:
            group, place = divmod(number, SIZE)
            for i in range(there - here):
                segments.bases[group, i, place] = pile.bases[pile.offset[row] + here + i]
            segments.sizes[group, place] = there - here
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
        best = np.float32(0)
        for group in range((number + SIZE - 1) // SIZE):
            _fill(segments, group, length, first, stop)
            best += _add_costs(segments, group, first, stop)
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
def _fill(segments: _Segments, group: int, length: int, first: int, stop: int) -> None:
    """Costs of the beginnings that end before ``stop``, and of the ends that begin at ``first`` or behind it."""
    template, sizes = segments.template, segments.sizes[group]
    bases = segments.bases[group].reshape(-1)
    forward, backward = segments.forward.reshape(-1), segments.backward.reshape(-1)
    longest = sizes.max()
    for i in range(longest + 1):
        store(forward, i * SIZE, fill(i * _GAP))
        for place in range(SIZE):
            behind = sizes[place] - i
            segments.backward[length, i, place] = behind * _GAP if behind >= 0 else _FAR
    for j in range(stop - 1):
        column, letter = j * _COLUMN, np.int32(template[j])
        before = load(forward, column)
        cell = before + _GAP
        store(forward, column + _COLUMN, cell)
        for i in range(longest):
            pair = before + _mismatch(bases, i, letter)
            before = load(forward, column + (i + 1) * SIZE)
            cell = least(least(before + _GAP, pair), cell + _GAP)
            store(forward, column + _COLUMN + (i + 1) * SIZE, cell)
    for j in range(length - 1, first - 1, -1):
        column, letter = j * _COLUMN, np.int32(template[j])
        after = load(backward, column + _COLUMN + longest * SIZE)
        cell = after + _GAP
        store(backward, column + longest * SIZE, cell)
        for i in range(longest - 1, -1, -1):
            pair = after + _mismatch(bases, i, letter)
            after = load(backward, column + _COLUMN + i * SIZE)
            cell = least(least(after + _GAP, pair), cell + _GAP)
            store(backward, column + i * SIZE, cell)


@kernel(inline="always")
def _mismatch(bases: Integers, i: int, letter: np.int32) -> Vectors:
    """The cost of pairing a base of each pass with a letter."""
    return where(load(bases, i * SIZE) == letter, fill(np.float32(0)), fill(_MISMATCH))


@kernel
def _add_costs(segments: _Segments, group: int, first: int, stop: int) -> np.float32:
    """Add the costs of sixteen passes with each edit; returns those without an edit."""
    bases, present = segments.bases[group].reshape(-1), _is_present(segments.sizes[group])
    forward, backward = segments.forward.reshape(-1), segments.backward.reshape(-1)
    longest, whole = segments.sizes[group].max(), np.float32(0)
    for j in range(first, stop):
        # Beginnings before the base, with ends before and behind it.
        here, behind = j * _COLUMN, (j + 1) * _COLUMN
        kept, without = fill(_FAR), fill(_FAR)
        for i in range(0, (longest + 1) * SIZE, SIZE):
            beginning = load(forward, here + i)
            kept = least(kept, beginning + load(backward, here + i))
            without = least(without, beginning + load(backward, behind + i))
        segments.other[j, GAP] += _sum(present, without)
        if j == first:
            whole = _sum(present, kept)
        _add_pairs((forward, backward, bases), (here, behind), (longest, present), without + _GAP, segments.other[j])
        _add_pairs((forward, backward, bases), (here, here), (longest, present), kept + _GAP, segments.more[j])
    return whole


@kernel(inline="always")
def _is_present(sizes: Integers) -> Any:
    """Vector of flags: where there is a pass."""
    return fill(np.int32(_ABSENT)) < load(sizes, 0)


@kernel(inline="always")
def _sum(present: Any, costs: Vectors) -> np.float32:
    """Sum over the passes that there are."""
    return total(where(present, costs, fill(np.float32(0))))


@kernel(inline="always")
def _add_pairs(
    cells: tuple[_Floats, _Floats, Integers],
    columns: tuple[int, int],
    passes: tuple[int, Any],
    unpaired: Vectors,
    costs: _Floats,
) -> None:
    """Add the least costs with a base between beginning and end, by its code, paired or not."""
    (forward, backward, bases), (ahead, behind), (longest, present) = cells, columns, passes
    any_base = a = t = c = g = unpaired
    for i in range(0, longest * SIZE, SIZE):
        letters, cost = load(bases, i), load(forward, ahead + i) + load(backward, behind + i + SIZE)
        any_base = least(any_base, cost + _MISMATCH)
        a = least(a, where(letters == np.int32(A), cost, unpaired))
        t = least(t, where(letters == np.int32(T), cost, unpaired))
        c = least(c, where(letters == np.int32(C), cost, unpaired))
        g = least(g, where(letters == np.int32(G), cost, unpaired))
    costs[A] += _sum(present, least(any_base, a))
    costs[T] += _sum(present, least(any_base, t))
    costs[C] += _sum(present, least(any_base, c))
    costs[G] += _sum(present, least(any_base, g))
