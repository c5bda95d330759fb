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
    load_cells,
    load_emission,
    load_ends,
    load_places,
    make_lanes,
)

LENGTHS = 4
"""Bases by which runs are made shorter and longer."""

EDITS = 2 * LENGTHS + 4
MARGIN = 3
"""Template bases at both ends of a pass where edits are not scored."""

_GREATEST_CODE = 4
_LEAST_WHOLE = 1e-25


class Aligned(NamedTuple):
    """A pass on its draft.

    Attributes:
        read: the pass.
        template: the draft it covers.
        band: after ``run_band``.
    """

    read: Reading
    template: Template
    band: Band


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
            template: 4 to 1 bases less, 1 to 4 bases more, A, T, C, G in front. Edits that are none stay as they are.
    """
    lanes = make_lanes()
    for begin in range(0, len(runs.start), LANES):
        spots = _part(runs, begin)
        _shorten(aligned.band, spots, out)
        _lengthen(aligned, lanes, spots, out)
        _drop(aligned, lanes, spots, out)
        load_places(aligned.read, aligned.band, spots.start, spots.start + np.int32(1), lanes)
        for choice in range(_GREATEST_CODE):
            if not _put_in(aligned, lanes, spots, choice, out):
                break


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
    lanes = make_lanes()
    for begin in range(0, len(tracts.start), LANES):
        spots = _part(tracts, begin)
        _repeat(aligned, lanes, spots.stop, unit)
        for r in range(len(spots.stop)):
            end = spots.stop[r]
            out[spots.rows[r], 0] = _skip(aligned.band, end - unit, end)
            out[spots.rows[r], 1] = _ratio(lanes.total[r], aligned.band.whole[end])


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
            out[runs.rows[r], LENGTHS - fewer] = _skip(band, runs.stop[r] - fewer, runs.stop[r])


@njit(cache=True, nogil=True)
def _drop(aligned: Aligned, lanes: Lanes, runs: Spots, out: Floats) -> None:
    """Templates without the run: other bases are neighbours then, so that the one behind it is read anew."""
    template, band, count = aligned.template, aligned.band, len(runs.start)
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
            out[runs.rows[r], LENGTHS - length] = _ratio(lanes.total[r], whole)


@njit(cache=True, nogil=True)
def _lengthen(aligned: Aligned, lanes: Lanes, runs: Spots, out: Floats) -> None:
    """Runs with more bases, added behind the last one."""
    band, count = aligned.band, len(runs.stop)
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
def _put_in(aligned: Aligned, lanes: Lanes, runs: Spots, choice: int, out: Floats) -> bool:
    """Another letter in front of each run; whether there was one."""
    template, band, count = aligned.template, aligned.band, len(runs.start)
    some = 0
    for r in range(count):
        start = runs.start[r]
        new = _other_letter(template.bases[start], template.bases[start - 1], choice)
        some += new
        lanes.base[r], lanes.before[r] = new, template.bases[start - 1]
        lanes.gain[r], lanes.gain_before[r] = template.single_gain[new], template.gain[start - 1]
        lanes.loss[r] = template.single_loss[new]
    if not some:
        return False
    load_cells(band, runs.start, lanes)
    load_emission(aligned.read, count, lanes)
    advance(lanes, count)
    for r in range(count):
        lanes.before[r], lanes.gain_before[r] = lanes.base[r], lanes.gain[r]
        _follow(lanes, template, r, runs.start[r])
    load_ends(band, runs.start + np.int32(1), lanes)
    load_emission(aligned.read, count, lanes)
    advance(lanes, count)
    for r in range(count):
        if lanes.before[r]:
            whole = _whole(band, runs.start[r], runs.start[r] + 1)
            out[runs.rows[r], 2 * LENGTHS + lanes.before[r] - 1] = _ratio(lanes.total[r], whole)
    return True


@njit(cache=True, nogil=True)
def _repeat(aligned: Aligned, lanes: Lanes, ends: Integers, unit: int) -> None:
    """Tracts with one more copy of their unit behind the last one."""
    template, band = aligned.template, aligned.band
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


@njit(cache=True, nogil=True)
def _other_letter(base: int, before: int, choice: int) -> int:
    """The base codes that differ from two others, one for each choice, then 0."""
    for letter in range(1, _GREATEST_CODE + 1):
        if letter not in (base, before):
            if choice == 0:
                return letter
            choice -= 1
    return 0
