"""Compiled loops over the bases of passes (numba)."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from deepconsensus_py.pacbio.molecule import N

UNREAD = int(N)
"""Letter of runs that are not read, and of bases of passes that say nothing."""

_MOST = 255

(
    COUNT,
    OTHERS,
    INSERTED,
    FIRST_INSERTED,
    SECOND_INSERTED,
    PW_INSERTED,
    IP_INSERTED,
    PW_MIN,
    PW_MAX,
    PW_LOG_MEAN,
    IP_MAX,
    IP_LOG_MEAN,
    IP_NEXT,
) = range(13)
FIELDS = 13
LOG_UNITS = 32
"""Mean logarithms are stored in steps of 1/32: the highest code's, 5.55, is 177."""


@njit(cache=True)
def _read_letters(
    letter: int, begin: int, end: int, read: NDArray[np.uint8], cell: NDArray[np.uint8]
) -> tuple[int, int]:
    """Count the run's own letter and sum up its kinetics; give the first and the last position of it, -1 for none."""
    count, first, last = 0, -1, -1
    low, high, longest, pw_sum, ip_sum = _MOST, 0, 0, 0.0, 0.0
    for q in range(begin, end):
        if read[0, q] != letter:
            continue
        if count == 0:
            first = q
        last = q
        count += 1
        width, duration = int(read[1, q]), int(read[2, q])
        low, high, longest = min(low, width), max(high, width), max(longest, duration)
        pw_sum += math.log1p(width)
        ip_sum += math.log1p(duration)
    if count:
        cell[COUNT] = min(count, _MOST)
        cell[PW_MIN], cell[PW_MAX], cell[IP_MAX] = low, high, longest
        cell[PW_LOG_MEAN] = int(LOG_UNITS * pw_sum / count + 0.5)
        cell[IP_LOG_MEAN] = int(LOG_UNITS * ip_sum / count + 0.5)
    return first, last


@njit(cache=True)
def _read_others(letter: int, span: NDArray[np.int64], read: NDArray[np.uint8], cell: NDArray[np.uint8]) -> None:
    """Count other letters in front of the run and inside it."""
    begin, body, end = span[0], span[1], span[2]
    inserted, others = 0, 0
    for q in range(begin, end):
        base = read[0, q]
        is_other = base != letter and base != UNREAD  # noqa: PLR1714 - numba finds no "in" for mixed types
        if is_other and q >= body:
            others += 1
        if not is_other or q >= body:
            continue
        inserted += 1
        if inserted == 1:
            cell[FIRST_INSERTED] = base
            cell[PW_INSERTED], cell[IP_INSERTED] = read[1, q], read[2, q]
        elif inserted == 2:
            cell[SECOND_INSERTED] = base
    cell[INSERTED], cell[OTHERS] = min(inserted, _MOST), min(others, _MOST)


@njit(cache=True)
def read_runs(
    letters: NDArray[np.uint8],
    spans: NDArray[np.int64],
    read: NDArray[np.uint8],
    reverse: bool,
    cells: NDArray[np.uint8],
) -> None:
    """Read one pass at every run.

    Args:
        letters: ``uint8[runs]`` base codes, 0 where the pass is not to be read.
        spans: ``int64[runs, 3]`` pass positions where the bases in front of each run begin, where the run's own columns
            begin, and where they end.
        read: ``uint8[3, n]`` bases, pulse widths and inter-pulse durations of the pass, in draft orientation.
        reverse: the pass was sequenced from the draft's end to its start.
        cells: ``uint8[runs, FIELDS]``, zeros; filled in place.
    """
    for r in range(len(letters)):
        if letters[r] == 0:
            continue
        begin, end = spans[r, 0], spans[r, 2]
        first, last = _read_letters(letters[r], begin, end, read, cells[r])
        _read_others(letters[r], spans[r], read, cells[r])
        before, after = (begin, end) if first < 0 else (first, last + 1)
        following = before - 1 if reverse else after
        if 0 <= following < read.shape[1]:
            cells[r, IP_NEXT] = read[2, following]
