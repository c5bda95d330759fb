"""Forward and backward probabilities of a pass given its draft, in a band (compiled).

A pair hidden Markov model (Durbin, Eddy, Krogh and Mitchison, Biological Sequence Analysis, 1998, chapter 4). Column
``j`` of the band stands before template base ``j``. Its cell ``k`` is the state in which base ``first[j] + k`` of the
pass was the last one read. Within a column, bases of the pass may be inserted; then the template base is read or
deleted. Probabilities are float32, scaled per column. The cells of a column are one vector; forward and backward, which
are independent, run side by side.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align.vectors import (
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
from deepconsensus_py.edits.aligned_pass import LONGEST_STEP
from deepconsensus_py.kernels import kernel

HALF = SIZE // 2
WIDTH = SIZE
"""Cells per column; wider bands correct no more errors (measured: docs/developers/hmm.md)."""

PAD = WIDTH
"""Padding at both ends of a pass, so that every cell of the band lies inside the arrays."""

_SMALL = 1e-200
"""The float64 product of the norms is moved into the logarithm before it falls below this and underflows."""

Codes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Integers = NDArray[np.int32]


class Reading(NamedTuple):
    """The bases of a pass, with ``PAD`` bases of probability 0 at both ends.

    Attributes:
        bases: ``int32[n]`` base codes.
        cognate: ``float32[n]`` factor of each as an insertion equal to an adjacent template base.
        foreign: ``float32[n]`` probability of each as an insertion equal to neither.
        emission: ``float32[6, n]`` probability of each given the template base.
    """

    bases: Integers
    cognate: Floats
    foreign: Floats
    emission: Floats


@kernel
def make_reading(
    read: tuple[Codes, Codes], positions: Integers, factors: tuple[Floats, Floats], foreign: Floats, emission: Floats
) -> Reading:
    """Prepare the bases of a pass for the band.

    Args:
        read: ``uint8[n]`` base codes and pulse widths.
        positions: ``int32[k]`` of the bases to take.
        factors: ``float32[256]`` by pulse width, of cognate and foreign insertions.
        foreign: ``float32[6]`` probability of a foreign insertion by base code.
        emission: ``float32[6, 6]`` probability of a read base (column) given the template base (row).
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
        loss: ``float32[m]`` deletion probability of each base.
        gain: ``float32[m]`` probability of a cognate insertion next to each.
        single_loss: ``float32[6]`` the same for a homopolymer of length 1, by base code.
        single_gain: ``float32[6]``.
    """

    bases: Integers
    loss: Floats
    gain: Floats
    single_loss: Floats
    single_gain: Floats


class Band(NamedTuple):
    """The cells, allocated once for many passes.

    Attributes:
        first: ``int32[columns]`` pass position of the first cell of each column.
        forward: ``float32[columns, WIDTH]`` before insertions, scaled.
        backward: ``float32[columns, WIDTH]`` before insertions, scaled.
        norms: ``float32[columns]`` divisor of each forward column.
        whole: ``float32[columns]`` sum over all paths, forward times backward.
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
        band: the cells.
    """

    read: Reading
    template: Template
    band: Band


def make_band(columns: int) -> Band:
    """Allocate a band of ``columns``, one more than there are template bases."""
    forward, backward = np.zeros((2, columns, WIDTH), np.float32)
    norms, whole = np.zeros((2, columns), np.float32)
    return Band(np.zeros(columns, np.int32), forward, backward, norms, whole)


@kernel
def fill_band(aligned: Aligned) -> float:
    """Compute the forward and backward cells of a pass.

    Args:
        aligned: the pass on its draft. ``band.first`` is set by the caller, so that cell ``HALF`` of the first and last
            columns are the states before and after the whole pass. The other fields are filled here.

    Returns:
        Log-likelihood of the pass, -inf if no path stays within the band.
    """
    band, count = aligned.band, len(aligned.template.bases)
    for j in range(count):
        if not 0 <= band.first[j + 1] - band.first[j] <= LONGEST_STEP:
            return -np.inf
    # Forward and backward share one loop: each waits for its own previous column most of the time, so that interleaving
    # them hides the latency.
    forward = where(numbers() == HALF, fill(np.float32(1)), fill(np.float32(0)))
    backward = forward
    store(band.forward, 0, forward)
    store(band.backward, count * WIDTH, backward)
    # Each column is divided by the sum of the one before: its own sum would lengthen the chain of dependent operations.
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


@kernel(inline="always")
def factors(
    read: Reading, frame: int, bases: tuple[np.int32, np.int32], gains: tuple[np.float32, np.float32]
) -> Vectors:
    """Vector: probability that each base of the pass, from ``frame`` on, is an insertion between two template bases.

    Args:
        read: the pass.
        frame: position of the first base.
        bases: the template bases before and after.
        gains: probability of a cognate insertion next to each.
    """
    letters, cognate = load(read.bases, frame), load(read.cognate, frame)
    of_before = where(letters == bases[0], gains[0] * cognate, load(read.foreign, frame))
    return where(letters == bases[1], gains[1] * cognate, of_before)


@kernel(inline="always")
def read_as(read: Reading, frame: int, base: np.int32) -> Vectors:
    """Vector: probability of each base of the pass, from ``frame`` on, given the template base."""
    return load(read.emission, base * read.emission.shape[1] + frame)


@kernel(inline="always")
def _insertions(read: Reading, template: Template, j: int, frame: int) -> Vectors:
    """Vector: the factors of insertions before template base ``j``."""
    if j == 0:
        # No insertion before the first base: alignments start with a match or mismatch.
        return fill(np.float32(0))
    bases, gain = template.bases, template.gain
    return factors(read, frame, (bases[j - 1], bases[j]), (gain[j - 1], gain[j]))


@kernel(inline="always")
def _step_forward(aligned: Aligned, j: int, cells: Vectors, scale: np.float32) -> Vectors:
    """The column after template base ``j``, from the one before it."""
    read, template, band = aligned.read, aligned.template, aligned.band
    steps, loss = band.first[j + 1] - band.first[j], template.loss[j]
    # Within a column each insertion follows the one in the cell before: a chain that the scan resolves in four steps.
    cells = scan_up(cells, _insertions(read, template, j, band.first[j]))
    unread = cells if steps == 0 else down(cells)
    before = up(cells) if steps == 0 else cells
    for _ in range(steps - 1):
        before, unread = unread, down(unread)
    emission = read_as(read, band.first[j + 1], template.bases[j])
    stepped: Vectors = (loss * scale) * unread + (((np.float32(1) - loss) * scale) * emission) * before
    return stepped


@kernel(inline="always")
def _step_backward(aligned: Aligned, j: int, cells: Vectors, scale: np.float32) -> Vectors:
    """The column before template base ``j``, from the one after it."""
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
