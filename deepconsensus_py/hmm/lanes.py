"""Steps of the pair hidden Markov model in many places at once (compiled).

Cells of one column depend on each other, so that a processor cannot compute them side by side; those of different
places do not. A lane is one place: a column of forward cells, the bases of the pass near it, and what is to follow.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from deepconsensus_py.hmm.band import FAST, WIDTH, Band, Floats, Integers, Reading

LANES = 256


class Lanes(NamedTuple):
    """Places, side by side; of each cell ``k``: ``[WIDTH, LANES]``, of each place: ``[LANES]``.

    Attributes:
        frame: ``int32`` position of the first cell in the pass.
        cells: ``float32`` forward cells.
        letters: ``int32`` base of the pass that is read last in each cell.
        cognate: ``float32`` its factor as an insertion beside its like.
        foreign: ``float32`` its probability as an insertion beside others.
        emission: ``float32`` its probability, read from the template base that follows here.
        ends: ``float32`` backward cells of the column with which a path ends.
        base: ``int32`` template base that follows.
        before: ``int32`` the one before it.
        gain: ``float32`` probability of an insertion like ``base``.
        gain_before: ``float32`` probability of an insertion like ``before``.
        loss: ``float32`` probability that ``base`` is not read.
        value: ``float32`` for sums.
        total: ``float32`` sum over the paths that end in ``ends``.
        kept: ``float32[WIDTH, LANES]`` forward cells of before a step.
    """

    frame: Integers
    cells: Floats
    letters: Integers
    cognate: Floats
    foreign: Floats
    emission: Floats
    ends: Floats
    base: Integers
    before: Integers
    gain: Floats
    gain_before: Floats
    loss: Floats
    value: Floats
    total: Floats
    kept: Floats


def make_lanes() -> Lanes:
    """Lanes with nothing in them."""
    floats = np.zeros((6, WIDTH, LANES), np.float32)
    each = np.zeros((5, LANES), np.float32)
    letters, codes = np.zeros((WIDTH, LANES), np.int32), np.zeros((3, LANES), np.int32)
    cells = (floats[0], letters, floats[1], floats[2], floats[3], floats[4])
    return Lanes(codes[0], *cells, codes[1], codes[2], each[0], each[1], each[2], each[3], each[4], floats[5])


def make_next(lanes: Lanes) -> Lanes:
    """Lanes for the base after: of the same places and cells."""
    other = make_lanes()
    same = ("frame", "cells", "letters", "cognate", "foreign")
    return other._replace(**{name: getattr(lanes, name) for name in same})


@njit(cache=True, nogil=True)
def load_places(read: Reading, band: Band, columns: Integers, ends: Integers, lanes: Lanes) -> None:
    """Put the bases of the pass half way between two columns, where paths between them lie, into the lanes."""
    for r in range(len(columns)):
        lanes.frame[r] = (band.first[columns[r]] + band.first[ends[r]]) // 2
        for k in range(WIDTH):
            x = np.uintp(lanes.frame[r] + k)
            lanes.letters[k, r] = read.bases[x]
            lanes.cognate[k, r] = read.cognate[x]
            lanes.foreign[k, r] = read.foreign[x]


@njit(cache=True, nogil=True)
def load_cells(band: Band, columns: Integers, lanes: Lanes) -> None:
    """Put the forward cells of each of the columns, not behind the lanes' frames, into the lanes."""
    for r in range(len(columns)):
        column = np.uintp(columns[r])
        rest = WIDTH - min(lanes.frame[r] - band.first[columns[r]], WIDTH)
        for k in range(rest):
            lanes.cells[k, r] = band.forward[column, np.uintp(k + WIDTH - rest)]
        for k in range(rest, WIDTH):
            lanes.cells[np.uintp(k), r] = 0


@njit(cache=True, nogil=True)
def load_ends(band: Band, columns: Integers, lanes: Lanes) -> None:
    """Put the backward cells of each of the columns, not before the lanes' frames, into the lanes."""
    for r in range(len(columns)):
        column = np.uintp(columns[r])
        shift = min(band.first[columns[r]] - lanes.frame[r], WIDTH)
        for k in range(shift):
            lanes.ends[k, r] = 0
        for k in range(WIDTH - shift):
            lanes.ends[np.uintp(k + shift), r] = band.backward[column, k]


@njit(cache=True, nogil=True)
def load_emission(read: Reading, count: int, lanes: Lanes) -> None:
    """Put the probability of each base of the pass, given ``base``, into the lanes."""
    for r in range(count):
        start, base = lanes.frame[r], np.uintp(lanes.base[r])
        for k in range(WIDTH):
            lanes.emission[k, r] = read.emission[base, np.uintp(start + k)]


@njit(cache=True, nogil=True)
def keep_cells(lanes: Lanes) -> None:
    """Put the cells by, to step from them again."""
    for k in range(WIDTH):
        for r in range(LANES):
            lanes.kept[k, r] = lanes.cells[k, r]


@njit(cache=True, nogil=True)
def restore_cells(lanes: Lanes) -> None:
    """Take back the cells that were put by."""
    for k in range(WIDTH):
        for r in range(LANES):
            lanes.cells[k, r] = lanes.kept[k, r]


@njit(cache=True, nogil=True, fastmath=FAST)
def advance(lanes: Lanes, count: int) -> None:
    """Insert bases, then read or leave out ``base``: sets ``cells``, and ``total``."""
    lanes.value[:] = 0
    lanes.total[:] = 0
    for k in range(WIDTH):
        for r in range(count):
            letter, cognate = lanes.letters[k, r], lanes.cognate[k, r]
            factor = lanes.gain_before[r] * cognate if letter == lanes.before[r] else lanes.foreign[k, r]
            factor = lanes.gain[r] * cognate if letter == lanes.base[r] else factor
            inserted = lanes.cells[k, r] + lanes.value[r] * factor
            cell = lanes.loss[r] * inserted + (1 - lanes.loss[r]) * lanes.emission[k, r] * lanes.value[r]
            lanes.value[r] = inserted
            lanes.cells[k, r] = cell
            lanes.total[r] += cell * lanes.ends[k, r]
