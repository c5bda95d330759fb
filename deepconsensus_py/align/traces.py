"""Alignment of a pass along its guide at the least edit distance, in a band (compiled).

A column of the band is a word of 64 bits, which takes a few instructions (Myers, Journal of the ACM 46:395, 1999; in a
band: Hyyrö, Nordic Journal of Computing 10:29, 2003). Other costs of mismatches and gaps hardly matter for votes, and
windows where passes disagree are scored anew.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align.guides import Codes, Guide, Integers, Placed
from deepconsensus_py.kernels import kernel
from deepconsensus_py.pacbio.molecule import N

_WIDTH = 64
_HALF = _WIDTH // 2
_ALL, _NONE, _ONE = np.uint64(0xFFFFFFFFFFFFFFFF), np.uint64(0), np.uint64(1)
_LAST = np.uint64(_WIDTH - 1)

_Words = NDArray[np.uint64]


class Trace(NamedTuple):
    """A pass aligned to a template.

    Attributes:
        bases: ``uint8[m]`` base codes, in the direction of the template.
        guide: the path; its ``before`` counts no base that is inserted before the template base.
        pairs: ``int32[n]`` position in the pass of the base aligned with each template base; -1 for none.
    """

    bases: Codes
    guide: Guide
    pairs: Integers


def trace(template: Codes, placed: Placed) -> Trace:
    """Align a pass to a template, from the first to the last base that its guide covers.

    Args:
        template: ``uint8[n]`` base codes.
        placed: the pass.
    """
    guide = placed.guide
    pairs, before = _align(template, placed.bases, guide)
    return Trace(placed.bases, Guide(guide.first, guide.stop, before), pairs)


def carried(one: Trace, index: Integers) -> Placed:
    """The same pass along an edited template.

    Args:
        one: along the template before.
        index: ``int32[k]`` position of each base in the template before, -1 for an inserted one.
    """
    first, stop, before = _carry(one.guide, index)
    return Placed(one.bases, Guide(first, stop, before))


@kernel
def _bits(bases: Codes) -> _Words:
    """A row for each base code, with a bit for each base of the pass."""
    bits = np.zeros((N + 1, (len(bases) >> 6) + 3), np.uint64)
    for i in range(len(bases)):
        bits[bases[i], i >> 6] |= _ONE << np.uint64(i & 63)
    return bits


class _Band(NamedTuple):
    """Columns of the band, one after each template base.

    Attributes:
        above: ``int32[n]`` row before the first one of each column; row ``i`` stands after ``i`` bases of the pass.
        lower: ``uint64[n]`` a bit for each row: whether the distance is lower by one than in the row before.
        nearer: ``uint64[n]`` whether it is lower by one than in the column before.
    """

    above: Integers
    lower: _Words
    nearer: _Words


@kernel
def _align(template: Codes, bases: Codes, guide: Guide) -> tuple[Integers, Integers]:
    """Pairs, and bases before each template base."""
    return _trace_back(template, bases, guide, _fill(template, _bits(bases), guide))


@kernel
def _fill(template: Codes, bits: _Words, guide: Guide) -> _Band:
    n = len(template)
    band = _Band(np.empty(n, np.int32), np.empty(n, np.uint64), np.empty(n, np.uint64))
    row, higher, lower = guide.before[guide.first], _ALL, _NONE
    for j in range(guide.first, guide.stop):
        # In rows that enter the band below, the distance grows: their bases are inserted. No branch but for long
        # insertions: a processor would often guess wrong.
        shift = max(guide.before[j + 1] - _HALF - row, 0)
        if shift < _WIDTH:
            higher = higher >> np.uint64(shift) | ~(_ALL >> np.uint64(shift))
            lower = lower >> np.uint64(shift)
        else:
            higher, lower = _ALL, _NONE
        row += shift
        word, offset = row >> 6, np.uint64(row & 63)
        # Shifted twice, as a shift by all bits is undefined.
        equal = bits[template[j], word] >> offset | bits[template[j], word + 1] << _ONE << (_LAST - offset)
        free = equal | lower
        kept = (((equal & higher) + higher) ^ higher) | equal
        farther, nearer = lower | ~(kept | higher), higher & kept
        band.above[j], band.nearer[j] = row, nearer
        # Above the band, template bases are deleted.
        farther, nearer = farther << _ONE | _ONE, nearer << _ONE
        higher, lower = nearer | ~(free | farther), farther & free
        band.lower[j] = lower
    return band


@kernel
def _trace_back(template: Codes, bases: Codes, guide: Guide, band: _Band) -> tuple[Integers, Integers]:
    """From the end to the beginning; pairs come before gaps, which moves gaps to the left.

    Branches, as most steps are pairs: a processor guesses these, and would have to wait for selected positions.
    """
    pairs, before = np.full(len(template), -1, np.int32), np.empty(len(template) + 1, np.int32)
    i, j = int(guide.before[guide.stop]), guide.stop
    before[j:] = i
    while j > guide.first:
        place = i - band.above[j - 1] - 1
        if 0 <= place < _WIDTH and bases[i - 1] == template[j - 1]:
            i, j = i - 1, j - 1
            pairs[j] = i
        elif _is_deleted((i, j), place, guide.first, band):
            j -= 1
        elif _is_inserted(j, place, band):
            i -= 1
        else:
            i, j = i - 1, j - 1
            pairs[j] = i
        before[j] = i
    # Bases in front are those of the molecule's end.
    before[: j + 1] = guide.before[guide.first]
    return pairs, before


@kernel(inline="always")
def _is_deleted(cell: tuple[int, int], place: int, first: int, band: _Band) -> bool:
    """Whether the path to a cell, the bit ``place`` of its column, ends with a deletion."""
    i, j = cell
    if place < 0 or place >= _WIDTH:
        return place < 0
    behind = i - band.above[j - 2] - 1 if j - 1 > first else _WIDTH
    return behind < _WIDTH and band.lower[j - 2] >> np.uint64(behind) & _ONE == _ONE


@kernel(inline="always")
def _is_inserted(j: int, place: int, band: _Band) -> bool:
    """Whether the path to a bit of column ``j`` ends with an insertion."""
    return place >= _WIDTH or (place > 0 and band.nearer[j - 1] >> np.uint64(place - 1) & _ONE == _ONE)


@kernel
def _carry(guide: Guide, index: Integers) -> tuple[int, int, Integers]:
    first, stop, before = guide
    length, old = len(index), len(before) - 1
    moved = np.empty(length + 1, np.int32)
    begin, end = length, 0
    latest = before[old]
    moved[length] = latest
    for k in range(length - 1, -1, -1):
        if index[k] >= 0:
            latest = before[index[k]]
            if first <= index[k] < stop:
                begin, end = k, max(end, k + 1)
        moved[k] = latest
    # Bases inserted at the ends of the template belong to the passes that reach these.
    return 0 if first == 0 else begin, length if stop == old else max(begin, end), moved
