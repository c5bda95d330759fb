"""End-to-end alignment of two long sequences that differ little (compiled).

The cost grows with the square of the differences, not with the lengths: for each number of differences, only how far
each diagonal can be followed is computed (Ukkonen 1985, Myers 1986). edlib takes twenty times as long for two HiFi
reads.
"""

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.kernels import kernel

_EQUAL, _DIFFERENT = cigar.EQUAL, cigar.DIFFERENT
_INSERTION, _DELETION = cigar.INSERTION, cigar.DELETION

_UNREACHED = np.iinfo(np.int32).min // 2
"""Of a diagonal that is not reached."""

_Codes = NDArray[np.uint8]
_Waves = NDArray[np.int32]


def few_differences(query: _Codes, target: _Codes, most: int) -> tuple[_Codes, NDArray[np.int32]] | None:
    """Align two sequences from end to end, at the least edit distance.

    Of alignments at that distance, the one whose gaps come last, as in edlib.

    Args:
        query: ``uint8[n]`` base codes.
        target: ``uint8[m]`` base codes.
        most: differences, up to which an alignment is looked for.

    Returns:
        CIGAR operations ``uint8[k]`` and their lengths ``int32[k]``; None if there are more differences.
    """
    if abs(len(query) - len(target)) > most:
        return None
    waves = np.empty((most + 1) ** 2, np.int32)
    distance = _waves(query, target, most, waves)
    if distance < 0:
        return None
    operations, lengths = _trace(query, target, distance, waves)
    return operations[::-1], lengths[::-1]


@kernel
def _waves(query: _Codes, target: _Codes, most: int, waves: _Waves) -> int:
    """How many bases of the query are passed on each diagonal with each number of differences.

    Diagonal ``k``, from ``-d`` to ``d``, has the bases of the target ``k`` after those of the query; its entry for
    ``d`` differences is at ``d * d + d + k``.

    Returns:
        The edit distance; -1 if it is greater than ``most``.
    """
    n, m = len(query), len(target)
    for d in range(most + 1):
        own, before = d * d + d, (d - 1) * (d - 1) + d - 1
        for k in range(-d, d + 1):
            reached = 0 if d == 0 else _UNREACHED
            if -d < k < d:
                reached = waves[before + k] + 1
            if k + 1 < d:
                reached = max(reached, waves[before + k + 1] + 1)
            if k - 1 > -d:
                reached = max(reached, waves[before + k - 1])
            reached = min(reached, n, m - k)
            while 0 <= reached < n and 0 <= reached + k < m and query[reached] == target[reached + k]:
                reached += 1
            waves[own + k] = reached
        if abs(m - n) <= d and waves[own + m - n] == n:
            return d
    return -1


@kernel
def _trace(query: _Codes, target: _Codes, distance: int, waves: _Waves) -> tuple[_Codes, NDArray[np.int32]]:
    """The alignment, backwards from its end."""
    operations, lengths = np.empty(2 * distance + 1, np.uint8), np.empty(2 * distance + 1, np.int32)
    i, j, d, count = len(query), len(target), distance, 0
    while i > 0 or j > 0:
        before, k = (d - 1) * (d - 1) + d - 1, j - i
        if i > 0 and abs(k + 1) < d and waves[before + k + 1] >= i - 1:
            operation, i, d = _INSERTION, i - 1, d - 1
        elif j > 0 and abs(k - 1) < d and waves[before + k - 1] >= i:
            operation, j, d = _DELETION, j - 1, d - 1
        elif query[i - 1] == target[j - 1]:
            operation, i, j = _EQUAL, i - 1, j - 1
        else:
            operation, i, j, d = _DIFFERENT, i - 1, j - 1, d - 1
        if count and operations[count - 1] == operation:
            lengths[count - 1] += 1
        else:
            operations[count], lengths[count] = operation, 1
            count += 1
    return operations[:count], lengths[:count]
