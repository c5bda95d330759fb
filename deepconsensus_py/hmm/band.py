"""Forward and backward probabilities of a pass given its draft, in a band (compiled).

A pair hidden Markov model (Durbin, Eddy, Krogh and Mitchison, Biological Sequence Analysis, 1998, chapter 4). Column
``j`` of the band stands before template base ``j``. In its cell ``k``, base ``first[j] + k`` of the pass is the last
that was read. In a column, bases of the pass may be inserted; then the template base is read or left out.
Probabilities are float32 and scaled column by column.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from deepconsensus_py.hmm.tally import LONGEST_STEP

HALF = 8
WIDTH = 2 * HALF
"""Cells of a column; wider bands remove no more errors (measured: docs/hmm.md)."""

PAD = WIDTH
"""Positions before and after the bases of a pass, so that no cell of the band lies outside."""

FAST = {"contract", "reassoc", "nsz"}
"""Liberties with rounding that the compiler may take; infinities keep their meaning."""

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
        forward: ``float32[columns, WIDTH]`` before insertions, of sum 1.
        backward: ``float32[columns, WIDTH]`` before insertions, of sum 1.
        norms: ``float32[columns]`` sum of each forward column before it was scaled.
        whole: ``float32[columns]`` sum over all paths: of forward times backward.
        wide: ``float32[WIDTH + 2 * LONGEST_STEP]`` one column with zeros around it.
    """

    first: Integers
    forward: Floats
    backward: Floats
    norms: Floats
    whole: Floats
    wide: Floats


def make_band(columns: int) -> Band:
    """A band of the given number of columns, one more than template bases."""
    forward, backward = np.zeros((2, columns, WIDTH), np.float32)
    norms, whole = np.zeros((2, columns), np.float32)
    wide = np.zeros(WIDTH + 2 * LONGEST_STEP, np.float32)
    return Band(np.zeros(columns, np.int32), forward, backward, norms, whole, wide)


@njit(cache=True, nogil=True)
def run_band(read: Reading, template: Template, band: Band) -> float:
    """Forward and backward over a pass.

    Args:
        read: the pass.
        template: the draft it covers.
        band: ``first`` set by the caller, so that cell ``HALF`` of the first and of the last column are the states
            before and after all of the pass. The rest is filled.

    Returns:
        Logarithm of the probability of the pass, -inf where no path stays in the band.
    """
    columns = len(template.bases) + 1
    for j in range(1, columns):
        if not 0 <= band.first[j] - band.first[j - 1] <= LONGEST_STEP:
            return -np.inf
    band.wide[:] = 0
    logarithm = _run_forward(read, template, band)
    end = band.forward[columns - 1, HALF]
    if not (np.isfinite(logarithm) and end > 0):
        return -np.inf
    band.whole[columns - 1] = end
    _run_backward(read, template, band)
    return float(logarithm + np.log(end))


@njit(cache=True, nogil=True, fastmath=FAST)
def _run_forward(read: Reading, template: Template, band: Band) -> float:
    bases, gain, forward, wide = template.bases, template.gain, band.forward, band.wide
    forward[0] = 0
    forward[0, HALF] = 1
    logarithm = 0.0
    for j in range(len(bases)):
        base, start, first = bases[j], band.first[j], band.first[j + 1]
        # Nothing is inserted before the first base: alignments start with a pair. No letter is -1.
        before = bases[j - 1] if j else np.int32(-1)
        gain_before = gain[j - 1] if j else np.float32(0)
        open_ = np.float32(1) if j else np.float32(0)
        value = np.float32(0)
        for k in range(WIDTH):
            x = np.uintp(start + k)
            letter = read.bases[x]
            factor = gain_before * read.cognate[x] if letter == before else read.foreign[x]
            factor = gain[j] * read.cognate[x] if letter == base else factor
            value = forward[j, k] + value * factor * open_
            wide[LONGEST_STEP + k] = value
        shift, loss = first - start, template.loss[j]
        keep = np.float32(1) - loss
        total = np.float32(0)
        for k in range(WIDTH):
            x, y = np.uintp(first + k), np.uintp(LONGEST_STEP + k + shift)
            value = loss * wide[y] + keep * read.emission[base, x] * wide[y - np.uintp(1)]
            forward[j + 1, k] = value
            total += value
        if not total > 0:
            return -np.inf
        band.norms[j + 1] = total
        logarithm += np.log(total)
        scale = np.float32(1) / total
        for k in range(WIDTH):
            forward[j + 1, k] *= scale
    return logarithm


@njit(cache=True, nogil=True, fastmath=FAST)
def _run_backward(read: Reading, template: Template, band: Band) -> None:
    bases, gain, backward, wide = template.bases, template.gain, band.backward, band.wide
    backward[len(bases)] = 0
    backward[len(bases), HALF] = 1
    for j in range(len(bases) - 1, -1, -1):
        base, start, shift = bases[j], band.first[j], band.first[j + 1] - band.first[j]
        before = bases[j - 1] if j else np.int32(-1)
        gain_before = gain[j - 1] if j else np.float32(0)
        open_ = np.float32(1) if j else np.float32(0)
        loss = template.loss[j]
        keep = np.float32(1) - loss
        for k in range(WIDTH):
            wide[LONGEST_STEP + k] = backward[j + 1, k]
        value, total = np.float32(0), np.float32(0)
        for i in range(WIDTH):
            k = WIDTH - 1 - i
            x, y = np.uintp(start + k + 1), np.uintp(LONGEST_STEP + k - shift)
            letter = read.bases[x]
            factor = gain_before * read.cognate[x] if letter == before else read.foreign[x]
            factor = gain[j] * read.cognate[x] if letter == base else factor
            value = loss * wide[y] + keep * read.emission[base, x] * wide[y + np.uintp(1)] + value * factor * open_
            backward[j, np.uintp(k)] = value
            total += value
        scale = np.float32(1) / max(total, np.float32(1e-30))
        for k in range(WIDTH):
            backward[j, k] *= scale
        band.whole[j] = band.whole[j + 1] * band.norms[j + 1] * scale
