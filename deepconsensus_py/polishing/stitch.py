"""From calls to the qualities that are written."""

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.models.interface import Calls
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
