"""Tracks along windows of simulated molecules: homopolymers as segments."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepconsensus_py.lab.reads import SPEC, simulated

VOCABULARIES = (6,) * (SPEC.max_passes + 1)
"""Number of symbols of each pass and of the draft, by the codes of bases."""

CLASSES = 3
GAP, SINGLE, RUN = range(CLASSES)
"""Classes of a column: no base of the draft, a base, a base of a homopolymer."""

HOMOPOLYMER = 3
"""Fewest equal bases that are a homopolymer."""

Tracks = dict[str, Tensor]
"""A batch of the labelling head."""


def track_segments(count: int, seed: int) -> Tracks:
    """Windows whose columns are to be labelled as gap, base or homopolymer of the draft, from the passes alone."""
    windows = simulated(count, seed)
    passes, draft = windows["bases"].numpy().astype(np.int64), windows["draft"].numpy().astype(np.int64)
    hidden = np.zeros_like(draft)
    classes = np.stack([_runs(row) for row in draft])
    return _tracks(passes, hidden, classes)


def _runs(draft: NDArray[np.int64]) -> NDArray[np.int64]:
    (at,) = np.nonzero(draft)
    starts = np.flatnonzero(np.diff(draft[at], prepend=-1))
    lengths = np.diff(starts, append=len(at))
    classes = np.full(len(draft), GAP)
    classes[at] = np.where(np.repeat(lengths, lengths) >= HOMOPOLYMER, RUN, SINGLE)
    return classes


def _tracks(passes: NDArray[np.int64], draft: NDArray[np.int64], labels: NDArray[np.int64]) -> Tracks:
    symbols = np.concatenate([passes, draft[:, None]], axis=1).transpose(0, 2, 1)
    arrays = {"symbols": symbols, "labels": labels, "mask": np.ones(labels.shape, dtype=np.bool_)}
    return {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in arrays.items()}
