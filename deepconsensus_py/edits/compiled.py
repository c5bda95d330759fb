"""Load the compiled code by calling it once; imported only in the process that workers are forked from.

numba reads its cache at the first call of a function, which would take every worker a third of a second.
"""

from contextlib import suppress

import numpy as np

from deepconsensus_py.edits.method import encode_edits
from deepconsensus_py.pacbio.molecule import Alignment, Draft, Pass, Zmw

_EQUAL = 7
"""BAM's code for bases that match."""


def _toy() -> Zmw:
    """A molecule whose passes agree, 64 bases long."""
    bases = np.tile(np.array([1, 2, 3, 3, 4, 1, 4, 4], np.uint8), 8)
    alignment = Alignment(0, np.array([_EQUAL], np.uint8), np.array([len(bases)], np.int32))
    kinetics, snr = np.full(len(bases), 10, np.uint8), np.full(4, 8, np.float32)
    passes = (
        Pass(f"toy/0/{n}_{n}", bases.copy(), kinetics, kinetics, snr, alignment, reverse=n % 2 == 1) for n in range(4)
    )
    return Zmw(Draft("toy/0/ccs", bases, np.full(len(bases), 30, np.uint8)), tuple(passes))


with suppress(Exception):  # any fault recurs at the first molecule, where it can be reported
    encode_edits(_toy())
