"""Which runs may need an edit: a loose rule, so that networks see few runs and miss little."""

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.runs.edits import CHANGE, INSERTS
from deepconsensus_py.runs.homopolymers import Runs
from deepconsensus_py.runs.kernels import UNREAD

# Sums over all passes of the log-likelihood ratio; chosen on fourteen Sequel molecules: 96 % of their errors at
# 16 candidates for each 100 bases; at -14 and -11, 97 % at 24.
_RESIZE_ABOVE = -12.0
_INSERT_ABOVE = -10.0
_QUALITY_BELOW = 30

_ONE_MORE_OR_LESS = np.flatnonzero(np.abs(CHANGE) == 1) - 1
_INSERTIONS = np.flatnonzero(INSERTS) - 1


def candidate_runs(by_strand: NDArray[np.float32], runs: Runs, quality: NDArray[np.uint8] | None) -> NDArray[np.bool_]:
    """Which runs ``bool[runs]`` some edit explains not much worse than the draft does, or the draft itself doubts.

    Args:
        by_strand: ``float32[2, runs, 8]`` log-likelihood ratios, as in ``likelihood.RunLikelihoods``.
        runs: of the draft; those of N are never candidates.
        quality: ``uint8[runs]`` lowest draft quality (Phred) of each run, or None.
    """
    total = by_strand.sum(axis=0)
    found = (total[:, _ONE_MORE_OR_LESS] > _RESIZE_ABOVE).any(axis=1)
    found |= (total[:, _INSERTIONS] > _INSERT_ABOVE).any(axis=1)
    if quality is not None:
        found |= quality < _QUALITY_BELOW
    candidates: NDArray[np.bool_] = found & (runs.base != UNREAD)
    return candidates
