"""Triage: which windows a column network need not see, because nothing in their pileup speaks against the draft."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.pacbio.molecule import GAP

CLASSES = 5  # gap, A, T, C, G


@dataclass(frozen=True, slots=True)
class Triage:
    """A calibrated threshold and what it was seen to cost; a model's file keeps it.

    Attributes:
        threshold: windows of less doubt keep the draft.
        windows: of the molecules it was calibrated on.
        run: those of them that the network saw.
        errors: of the reads with triage.
        errors_of_all: of the reads when the network sees every window.
    """

    threshold: float
    windows: int
    run: int
    errors: int
    errors_of_all: int

    def __str__(self) -> str:
        return (
            f"doubt {self.threshold:g}: {self.run} of {self.windows} windows run, {self.errors} errors left, "
            f"{self.errors_of_all} when all are"
        )


def doubts(windows: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    """How much speaks against the draft in each window: what the passes say against it, and what it says itself.

    Args:
        windows: ``bases`` ``uint8[n, passes, width]``, all gaps in the rows of absent passes, ``draft``
            ``uint8[n, width]`` and ``draft_quality`` ``int8[n, width]`` (Phred, -1 in gaps; 0 where there is none).

    Returns:
        ``float64[n]``, the sum of the largest share of a window's passes that agree in any column on one class other
        than the draft's, and the error probability of the worst base of the draft.
    """
    bases, draft = windows["bases"], windows["draft"]
    passes = bases.any(axis=2).sum(axis=1)
    votes = np.empty((CLASSES, *draft.shape), np.intp)
    for base in range(1, CLASSES):
        votes[base] = np.count_nonzero(bases == base, axis=1)
    votes[GAP] = passes[:, None] - votes[1:].sum(axis=0)
    np.put_along_axis(votes, draft[None].astype(np.intp), 0, axis=0)
    against = votes.max(axis=(0, 2), initial=0) / np.maximum(passes, 1)
    worst = np.where(draft == GAP, np.inf, windows["draft_quality"]).min(axis=1, initial=np.inf)
    doubt: NDArray[np.float64] = against + 10 ** (-worst / 10)
    return doubt
