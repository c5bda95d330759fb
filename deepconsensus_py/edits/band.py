"""Forward and backward probabilities of a pass given its draft, in a band (compiled).

A pair hidden Markov model (Durbin, Eddy, Krogh and Mitchison, Biological Sequence Analysis, 1998, chapter 4). Column
``j`` of the band stands before template base ``j``. In its cell ``k``, base ``first[j] + k`` of the pass is the last
that was read. In a column, bases of the pass may be inserted; then the template base is read or left out.
Probabilities are float32 and scaled column by column. The cells of a column are one vector; forward and backward, which
do not depend on each other, go side by side.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from deepconsensus_py.edits.aligned_pass import LONGEST_STEP
from deepconsensus_py.edits.vectors import (
    SIZE,
    Vectors,
    down,
    fill,
    load,
    numbers,
    scan_down,
    scan_up,
    store,
    total,
    up,
    where,
)

HALF = SIZE // 2
WIDTH = SIZE
"""Cells of a column; wider bands remove no more errors (measured: docs/developers/hmm.md)."""

PAD = WIDTH
"""Positions before and after the bases of a pass, so that no cell of the band lies outside."""

_SMALL = 1e-200
"""Products in double precision are put by as logarithms before they are less."""

Codes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Integers = NDArray[np.int32]


class Reading(NamedTuple):
    """The bases of a pass, with ``PAD`` impossible ones at both ends.

    Attributes:
        bases: ``int32[n]`` base codes.
        cognate: ``float32[n]`` factor of each as an inserted base that equals a neighbour in the template.
        foreign: ``float32[n]`` probability of each as an inserted base that equals none.
        emission: ``float32[6, n]`` probability of each, given the template base that it is read from.
    """

    bases: Integers
    cognate: Floats
    foreign: Floats
    emission: Floats


@njit(cache=True, nogil=True)
def make_reading(
    read: tuple[Codes, Codes], positions: Integers, factors: tuple[Floats, Floats], foreign: Floats, emission: Floats
) -> Reading:
    """Some of the bases of a pass.

    Args:
        read: ``uint8[n]`` base codes and pulse widths.
        positions: ``int32[k]`` of the bases to take.
        factors: ``float32[256]`` by pulse width, of bases inserted beside their like and beside others.
        foreign: ``float32[6]`` probability of a base inserted beside others.
        emission: ``float32[6, 6]`` probability of a base (column) read from a template base (row).
    """
    size = len(positions) + 2 * PAD
    bases, cognates, foreigns = np.zeros(size, np.int32), np.zeros(size, np.float32), np.zeros(size, np.float32)
    emissions = np.zeros((len(emission), size), np.float32)
    for i in range(len(positions)):
        base, width = read[0][positions[i]], read[1][positions[i]]
        bases[i + PAD], cognates[i + PAD], foreigns[i + PAD] = (
            base,
            factors[0][width],
            foreign[base] * factors[1][width],
        )
    for row in range(len(emission)):
        for i in range(PAD, size - PAD):
            emissions[row, i] = emission[row, bases[i]]
    return Reading(bases, cognates, foreigns, emissions)


class Template(NamedTuple):
    """The stretch of the draft that a pass covers.

    Attributes:
        bases: ``int32[m]`` base codes.
        loss: ``float32[m]`` probability that each base is left out.
        gain: ``float32[m]`` probability that one more of each is read beside it.
        single_loss: ``float32[6]`` the same of a run of one, by base code.
        single_gain: ``float32[6]``.
    """

    bases: Integers
    loss: Floats
    gain: Floats
    single_loss: Floats
    single_gain: Floats


class Band(NamedTuple):
    """Cells, made once for many passes.

    Attributes:
        first: ``int32[columns]`` position of the first cell of each column.
        forward: ``float32[columns, WIDTH]`` before insertions, scaled.
        backward: ``float32[columns, WIDTH]`` before insertions, scaled.
        norms: ``float32[columns]`` by which each forward column was divided when it was made from the one before.
        whole: ``float32[columns]`` sum over all paths: of forward times backward.
    """

    first: Integers
    forward: Floats
    backward: Floats
    norms: Floats
    whole: Floats


class Aligned(NamedTuple):
    """A pass on its draft.

    Attributes:
        read: the pass.
        template: the draft it covers.
        band: for the cells.
    """

    read: Reading
    template: Template
    band: Band


def make_band(columns: int) -> Band:
    """A band of the given number of columns, one more than template bases."""
    forward, backward = np.zeros((2, columns, WIDTH), np.float32)
    norms, whole = np.zeros((2, columns), np.float32)
    return Band(np.zeros(columns, np.int32), forward, backward, norms, whole)


@njit(cache=True, nogil=True)
def run_band(aligned: Aligned) -> float:
    """Forward and backward over a pass.

    Args:
        aligned: the pass on its draft. ``band.first`` is set by the caller, so that cell ``HALF`` of the first and of
            the last column are the states before and after all of the pass. The rest of the band is filled.

    Returns:
        Logarithm of the probability of the pass, -inf where no path stays in the band.
    """
    band, count = aligned.band, len(aligned.template.bases)
    for j in range(count):
        if not 0 <= band.first[j + 1] - band.first[j] <= LONGEST_STEP:
            return -np.inf
    forward = where(numbers() == HALF, fill(np.float32(1)), fill(np.float32(0)))
    backward = forward
    store(band.forward, 0, forward)
    store(band.backward, count * WIDTH, backward)
    # Columns are divided by the sum of the one before, so that none has to wait for its own.
    norm, norm_back = np.float32(1), np.float32(1)
    logarithm, product = np.float64(0), np.float64(1)
    for j in range(count):
        forward = _step_forward(aligned, j, forward, np.float32(1) / norm)
        store(band.forward, (j + 1) * WIDTH, forward)
        band.norms[j + 1] = norm
        product *= norm
        if product < _SMALL:
            logarithm, product = logarithm + np.log(product), np.float64(1)
        norm = total(forward)
        if not norm > 0:
            return -np.inf
        i = count - 1 - j
        band.whole[i] = np.float32(1) / norm_back
        backward = _step_backward(aligned, i, backward, band.whole[i])
        store(band.backward, i * WIDTH, backward)
        norm_back = max(total(backward), np.float32(1e-30))
    end = band.forward[count, HALF]
    if not end > 0:
        return -np.inf
    band.whole[count] = end
    for i in range(count - 1, -1, -1):
        band.whole[i] = band.whole[i + 1] * (band.norms[i + 1] * band.whole[i])
    return float(logarithm + np.log(product) + np.log(end))


@njit(cache=True, nogil=True, inline="always")
def factors(
    read: Reading, frame: int, bases: tuple[np.int32, np.int32], gains: tuple[np.float32, np.float32]
) -> Vectors:
    """Vector: probability that each base of the pass, from a position on, is one more before a template base.

    Args:
        read: the pass.
        frame: position of the first base.
        bases: the template base before, and the one behind.
        gains: probability that one more of each is read beside it.
    """
    letters, cognate = load(read.bases, frame), load(read.cognate, frame)
    of_before = where(letters == bases[0], gains[0] * cognate, load(read.foreign, frame))
    return where(letters == bases[1], gains[1] * cognate, of_before)


@njit(cache=True, nogil=True, inline="always")
def read_as(read: Reading, frame: int, base: np.int32) -> Vectors:
    """Vector: probability of each base of the pass, from a position on, read from a template base."""
    return load(read.emission, base * read.emission.shape[1] + frame)


@njit(cache=True, nogil=True, inline="always")
def _insertions(read: Reading, template: Template, j: int, frame: int) -> Vectors:
    """Vector: the factors of bases inserted before template base ``j``."""
    if j == 0:
        # Nothing is inserted before the first base: alignments start with a pair.
        return fill(np.float32(0))
    bases, gain = template.bases, template.gain
    return factors(read, frame, (bases[j - 1], bases[j]), (gain[j - 1], gain[j]))


@njit(cache=True, nogil=True, inline="always")
def _step_forward(aligned: Aligned, j: int, cells: Vectors, scale: np.float32) -> Vectors:
    """The column behind template base ``j``, made from the one before it."""
    read, template, band = aligned.read, aligned.template, aligned.band
    steps, loss = band.first[j + 1] - band.first[j], template.loss[j]
    cells = scan_up(cells, _insertions(read, template, j, band.first[j]))
    unread = cells if steps == 0 else down(cells)
    before = up(cells) if steps == 0 else cells
    for _ in range(steps - 1):
        before, unread = unread, down(unread)
    emission = read_as(read, band.first[j + 1], template.bases[j])
    stepped: Vectors = (loss * scale) * unread + (((np.float32(1) - loss) * scale) * emission) * before
    return stepped


@njit(cache=True, nogil=True, inline="always")
def _step_backward(aligned: Aligned, j: int, cells: Vectors, scale: np.float32) -> Vectors:
    """The column before template base ``j``, made from the one behind it."""
    read, template, band = aligned.read, aligned.template, aligned.band
    steps, loss, frame = band.first[j + 1] - band.first[j], template.loss[j], band.first[j] + 1
    unread = cells if steps == 0 else up(cells)
    behind = down(cells) if steps == 0 else cells
    for _ in range(steps - 1):
        behind, unread = unread, up(unread)
    emission = read_as(read, frame, template.bases[j])
    cells = (loss * scale) * unread + (((np.float32(1) - loss) * scale) * emission) * behind
    stepped: Vectors = scan_down(cells, _insertions(read, template, j, frame))
    return stepped
