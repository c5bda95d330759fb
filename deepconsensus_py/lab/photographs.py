"""Small patches of the two photographs that come with scikit-learn, in few levels of red, green and blue."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.errors import InputError

LEVELS = 16
"""Of each channel; a level is 16 of the 256 of a byte."""


def patches(count: int, *, seed: int, size: int = 16, test: bool = False) -> NDArray[np.int64]:
    """Draw patches: those to train on from the left three quarters of the photographs, those to test on from the rest.

    Args:
        count: number of patches.
        seed: the same seed draws the same patches.
        size: height and width of a patch.
        test: draw from the right quarter.

    Returns:
        ``int64[count, size, size, 3]`` of 0 to ``LEVELS - 1``.

    Raises:
        InputError: scikit-learn, or Pillow which it reads pictures with, is not installed.
    """
    photographs = np.stack(_load().images) // (256 // LEVELS)
    border = photographs.shape[2] * 3 // 4
    photographs = photographs[:, :, border:] if test else photographs[:, :, :border]
    generator = np.random.default_rng(seed)
    which = generator.integers(len(photographs), size=count)
    top, left = (generator.integers(side - size + 1, size=count) for side in photographs.shape[1:3])
    span = np.arange(size)
    cut: NDArray[np.int64] = photographs[
        which[:, None, None], (top[:, None] + span)[:, :, None], (left[:, None] + span)[:, None]
    ].astype(np.int64)
    return cut


def _load() -> Any:
    try:
        import PIL  # noqa: F401
        from sklearn.datasets import load_sample_images
    except ImportError as error:
        raise InputError("scikit-learn or Pillow is not installed; pip install 'deepconsensus-py[examples]'") from error
    return load_sample_images()
