"""From calls to the qualities that are written."""

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.models.interface import Calls
from deepconsensus_py.pacbio.molecule import Draft
from deepconsensus_py.polishing.qualities import MAX_BASE_QUALITY, Calibration, phred, round_qualities


def final_qualities(
    calls: Calls,
    *,
    model_calibration: Calibration,
    draft_calibration: Calibration,
    max_base_quality: int = MAX_BASE_QUALITY,
) -> NDArray[np.uint8]:
    """Calibrated, capped and rounded qualities of a called read.

    Args:
        calls: the read; its error probabilities are the model's, or the draft's where the draft was kept.
        model_calibration: for bases that the model called (the original's ``dc_calibration``).
        draft_calibration: for kept draft bases (the original's ``ccs_calibration``).
        max_base_quality: cap, Phred.

    Returns:
        ``uint8[n]`` Phred.
    """
    predicted = phred(calls.error_probability)
    # Draft qualities are whole numbers: undo what float32 added, or calibrated halves would round either way.
    kept = draft_calibration.apply(np.rint(predicted).astype(np.float64))
    return round_qualities(np.where(calls.from_model, model_calibration.apply(predicted), kept), max_base_quality)


def claimed_qualities(draft: Draft, draft_index: NDArray[np.int32]) -> NDArray[np.uint8]:
    """The most that a draft's own qualities claim for the bases of a read.

    Args:
        draft: with base qualities, a tag ``rq``, both or neither.
        draft_index: ``int32[n]`` position of each base of the read in the draft, -1 for an inserted one.

    Returns:
        ``uint8[n]`` Phred: the draft's base quality, and no more than its ``rq``; of an inserted base the lower one of
        its neighbours; 0 where the draft claims nothing.
    """
    accuracy = draft.tag("rq")
    known = isinstance(accuracy, float) and 0 <= accuracy <= 1
    if draft.qualities is None and not known:
        return np.zeros(len(draft_index), np.uint8)
    own = np.full(len(draft.bases), MAX_BASE_QUALITY, np.float64) if draft.qualities is None else draft.qualities
    if known:
        own = np.minimum(own, phred(np.array([1 - accuracy])))
    kept = np.where(draft_index >= 0, draft_index, -1)
    before = np.maximum.accumulate(kept)
    behind = np.minimum.accumulate(np.where(draft_index >= 0, draft_index, len(own))[::-1])[::-1]
    # Before the first and behind the last base of the draft there is one neighbour only.
    padded = np.append(own, MAX_BASE_QUALITY)
    lower = np.minimum(np.minimum(padded[before], padded[behind]), own.max(initial=0))
    return np.asarray(np.floor(lower), np.uint8)
