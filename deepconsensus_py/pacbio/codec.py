"""Codec V1 of kinetics: durations of up to 952 frames in a byte, the longer the coarser (PacBio BAM format)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_CODES_PER_STEP = 64
_STEPS = np.repeat([1, 2, 4, 8], _CODES_PER_STEP)
FRAMES_OF_CODE = np.concatenate([[0], np.cumsum(_STEPS)[:-1]]).astype(np.uint16)
MAX_FRAMES = int(FRAMES_OF_CODE[-1])

_first_frame_of_next_code = (FRAMES_OF_CODE[:-1] + FRAMES_OF_CODE[1:] + 1) // 2
CODE_OF_FRAMES = np.searchsorted(_first_frame_of_next_code, np.arange(MAX_FRAMES + 1), side="right").astype(np.uint8)


def frames_to_codes(frames: NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
    """Codec V1 codes of durations.

    Args:
        frames: integers of any shape, frames; those above 952 become the last code, negative ones the first.

    Returns:
        ``uint8`` codes of the same shape.
    """
    codes: NDArray[np.uint8] = CODE_OF_FRAMES[np.clip(frames, 0, MAX_FRAMES)]
    return codes


def codes_to_frames(codes: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Durations, frames, of codec V1 codes of any shape."""
    return FRAMES_OF_CODE[codes]
