"""Likelihoods of a pass given edited drafts, from the cells of its band (compiled).

An edit changes a few template bases. The forward cells hold what precedes it and the backward cells what follows; only
the bases in between are recomputed, in a frame of their own: ``WIDTH`` bases of the pass, halfway between the columns
before and after.
"""

from typing import NamedTuple

import numpy as np

from deepconsensus_py.align.vectors import Vectors, fill, load, numbers, scan_up, total, up, where
from deepconsensus_py.edits.band import WIDTH, Aligned, Band, Floats, Integers, Reading, Template, factors, read_as
from deepconsensus_py.edits.classes import FIRST, IN_FRONT, LAST, LONGER, SHORTER
from deepconsensus_py.kernels import kernel
from deepconsensus_py.pacbio.molecule import A, N

_MOST_FEWER, _MOST_MORE = SHORTER.stop - SHORTER.start, LONGER.stop - LONGER.start
"""Largest change of homopolymer length, bp."""

_SHORTER, _LONGER = SHORTER.start, LONGER.start
_IN_FRONT, _FIRST, _LAST = IN_FRONT.start, FIRST.start, LAST.start
"""First column of each kind of edit, as integers for compiled code."""

MARGIN = 3
"""Template bases at either end of a pass whose edits are not scored."""

_LEAST_WHOLE = 1e-27


class Spots(NamedTuple):
    """Homopolymers or tandem repeats at least ``MARGIN`` bases from both ends of the template.

    Attributes:
        start: ``int32[spots]`` template position of the first base.
        stop: ``int32[spots]`` one past that of the last base.
    """

    start: Integers
    stop: Integers


class _Base(NamedTuple):
    """A template base: its code, and its probabilities of a cognate insertion and of a deletion."""

    code: np.int32
    gain: np.float32
    loss: np.float32


@kernel
def homopolymer_likelihoods(aligned: Aligned, homopolymers: Spots, out: Floats) -> None:
    """Likelihood ratios of homopolymer edits.

    The probability of the pass given the edited template over that given the template; 1 for edits that are none. An
    inserted or replacing base has the rates of a homopolymer of length 1, or those of the adjacent homopolymer that
    it extends.

    Args:
        aligned: a pass on its draft, after ``fill_band``.
        homopolymers: homopolymers.
        out: ``float32[homopolymers, EDITED]`` of ones, columns as in ``edits.classes``, changed.
    """
    # One loop per kind of edit: a single loop over all kinds takes twice as long.
    _shorten(aligned, homopolymers, out)
    _lengthen(aligned, homopolymers, out)
    _insert_in_front(aligned, homopolymers, out)
    _replace(aligned, homopolymers, out)


@kernel
def tandem_likelihoods(aligned: Aligned, tandem_repeats: Spots, units: Integers) -> Floats:
    """Likelihood ratios of one repeat unit less and one more.

    Args:
        aligned: a pass on its draft, after ``fill_band``.
        tandem_repeats: tandem repeats.
        units: ``int32[repeats]`` bases of their units.

    Returns:
        ``float32[repeats, 2]`` the probability of the pass given the edited template over that given the
        template: one copy less, one more.
    """
    out = np.empty((len(tandem_repeats.stop), 2), np.float32)
    read, template, band = aligned.read, aligned.template, aligned.band
    for r in range(len(tandem_repeats.stop)):
        end, unit = tandem_repeats.stop[r], units[r]
        out[r, 0] = _skip(band, end - unit, end)
        frame = band.first[end]
        cells = _cells(band, end, frame)
        for j in range(end - unit, end):
            cells = _advance(read, frame, cells, _base(template, j - 1), _base(template, j))
        out[r, 1] = _ratio(total(cells * _ends(band, end, frame)), band.whole[end])
    return out


@kernel(inline="always")
def _ratio(edited: np.float32, whole: float) -> float:
    """The likelihood ratio; 1 (no evidence) where float32 underflows."""
    return float(edited) / whole if whole > _LEAST_WHOLE else 1.0


@kernel(inline="always")
def _whole(band: Band, column: int, end: int) -> float:
    """Sum over all paths, scaled as the forward cells of ``column`` and the backward cells of ``end``."""
    whole = band.whole[end]
    for j in range(column + 1, end + 1):
        whole *= band.norms[j]
    return float(whole)


@kernel(inline="always")
def _skip(band: Band, column: int, end: int) -> float:
    """Likelihood ratio of deleting the template bases between two columns."""
    frame = band.first[end]
    return _ratio(total(_cells(band, column, frame) * load(band.backward, end * WIDTH)), _whole(band, column, end))


@kernel(inline="always")
def _drop(aligned: Aligned, start: int, stop: int) -> float:
    """Likelihood ratio of deleting the homopolymer; the base after it has a new neighbour and is recomputed."""
    read, template, band = aligned.read, aligned.template, aligned.band
    frame = (band.first[start] + band.first[stop + 1]) // 2
    cells = _advance(read, frame, _cells(band, start, frame), _base(template, start - 1), _base(template, stop))
    return _ratio(total(cells * _ends(band, stop + 1, frame)), _whole(band, start, stop + 1))


@kernel
def _shorten(aligned: Aligned, homopolymers: Spots, out: Floats) -> None:
    """Delete the last bases of homopolymers, or all."""
    for r in range(len(homopolymers.start)):
        start, stop = homopolymers.start[r], homopolymers.stop[r]
        for fewer in range(1, min(_MOST_FEWER, stop - start - 1) + 1):
            out[r, _SHORTER + fewer - 1] = _skip(aligned.band, stop - fewer, stop)
        if stop - start <= _MOST_FEWER:
            out[r, _SHORTER + stop - start - 1] = _drop(aligned, start, stop)


@kernel
def _lengthen(aligned: Aligned, homopolymers: Spots, out: Floats) -> None:
    """Extend homopolymers after their last base."""
    band = aligned.band
    for r in range(len(homopolymers.stop)):
        stop = homopolymers.stop[r]
        frame, last = band.first[stop], _base(aligned.template, stop - 1)
        cells, ends = _cells(band, stop, frame), _ends(band, stop, frame)
        for more in range(_MOST_MORE):
            cells = _advance(aligned.read, frame, cells, last, last)
            out[r, _LONGER + more] = _ratio(total(cells * ends), band.whole[stop])


@kernel
def _insert_in_front(aligned: Aligned, homopolymers: Spots, out: Floats) -> None:
    """Insert a different base in front of homopolymers."""
    for r in range(len(homopolymers.start)):
        _substitute(aligned, (homopolymers.start[r], homopolymers.start[r]), (out, r, _IN_FRONT))


@kernel
def _replace(aligned: Aligned, homopolymers: Spots, out: Floats) -> None:
    """Replace the first base of homopolymers, and the last of those of two or more."""
    for r in range(len(homopolymers.start)):
        _substitute(aligned, (homopolymers.start[r], homopolymers.start[r] + 1), (out, r, _FIRST))
    for r in range(len(homopolymers.start)):
        if homopolymers.stop[r] - homopolymers.start[r] > 1:
            _substitute(aligned, (homopolymers.stop[r] - 1, homopolymers.stop[r]), (out, r, _LAST))


@kernel(inline="always")
def _substitute(aligned: Aligned, span: tuple[int, int], place: tuple[Floats, int, int]) -> None:
    """Substitute the base between two positions, or insert one where they are equal: every other base in turn."""
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


@kernel(inline="always")
def _base(template: Template, j: int) -> _Base:
    return _Base(template.bases[j], template.gain[j], template.loss[j])


@kernel(inline="always")
def _cells(band: Band, column: int, frame: int) -> Vectors:
    """Vector: the forward cells of a column in a frame that starts at or after its own."""
    shift = min(frame - band.first[column], WIDTH)
    return where(numbers() < WIDTH - shift, load(band.forward, column * WIDTH + shift), fill(np.float32(0)))


@kernel(inline="always")
def _ends(band: Band, column: int, frame: int) -> Vectors:
    """Vector: the backward cells of a column in a frame that starts at or before its own."""
    shift = min(band.first[column] - frame, WIDTH)
    return where(numbers() < shift, fill(np.float32(0)), load(band.backward, column * WIDTH - shift))


@kernel(inline="always")
def _advance(read: Reading, frame: int, cells: Vectors, before: _Base, base: _Base) -> Vectors:
    """Vector: the cells after insertions and one template base, read or deleted."""
    inserted = scan_up(cells, factors(read, frame, (before.code, base.code), (before.gain, base.gain)))
    advanced: Vectors = base.loss * inserted + ((np.float32(1) - base.loss) * read_as(read, frame, base.code)) * up(
        inserted
    )
    return advanced
