"""Base qualities: Phred arithmetic, linear calibration, caps and read averages.

A quality is ``-10 log10 p``, where p is the probability that the base is wrong (SAM specification, section 1.4).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepconsensus_py.errors import DeepConsensusError

MAX_BASE_QUALITY = 93
"""The highest quality that fits a FASTQ character (``~``, ASCII 126)."""

Reals = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Calibration:
    """A linear map from predicted to observed qualities, written ``"threshold,w,b"``, or ``"skip"`` for none.

    Attributes:
        threshold: Phred; qualities up to it are left alone, 0 maps all.
        scale: the slope w.
        offset: the intercept b, in Phred.
    """

    threshold: float = 0.0
    scale: float = 1.0
    offset: float = 0.0

    @classmethod
    def parse(cls, text: str) -> "Calibration":
        """Read ``"threshold,w,b"`` or ``"skip"``.

        Raises:
            DeepConsensusError: the text is neither.
        """
        if text.strip() == "skip":
            return cls()
        try:
            threshold, scale, offset = map(float, text.split(","))
        except ValueError:
            threshold = scale = offset = np.nan
        if not np.isfinite([threshold, scale, offset]).all() or threshold < 0 or scale <= 0:
            raise DeepConsensusError(
                f"calibration {text!r} is neither 'skip' nor 'threshold,w,b' (three numbers, threshold >= 0, w > 0)"
            )
        return cls(threshold, scale, offset)

    def __str__(self) -> str:
        if self == Calibration():
            return "skip"
        return f"{self.threshold:g},{self.scale!r},{self.offset!r}"

    def apply(self, qualities: Reals) -> Reals:
        """Calibrated qualities, in the precision of the input."""
        mapped = qualities * self.scale + self.offset
        return mapped if self.threshold == 0 else np.where(qualities > self.threshold, mapped, qualities)


def phred(error_probability: Reals) -> Reals:
    """Qualities of error probabilities, in their precision; infinite where the probability is 0."""
    with np.errstate(divide="ignore"):
        return np.asarray(-10 * np.log10(error_probability))


def error_probability(qualities: ArrayLike) -> NDArray[np.float64]:
    """Error probabilities of qualities (Phred)."""
    return np.power(10.0, np.asarray(qualities, np.float64) / -10)


def round_qualities(qualities: Reals, max_base_quality: int = MAX_BASE_QUALITY) -> NDArray[np.uint8]:
    """Whole qualities ``uint8`` between 0 and a cap; halves go to the even neighbour, as in the original."""
    rounded: NDArray[np.uint8] = np.rint(np.clip(qualities, 0, max_base_quality)).astype(np.uint8)
    return rounded


def mean_quality(qualities: NDArray[Any]) -> float:
    """The quality of a read or a window: the Phred of its mean error probability.

    Args:
        qualities: ``[n]`` Phred; negative values stand for gaps and do not count.

    Returns:
        Phred, 0 where nothing counts.
    """
    present = qualities[qualities >= 0]
    # "+ 0.0" makes a plain zero of the -0.0 that a mean probability of 1 gives.
    return float(-10 * np.log10(error_probability(present).mean())) + 0.0 if len(present) else 0.0


def read_accuracy(qualities: NDArray[Any]) -> float:
    """The tag ``rq``: mean accuracy of the bases of a read; 0 for an empty one.

    Args:
        qualities: ``[n]`` Phred.
    """
    return float(1 - error_probability(qualities).mean()) if len(qualities) else 0.0
