"""Likelihood of a stretch of a pass given a stretch of template, by all alignments of the two (compiled).

The model is that of ``edits.band``. Its band follows one alignment; here edits of any size are compared, for which no
alignment is known, so that the band is wide and follows the diagonal.
"""

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.edits.band import PAD, Reading, Template
from deepconsensus_py.kernels import kernel

_HALF = 60
"""Cells on either side of the diagonal; sequences of up to this length are compared without a band."""


@kernel
def log_likelihood(read: Reading, template: Template) -> float:
    """Log-likelihood of a stretch of a pass, from its first base to its last, given a template; -inf if impossible.

    Args:
        read: the stretch.
        template: of any length.
    """
    size, count = len(read.bases) - 2 * PAD, len(template.bases)
    half = _HALF + abs(size - count)
    cells, after = np.zeros(size + 1), np.zeros(size + 1)
    cells[0] = 1
    logarithm = 0.0
    for j in range(count):
        middle = (j * size) // count
        low, high = max(middle - half, 0), min(middle + half, size)
        if j:
            _insert(read, template, j, cells[low : high + 1], low)
        base, loss = template.bases[j], template.loss[j]
        total = 0.0
        for i in range(low, high + 1):
            after[i] = loss * cells[i]
            if i:
                after[i] += (1 - loss) * read.emission[base, i + PAD - 1] * cells[i - 1]
            total += after[i]
        if not total > 0:
            return -np.inf
        # Cells that the band has left are not part of any path any more.
        cells[max(low - 2, 0) : low] = 0.0
        cells[low : high + 1] = after[low : high + 1] / total
        logarithm += np.log(total)
    return logarithm + np.log(cells[size]) if cells[size] > 0 else -np.inf


@kernel(inline="always")
def _insert(read: Reading, template: Template, j: int, cells: NDArray[np.float64], low: int) -> None:
    """Add the paths that insert bases of the pass before template base ``j``; the first cell is number ``low``."""
    for k in range(1, len(cells)):
        at = low + k + PAD - 1
        factor = read.foreign[at]
        if read.bases[at] == template.bases[j]:
            factor = template.gain[j] * read.cognate[at]
        elif read.bases[at] == template.bases[j - 1]:
            factor = template.gain[j - 1] * read.cognate[at]
        cells[k] += cells[k - 1] * factor
