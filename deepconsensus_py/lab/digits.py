"""Handwritten digits: 1,797 images of 8x8 pixels and 17 levels, which come with scikit-learn."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.errors import InputError

LEVELS = 17
"""Grey levels of a pixel."""

TRAINING = 1200
"""Images for training; the other 597 are for testing."""


@dataclass(frozen=True, slots=True, eq=False)
class Digits:
    """Images of digits.

    Attributes:
        levels: ``int64[count, 8, 8]`` of 0 to 16, 16 being ink.
        label: ``int64[count]`` of 0 to 9.
    """

    levels: NDArray[np.int64]
    label: NDArray[np.int64]


def digits(*, seed: int) -> tuple[Digits, Digits]:
    """The digits for training and for testing, in random order.

    Args:
        seed: of the split.

    Raises:
        InputError: scikit-learn is not installed.
    """
    loaded = _load()
    order = np.random.default_rng(seed).permutation(len(loaded.target))
    levels, label = loaded.images.astype(np.int64), loaded.target.astype(np.int64)
    train, test = order[:TRAINING], order[TRAINING:]
    return Digits(levels[train], label[train]), Digits(levels[test], label[test])


def upscaled(levels: NDArray[np.int64], size: int = 16) -> NDArray[np.float32]:
    """Enlarge images by linear interpolation between the centres of pixels.

    Args:
        levels: ``int64[count, height, width]`` of 0 to 16.
        size: height and width of the result.

    Returns:
        ``float32[count, size, size]`` of 0 to 1.
    """
    rows, columns = (_interpolation(side, size) for side in levels.shape[1:])
    grey = rows @ (levels / (LEVELS - 1)) @ columns.T
    large: NDArray[np.float32] = grey.astype(np.float32)
    return large


def marginal_bits(train: NDArray[np.int64], test: NDArray[np.int64]) -> float:
    """Bits per pixel of the best model without context: the frequency of each level at each pixel.

    Args:
        train: ``int64[count, height, width]`` of 0 to 16, in which levels are counted, plus one of each.
        test: the images to code.
    """
    counts = 1.0 + (train[..., None] == np.arange(LEVELS)).sum(axis=0)
    chance = counts / counts.sum(axis=-1, keepdims=True)
    coded = np.take_along_axis(chance[None], test[..., None], axis=-1)
    return float(-np.log2(coded).mean())


def _interpolation(side: int, size: int) -> NDArray[np.float64]:
    # Each row weights the one or two pixels of the small image next to the centre of a pixel of the large one.
    middle = np.clip((np.arange(size) + 0.5) * side / size - 0.5, 0, side - 1)
    return np.maximum(0.0, 1.0 - np.abs(middle[:, None] - np.arange(side)))


def _load() -> Any:
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise InputError("scikit-learn is not installed; pip install 'deepconsensus-py[examples]'") from error
    return load_digits()
