"""End-to-end alignment of two short sequences at affine costs (compiled).

Gotoh, Journal of Molecular Biology 162:705, 1982. For stretches of some fifty bases abPOA takes ten times as long,
nearly all of it to set up; edlib has no affine costs.
"""

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.kernels import kernel

_MISMATCH = 6
_SHORT, _LONG = (4, 3), (24, 2)
"""Costs of minimap2's preset map-ont, where equal bases cost nothing: of a mismatch; of a gap and of each of its bases,
twice, of which the lesser counts. From twenty bases on, gaps are long."""

_PAIR, _DELETION, _INSERTION, _LONG_DELETION, _LONG_INSERTION = range(5)
_KIND = 7
"""Bits of a cell that tell how the best path to it ends; another one for each kind of gap tells whether it goes on."""

_FAR = 1 << 30

Codes = NDArray[np.uint8]
Integers = NDArray[np.int32]


@kernel
def affine_pairs(read: Codes, draft: Codes) -> Integers:
    """``int32[n]`` position in the read of the base aligned with each draft base; -1 for none.

    Args:
        read: ``uint8[m]`` base codes.
        draft: ``uint8[n]`` base codes.
    """
    return _trace_back(_fill(read, draft))


@kernel
def _fill(read: Codes, draft: Codes) -> Codes:
    """``uint8[n + 1, m + 1]`` the bits of each cell, which stands after so many bases of the draft and of the read."""
    m = len(read)
    cells = np.zeros((len(draft) + 1, m + 1), np.uint8)
    best = np.empty(m + 1, np.int32)
    short, long = np.full(m + 1, _FAR, np.int32), np.full(m + 1, _FAR, np.int32)
    best[0] = 0
    for i in range(1, m + 1):
        best[i], cells[0, i] = _edge(i, _INSERTION, _LONG_INSERTION)
    for j in range(1, len(draft) + 1):
        before = best[0]
        best[0], cells[j, 0] = _edge(j, _DELETION, _LONG_DELETION)
        inserted = inserted_long = _FAR
        for i in range(1, m + 1):
            least = before + (0 if read[i - 1] == draft[j - 1] else _MISMATCH)
            kind = _PAIR
            short[i], flags = _gap(best[i], short[i], _SHORT, _DELETION)
            if short[i] < least:
                least, kind = short[i], _DELETION
            long[i], more = _gap(best[i], long[i], _LONG, _LONG_DELETION)
            flags |= more
            if long[i] < least:
                least, kind = long[i], _LONG_DELETION
            inserted, more = _gap(best[i - 1], inserted, _SHORT, _INSERTION)
            flags |= more
            if inserted < least:
                least, kind = inserted, _INSERTION
            inserted_long, more = _gap(best[i - 1], inserted_long, _LONG, _LONG_INSERTION)
            flags |= more
            if inserted_long < least:
                least, kind = inserted_long, _LONG_INSERTION
            before, best[i], cells[j, i] = best[i], least, kind | flags
    return cells


@kernel(inline="always")
def _goes_on(kind: int) -> int:
    """The bit for gaps of a kind that have more bases before this one."""
    return _KIND + 1 << kind - 1


@kernel(inline="always")
def _gap(opened: int, longer: int, costs: tuple[int, int], kind: int) -> tuple[int, int]:
    """The cost of a gap that ends here, and its bit, given the costs of the cell before it and of the gap there."""
    if longer < opened + costs[0]:
        return longer + costs[1], _goes_on(kind)
    return opened + costs[0] + costs[1], 0


@kernel(inline="always")
def _edge(bases: int, short: int, long: int) -> tuple[int, int]:
    """Cost and bits of a cell with only a gap before it."""
    costs = _SHORT[0] + bases * _SHORT[1], _LONG[0] + bases * _LONG[1]
    if costs[0] <= costs[1]:
        return costs[0], short | _goes_on(short) | _goes_on(long)
    return costs[1], long | _goes_on(short) | _goes_on(long)


@kernel
def _trace_back(cells: Codes) -> Integers:
    j, i = cells.shape[0] - 1, cells.shape[1] - 1
    pairs = np.full(j, -1, np.int32)
    kind = cells[j, i] & _KIND
    while i or j:
        goes_on = kind != _PAIR and cells[j, i] & _goes_on(kind) != 0
        if kind == _PAIR:
            i, j = i - 1, j - 1
            pairs[j] = i
        elif kind in (_DELETION, _LONG_DELETION):
            j -= 1
        else:
            i -= 1
        kind = kind if goes_on else cells[j, i] & _KIND
    return pairs
