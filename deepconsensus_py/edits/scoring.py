"""Probabilities of a pass given edited drafts, from the cells of its band (compiled).

An edit changes a few template bases. What comes before stands in the forward cells, what comes after in the backward
cells; only the bases between are read anew. That is done in a frame of its own: ``WIDTH`` bases of the pass half way
between the columns before and after, where paths between them lie.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from deepconsensus_py.edits.band import WIDTH, Aligned, Band, Floats, Integers, Reading, Template, factors, read_as
from deepconsensus_py.edits.classes import EDITED, FIRST, IN_FRONT, LAST, LONGER, SHORTER
from deepconsensus_py.edits.vectors import Vectors, fill, load, numbers, scan_up, total, up, where
from deepconsensus_py.pacbio.molecule import A, N

_LONGEST = SHORTER.stop - SHORTER.start
"""Bases by which runs are made shorter and longer."""

_SHORTER, _LONGER = SHORTER.start, LONGER.start
_IN_FRONT, _FIRST, _LAST = IN_FRONT.start, FIRST.start, LAST.start
"""First column of each kind of edit; compiled code takes whole numbers."""

MARGIN = 3
"""Template bases at both ends of a pass where edits are not scored."""

_LEAST_WHOLE = 1e-27


class Spots(NamedTuple):
    """Runs, or tracts, at least ``MARGIN`` bases from both ends of the template.

    Attributes:
        start: ``int32[spots]`` template position of the first base.
        stop: ``int32[spots]`` one past that of the last base.
    """

    start: Integers
    stop: Integers


class _Base(NamedTuple):
    """A template base: its code, and the probabilities of one more beside it and of none in its place."""

    code: np.int32
    gain: np.float32
    loss: np.float32


@njit(cache=True, nogil=True)
def run_likelihoods(aligned: Aligned, runs: Spots) -> Floats:
    """Likelihood ratios of the edits of runs.

    A letter put in has the rates of a run of one; one that takes a base's place and lengthens a run has those of that
    run.

    Args:
        aligned: a pass on its draft, after ``run_band``.
        runs: homopolymer runs.

    Returns:
        ``float32[runs, EDITED]``, columns as in ``edits.classes``: the probability of the pass given the edited
        template over that given the template; 1 for edits that are none.
    """
    out = np.ones((len(runs.start), EDITED), np.float32)
    # One kind of edit after the other: all in one go takes twice as long.
    _shorten(aligned, runs, out)
    _lengthen(aligned, runs, out)
    _put_in_front(aligned, runs, out)
    _replace(aligned, runs, out)
    return out


@njit(cache=True, nogil=True)
def tract_likelihoods(aligned: Aligned, tracts: Spots, units: Integers) -> Floats:
    """Likelihood ratios of repeat tracts of one copy of their unit less and more.

    Args:
        aligned: a pass on its draft, after ``run_band``.
        tracts: repeat tracts.
        units: ``int32[tracts]`` bases of their units.

    Returns:
        ``float32[tracts, 2]`` the probability of the pass given the edited template over that given the template: one
        copy less, one more.
    """
    out = np.empty((len(tracts.stop), 2), np.float32)
    read, template, band = aligned.read, aligned.template, aligned.band
    for r in range(len(tracts.stop)):
        end, unit = tracts.stop[r], units[r]
        out[r, 0] = _skip(band, end - unit, end)
        frame = band.first[end]
        cells = _cells(band, end, frame)
        for j in range(end - unit, end):
            cells = _advance(read, frame, cells, _base(template, j - 1), _base(template, j))
        out[r, 1] = _ratio(total(cells * _ends(band, end, frame)), band.whole[end])
    return out


@njit(cache=True, nogil=True, inline="always")
def _ratio(edited: np.float32, whole: float) -> float:
    """1, which says nothing, where single precision does not hold the paths."""
    return float(edited) / whole if whole > _LEAST_WHOLE else 1.0


@njit(cache=True, nogil=True, inline="always")
def _whole(band: Band, column: int, end: int) -> float:
    """Sum over all paths, in the scale of the forward cells of ``column`` and the backward cells of ``end``."""
    whole = band.whole[end]
    for j in range(column + 1, end + 1):
        whole *= band.norms[j]
    return float(whole)


@njit(cache=True, nogil=True, inline="always")
def _skip(band: Band, column: int, end: int) -> float:
    """Likelihood ratio of a template without the bases between two columns."""
    frame = band.first[end]
    return _ratio(total(_cells(band, column, frame) * load(band.backward, end * WIDTH)), _whole(band, column, end))


@njit(cache=True, nogil=True, inline="always")
def _drop(aligned: Aligned, start: int, stop: int) -> float:
    """Likelihood ratio without the run: other bases are neighbours then, so that the one behind it is read anew."""
    read, template, band = aligned.read, aligned.template, aligned.band
    frame = (band.first[start] + band.first[stop + 1]) // 2
    cells = _advance(read, frame, _cells(band, start, frame), _base(template, start - 1), _base(template, stop))
    return _ratio(total(cells * _ends(band, stop + 1, frame)), _whole(band, start, stop + 1))


@njit(cache=True, nogil=True)
def _shorten(aligned: Aligned, runs: Spots, out: Floats) -> None:
    """Runs without their last bases, or all of them."""
    for r in range(len(runs.start)):
        start, stop = runs.start[r], runs.stop[r]
        for fewer in range(1, min(_LONGEST, stop - start - 1) + 1):
            out[r, _SHORTER + fewer - 1] = _skip(aligned.band, stop - fewer, stop)
        if stop - start <= _LONGEST:
            out[r, _SHORTER + stop - start - 1] = _drop(aligned, start, stop)


@njit(cache=True, nogil=True)
def _lengthen(aligned: Aligned, runs: Spots, out: Floats) -> None:
    """Runs with more bases, added behind the last one."""
    band = aligned.band
    for r in range(len(runs.stop)):
        stop = runs.stop[r]
        frame, last = band.first[stop], _base(aligned.template, stop - 1)
        cells, ends = _cells(band, stop, frame), _ends(band, stop, frame)
        for more in range(_LONGEST):
            cells = _advance(aligned.read, frame, cells, last, last)
            out[r, _LONGER + more] = _ratio(total(cells * ends), band.whole[stop])


@njit(cache=True, nogil=True)
def _put_in_front(aligned: Aligned, runs: Spots, out: Floats) -> None:
    """Runs with another letter in front."""
    for r in range(len(runs.start)):
        _put_in(aligned, (runs.start[r], runs.start[r]), (out, r, _IN_FRONT))


@njit(cache=True, nogil=True)
def _replace(aligned: Aligned, runs: Spots, out: Floats) -> None:
    """Runs with another letter in the place of their first base, and of their last, of two or more."""
    for r in range(len(runs.start)):
        _put_in(aligned, (runs.start[r], runs.start[r] + 1), (out, r, _FIRST))
    for r in range(len(runs.start)):
        if runs.stop[r] - runs.start[r] > 1:
            _put_in(aligned, (runs.stop[r] - 1, runs.stop[r]), (out, r, _LAST))


@njit(cache=True, nogil=True, inline="always")
def _put_in(aligned: Aligned, span: tuple[int, int], place: tuple[Floats, int, int]) -> None:
    """Other letters in the place of the bases between two positions, one or none, or in front of them."""
    read, template, band = aligned.read, aligned.template, aligned.band
    (start, stop), (out, row, column) = span, place
    frame = (band.first[start] + band.first[stop + 1]) // 2
    cells, ends = _cells(band, start, frame), _ends(band, stop + 1, frame)
    before, behind, whole = _base(template, start - 1), _base(template, stop), _whole(band, start, stop + 1)
    for code in range(A, N):
        if code == template.bases[start] or (start == stop and code == before.code):
            continue
        new = _Base(np.int32(code), template.single_gain[code], template.single_loss[code])
        new = before if code == before.code else new
        new = behind if code == behind.code else new
        edited = _advance(read, frame, cells, before, new)
        edited = _advance(read, frame, edited, new, behind)
        out[row, column + code - A] = _ratio(total(edited * ends), whole)


@njit(cache=True, nogil=True, inline="always")
def _base(template: Template, j: int) -> _Base:
    return _Base(template.bases[j], template.gain[j], template.loss[j])


@njit(cache=True, nogil=True, inline="always")
def _cells(band: Band, column: int, frame: int) -> Vectors:
    """Vector: the forward cells of a column in a frame that does not begin before its own."""
    shift = min(frame - band.first[column], WIDTH)
    return where(numbers() < WIDTH - shift, load(band.forward, column * WIDTH + shift), fill(np.float32(0)))


@njit(cache=True, nogil=True, inline="always")
def _ends(band: Band, column: int, frame: int) -> Vectors:
    """Vector: the backward cells of a column in a frame that does not begin behind its own."""
    shift = min(band.first[column] - frame, WIDTH)
    return where(numbers() < shift, fill(np.float32(0)), load(band.backward, column * WIDTH - shift))


@njit(cache=True, nogil=True, inline="always")
def _advance(read: Reading, frame: int, cells: Vectors, before: _Base, base: _Base) -> Vectors:
    """Vector: the cells after bases are inserted, and a template base is read or left out."""
    inserted = scan_up(cells, factors(read, frame, (before.code, base.code), (before.gain, base.gain)))
    advanced: Vectors = base.loss * inserted + ((np.float32(1) - base.loss) * read_as(read, frame, base.code)) * up(
        inserted
    )
    return advanced
