"""Probabilities of a pass given edited drafts, from the cells of its band (compiled).

An edit changes a few template bases. What comes before stands in the forward cells, what comes after in the backward
cells; only the bases between are read anew.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from deepconsensus_py.hmm.band import WIDTH, Band, Floats, Integers, Reading, Template
from deepconsensus_py.hmm.lanes import (
    LANES,
    Lanes,
    advance,
    keep_cells,
    load_cells,
    load_emission,
    load_ends,
    load_places,
    restore_cells,
)

LENGTHS = 2
"""Bases by which runs are made shorter and longer."""

_GREATEST_CODE = 4
CHANGES = slice(0, 2 * LENGTHS)
IN_FRONT, FIRST, LAST = (slice(start, start + _GREATEST_CODE) for start in range(CHANGES.stop, CHANGES.stop + 12, 4))
"""Columns of the edits of a run, those of ``runs.edits.EDITS[1:]``: other lengths; A, T, C, G in front, in the place of
its first base, of its last."""

EDITS = LAST.stop
MARGIN = 3
"""Template bases at both ends of a pass where edits are not scored."""

_LEAST_WHOLE = 1e-25


class Aligned(NamedTuple):
    """A pass on its draft.

    Attributes:
        read: the pass.
        template: the draft it covers.
        band: after ``run_band``.
        lanes: to work in.
        after: those of ``make_next``.
    """

    read: Reading
    template: Template
    band: Band
    lanes: Lanes
    after: Lanes


class Spots(NamedTuple):
    """Runs, or tracts, at least ``MARGIN`` bases from both ends of the template.

    Attributes:
        start: ``int32[spots]`` template position of the first base.
        stop: ``int32[spots]`` one past that of the last base.
        rows: ``int64[spots]`` where their results go.
    """

    start: Integers
    stop: Integers
    rows: NDArray[np.int64]


@njit(cache=True, nogil=True)
def score_runs(aligned: Aligned, runs: Spots, out: Floats) -> None:
    """Likelihood ratios of the edits of runs.

    Args:
        aligned: a pass on its draft.
        runs: homopolymer runs.
        out: ``float32[rows, EDITS]`` the probability of the pass given the edited template over that given the
            template, in columns ``CHANGES``: 1 and 2 bases less, 1 and 2 more. Edits that are none stay as they are.
    """
    for begin in range(0, len(runs.start), LANES):
        spots = _part(runs, begin)
        _shorten(aligned.band, spots, out)
        _lengthen(aligned, spots, out)
        _drop(aligned, spots, out)


@njit(cache=True, nogil=True)
def score_letters(aligned: Aligned, spots: Spots, removed: int, out: Floats) -> None:
    """Likelihood ratios of other letters in front of bases, or in their place.

    A letter put in has the rates of a run of one; one that takes a base's place and lengthens a run has those of that
    run.

    Args:
        aligned: a pass on its draft.
        spots: bases, at ``start``.
        removed: 0 puts the letter in front, 1 in the place of the base.
        out: ``float32[rows, 4]`` the probability of the pass given the edited template over that given the template: A,
            T, C, G. Edits that are none stay as they are.
    """
    for begin in range(0, len(spots.start), LANES):
        _put_in(aligned, _part(spots, begin), removed, out)


@njit(cache=True, nogil=True)
def score_units(aligned: Aligned, tracts: Spots, unit: int, out: Floats) -> None:
    """Likelihood ratios of repeat tracts of one copy of their unit less and more.

    Args:
        aligned: a pass on its draft.
        tracts: repeat tracts.
        unit: bases of the unit of all of them.
        out: ``float32[rows, 2]`` the probability of the pass given the edited template over that given the template:
            one copy less, one more.
    """
    for begin in range(0, len(tracts.start), LANES):
        spots = _part(tracts, begin)
        _repeat(aligned, spots.stop, unit)
        for r in range(len(spots.stop)):
            end = spots.stop[r]
            out[spots.rows[r], 0] = _skip(aligned.band, end - unit, end)
            out[spots.rows[r], 1] = _ratio(aligned.lanes.total[r], aligned.band.whole[end])


@njit(cache=True, nogil=True)
def _part(spots: Spots, begin: int) -> Spots:
    part = slice(begin, begin + LANES)
    return Spots(spots.start[part], spots.stop[part], spots.rows[part])


@njit(cache=True, nogil=True)
def _ratio(edited: float, whole: float) -> float:
    """1, which says nothing, where single precision does not hold the paths."""
    return edited / whole if whole > _LEAST_WHOLE else 1.0


@njit(cache=True, nogil=True)
def _skip(band: Band, column: int, end: int) -> float:
    """Likelihood ratio of a template without the bases between two columns."""
    shift = band.first[end] - band.first[column]
    total = np.float32(0)
    for k in range(WIDTH - shift):
        total += band.forward[column, np.uintp(k + shift)] * band.backward[end, k]
    return _ratio(float(total), _whole(band, column, end))


@njit(cache=True, nogil=True)
def _whole(band: Band, column: int, end: int) -> float:
    """Sum over all paths, in the scale of the forward cells of ``column`` and the backward cells of ``end``."""
    whole = band.whole[end]
    for j in range(column + 1, end + 1):
        whole *= band.norms[j]
    return float(whole)


@njit(cache=True, nogil=True)
def _shorten(band: Band, runs: Spots, out: Floats) -> None:
    """Runs without their last bases, but for the first."""
    for r in range(len(runs.start)):
        for fewer in range(1, min(LENGTHS, runs.stop[r] - runs.start[r] - 1) + 1):
            out[runs.rows[r], fewer - 1] = _skip(band, runs.stop[r] - fewer, runs.stop[r])


@njit(cache=True, nogil=True)
def _drop(aligned: Aligned, runs: Spots, out: Floats) -> None:
    """Templates without the run: other bases are neighbours then, so that the one behind it is read anew."""
    template, band, lanes, count = aligned.template, aligned.band, aligned.lanes, len(runs.start)
    for r in range(count):
        _follow(lanes, template, r, runs.stop[r])
        lanes.before[r] = template.bases[runs.start[r] - 1]
        lanes.gain_before[r] = template.gain[runs.start[r] - 1]
    load_places(aligned.read, band, runs.start, runs.stop + np.int32(1), lanes)
    load_cells(band, runs.start, lanes)
    load_ends(band, runs.stop + np.int32(1), lanes)
    load_emission(aligned.read, count, lanes)
    advance(lanes, count)
    for r in range(count):
        length = runs.stop[r] - runs.start[r]
        if length <= LENGTHS:
            whole = _whole(band, runs.start[r], runs.stop[r] + 1)
            out[runs.rows[r], length - 1] = _ratio(lanes.total[r], whole)


@njit(cache=True, nogil=True)
def _lengthen(aligned: Aligned, runs: Spots, out: Floats) -> None:
    """Runs with more bases, added behind the last one."""
    band, lanes, count = aligned.band, aligned.lanes, len(runs.stop)
    for r in range(count):
        _follow(lanes, aligned.template, r, runs.stop[r] - 1)
        lanes.before[r], lanes.gain_before[r] = lanes.base[r], lanes.gain[r]
    load_places(aligned.read, band, runs.stop, runs.stop, lanes)
    load_cells(band, runs.stop, lanes)
    load_ends(band, runs.stop, lanes)
    load_emission(aligned.read, count, lanes)
    for more in range(LENGTHS):
        advance(lanes, count)
        for r in range(count):
            out[runs.rows[r], LENGTHS + more] = _ratio(lanes.total[r], band.whole[runs.stop[r]])


@njit(cache=True, nogil=True)
def _put_in(aligned: Aligned, spots: Spots, removed: int, out: Floats) -> None:
    """Other letters in front of each base or in its place: they follow in ``lanes``, the base behind in ``after``."""
    template, band, lanes, after = aligned.template, aligned.band, aligned.lanes, aligned.after
    count = len(spots.start)
    ends = spots.start + np.int32(removed + 1)
    load_places(aligned.read, band, spots.start, ends, lanes)
    load_ends(band, ends, after)
    for r in range(count):
        _follow(after, template, r, ends[r] - 1)
        j = spots.start[r]
        lanes.before[r], lanes.gain_before[r] = template.bases[j - 1], template.gain[j - 1]
    load_emission(aligned.read, count, after)
    load_cells(band, spots.start, lanes)
    keep_cells(lanes)
    for choice in range(_GREATEST_CODE):
        if not _choose(aligned, spots, removed, choice):
            break
        if choice:
            restore_cells(lanes)
        load_emission(aligned.read, count, lanes)
        advance(lanes, count)
        advance(after, count)
        for r in range(count):
            if lanes.base[r]:
                whole = _whole(band, spots.start[r], ends[r])
                out[spots.rows[r], lanes.base[r] - 1] = _ratio(after.total[r], whole)


@njit(cache=True, nogil=True)
def _choose(aligned: Aligned, spots: Spots, removed: int, choice: int) -> bool:
    """Let other letters than each base and, in front of it, the one before follow: a choice of four at most."""
    template, lanes, after, some = aligned.template, aligned.lanes, aligned.after, 0
    for r in range(len(spots.start)):
        j, before, behind = spots.start[r], lanes.before[r], after.base[r]
        letter = ((template.bases[j] + choice) & 3) + 1
        if letter == template.bases[j] or (not removed and letter == before):
            letter = 0
        some |= letter
        gain, loss = template.single_gain[letter], template.single_loss[letter]
        gain = lanes.gain_before[r] if letter == before else gain
        loss = template.loss[j - 1] if letter == before else loss
        gain = after.gain[r] if letter == behind else gain
        loss = after.loss[r] if letter == behind else loss
        lanes.base[r], lanes.gain[r], lanes.loss[r] = letter, gain, loss
        after.before[r], after.gain_before[r] = letter, gain
    return some != 0


@njit(cache=True, nogil=True)
def _repeat(aligned: Aligned, ends: Integers, unit: int) -> None:
    """Tracts with one more copy of their unit behind the last one."""
    template, band, lanes = aligned.template, aligned.band, aligned.lanes
    load_places(aligned.read, band, ends, ends, lanes)
    load_cells(band, ends, lanes)
    load_ends(band, ends, lanes)
    for step in range(unit, 0, -1):
        for r in range(len(ends)):
            j = ends[r] - step
            _follow(lanes, template, r, j)
            lanes.before[r], lanes.gain_before[r] = template.bases[j - 1], template.gain[j - 1]
        load_emission(aligned.read, len(ends), lanes)
        advance(lanes, len(ends))


@njit(cache=True, nogil=True)
def _follow(lanes: Lanes, template: Template, lane: int, j: int) -> None:
    """Let a template base follow."""
    lanes.base[lane], lanes.gain[lane], lanes.loss[lane] = template.bases[j], template.gain[j], template.loss[j]
