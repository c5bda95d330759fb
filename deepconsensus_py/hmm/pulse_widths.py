"""How much likelier a base of a given pulse width is as an inserted base than as one read from the template.

Counts of bases by pulse width and by what they are in unit-cost alignments to the truth, from eight Sequel molecules
(HG002, 87 passes). Bases that differ from both neighbours and longer insertions are counted together.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

_FROM = (*range(0, 42, 2), 50, 60, 70, 80, 90, 100)
"""Lowest codec V1 code of each row below."""

_READ = (
    *(253, 46390, 103361, 109395, 100516, 87184, 73958, 62062, 52553, 44184, 37138, 30946, 26747, 22434, 19225),
    *(16509, 14040, 12339, 10458, 9130, 31207, 16528, 12425, 6781, 2798, 1212, 1336),
)
_COGNATE = (
    *(44, 3275, 3640, 2930, 2405, 1867, 1494, 1224, 938, 765, 600, 522, 423, 423, 319, 267, 222, 198, 175, 134, 479),
    *(251, 196, 117, 51, 16, 27),
)
_FOREIGN = (
    *(222, 14472, 8053, 4058, 2918, 2234, 1811, 1470, 1111, 928, 764, 632, 571, 443, 407, 313, 283, 280, 227, 212),
    *(723, 427, 382, 283, 157, 99, 226),
)

_PSEUDO_COUNT = 0.5


@cache
def insertion_factors() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Likelihood ratios of pulse widths, inserted against read.

    Returns:
        ``float32[256]`` by codec V1 code for bases that equal a neighbour in the template, and for those that do not.
    """
    row = np.searchsorted(_FROM, np.arange(256), side="right") - 1
    read, cognate, foreign = (
        (counts / counts.sum())[row] for counts in (np.array(c) + _PSEUDO_COUNT for c in (_READ, _COGNATE, _FOREIGN))
    )
    return (cognate / read).astype(np.float32), (foreign / read).astype(np.float32)
