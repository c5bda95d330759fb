"""Base qualities (Phred): conversion, calibration, caps and read averages.

A quality is ``-10 log10 p``, where p is the probability that the base is wrong (SAM specification, section 1.4).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepconsensus_py.corrector import Calls
from deepconsensus_py.errors import DeepConsensusError
from deepconsensus_py.pacbio.molecule import Draft

MAX_BASE_QUALITY = 93
"""The highest quality that FASTQ can encode (``~``, ASCII 126)."""

Reals = NDArray[np.floating[Any]]


class Calibration(ABC):
    """A map from predicted to observed qualities, as text ``"threshold,w,b"``, ``"q:Q,q:Q,…"`` or ``"skip"``.

    ``parse(str(calibration)) == calibration``, exactly.
    """

    __slots__ = ()

    @staticmethod
    def parse(text: str) -> "Calibration":
        """Parse a linear map, knots, or ``"skip"`` for none.

        Raises:
            DeepConsensusError: the text is none of them.
        """
        if text.strip() == "skip":
            return LinearCalibration()
        try:
            if ":" in text:
                return KnotCalibration(tuple(_knot(pair) for pair in text.split(",")))
            return LinearCalibration(*_three(text))
        except ValueError as error:
            raise DeepConsensusError(
                f"calibration {text!r} is neither 'skip' nor 'threshold,w,b' (three numbers, threshold >= 0, w > 0) "
                "nor 'q:Q,q:Q,…' (two knots or more, q rising, Q not falling, none below 0)"
            ) from error

    @abstractmethod
    def apply(self, qualities: Reals) -> Reals:
        """Calibrated qualities, in the precision of the input."""


@dataclass(frozen=True, slots=True)
class LinearCalibration(Calibration):
    """A line, DeepConsensus v1.2's ``"threshold,w,b"``.

    Attributes:
        threshold: Phred; only qualities above it are mapped, with 0 all.
        scale: the slope w.
        offset: the intercept b, in Phred.

    Raises:
        ValueError: the slope is not positive, or a number is out of range.
    """

    threshold: float = 0.0
    scale: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        if not np.isfinite([self.threshold, self.scale, self.offset]).all() or self.threshold < 0 or self.scale <= 0:
            raise ValueError(f"no rising line: {self.threshold}, {self.scale}, {self.offset}")

    def __str__(self) -> str:
        if self == LinearCalibration():
            return "skip"
        return f"{_shortest(self.threshold)},{self.scale!r},{self.offset!r}"

    def apply(self, qualities: Reals) -> Reals:
        """Calibrated qualities, in the precision of the input."""
        mapped = qualities * self.scale + self.offset
        return mapped if self.threshold == 0 else np.where(qualities > self.threshold, mapped, qualities)


@dataclass(frozen=True, slots=True)
class KnotCalibration(Calibration):
    """Linear interpolation between knots, ``"q:Q,q:Q,…"``, constant below the first and above the last one.

    So it never predicts a quality above those observed when it was fitted.

    Attributes:
        knots: (predicted, observed) qualities, Phred, in ascending order.

    Raises:
        ValueError: fewer than two knots, or they are not in ascending order.
    """

    knots: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        values = np.array(self.knots, np.float64)
        if len(values) < 2 or not np.isfinite(values).all() or (values < 0).any():
            raise ValueError("give two knots or more, none below 0")
        predicted, observed = np.diff(values, axis=0).T
        if (predicted <= 0).any() or (observed < 0).any():
            raise ValueError("knots must rise")

    def __str__(self) -> str:
        return ",".join(f"{_shortest(predicted)}:{_shortest(observed)}" for predicted, observed in self.knots)

    def apply(self, qualities: Reals) -> Reals:
        """Calibrated qualities, in the precision of the input."""
        mapped: Reals = np.interp(qualities, *np.array(self.knots).T).astype(qualities.dtype)
        return mapped


def _three(text: str) -> tuple[float, float, float]:
    threshold, scale, offset = map(float, text.split(","))
    return threshold, scale, offset


def _knot(text: str) -> tuple[float, float]:
    predicted, observed = map(float, text.split(":"))
    return predicted, observed


def _shortest(number: float) -> str:
    """The fewest digits that read back as the same number."""
    return repr(number).removesuffix(".0")


def phred(error_probability: Reals) -> Reals:
    """Qualities of error probabilities, in their precision; infinite where the probability is 0."""
    with np.errstate(divide="ignore"):
        return np.asarray(-10 * np.log10(error_probability))


def error_probability(qualities: ArrayLike) -> NDArray[np.float64]:
    """Error probabilities of qualities (Phred)."""
    given = np.asarray(qualities)
    if given.dtype == np.uint8:
        found: NDArray[np.float64] = _PROBABILITIES[given]
        return found
    return np.power(10.0, given.astype(np.float64) / -10)


_PROBABILITIES: NDArray[np.float64] = np.power(10.0, np.arange(256) / -10.0)
"""Error probability of each whole quality."""


def round_qualities(qualities: Reals, max_base_quality: int = MAX_BASE_QUALITY) -> NDArray[np.uint8]:
    """Whole qualities ``uint8`` between 0 and a cap; halves go to the even neighbour, as in the original."""
    rounded: NDArray[np.uint8] = np.rint(np.clip(qualities, 0, max_base_quality)).astype(np.uint8)
    return rounded


def mean_quality(qualities: NDArray[Any]) -> float:
    """The quality of a read or a window: the Phred of its mean error probability.

    Args:
        qualities: ``[n]`` Phred; negative values are gaps and are ignored.

    Returns:
        Phred; 0 if there are no bases.
    """
    present = qualities[qualities >= 0]
    # "+ 0.0" turns the -0.0 of a mean probability of 1 into 0.0.
    return float(-10 * np.log10(error_probability(present).mean())) + 0.0 if len(present) else 0.0


def read_accuracy(qualities: NDArray[Any]) -> float:
    """The tag ``rq``: mean accuracy of the bases of a read; 0 for an empty one.

    Args:
        qualities: ``[n]`` Phred.
    """
    return float(1 - error_probability(qualities).mean()) if len(qualities) else 0.0


def final_qualities(
    calls: Calls,
    *,
    model_calibration: Calibration,
    draft_calibration: Calibration,
    max_base_quality: int = MAX_BASE_QUALITY,
) -> NDArray[np.uint8]:
    """Calibrated, capped and rounded qualities of a called read.

    Args:
        calls: the read, with the model's error probabilities, or the draft's for kept bases.
        model_calibration: for bases that the model called (``dc_calibration`` in DeepConsensus).
        draft_calibration: for kept draft bases (``ccs_calibration`` in DeepConsensus).
        max_base_quality: cap, Phred.

    Returns:
        ``uint8[n]`` Phred.
    """
    predicted = phred(calls.error_probability)
    # Draft qualities are whole numbers; float32 made them inexact, and calibrated halves would round either way.
    kept = draft_calibration.apply(np.rint(predicted).astype(np.float64))
    return round_qualities(np.where(calls.from_model, model_calibration.apply(predicted), kept), max_base_quality)


_BINS = ((0, 3), (7, 10), (14, 17), (20, 22), (25, 27), (30, 35), (40, 40))
"""Lowest quality of each bin of PacBio, and the quality that its bases are given, Phred."""


def binned_qualities(qualities: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Qualities ``uint8[n]`` (Phred) in the seven bins of PacBio, which make files smaller."""
    lowest, given = np.array(_BINS, np.uint8).T
    binned: NDArray[np.uint8] = given[np.searchsorted(lowest, qualities, side="right") - 1]
    return binned


def claimed_qualities(draft: Draft, draft_index: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Upper bounds of a read's base qualities from its draft's own qualities.

    Args:
        draft: with base qualities, a tag ``rq``, both or neither.
        draft_index: ``int32[n]`` position of each base of the read in the draft, -1 for an inserted one.

    Returns:
        ``uint8[n]`` Phred: the draft's base quality, at most its ``rq``; for an inserted base the lower one of its
        neighbours; 0 if the draft has no qualities.
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
    # An insertion at an end of the draft has only one neighbour.
    padded = np.append(own, MAX_BASE_QUALITY)
    lower = np.minimum(np.minimum(padded[before], padded[behind]), own.max(initial=0))
    return np.asarray(np.floor(lower), np.uint8)
