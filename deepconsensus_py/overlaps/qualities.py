"""Base qualities of reads corrected by each other: from the errors that were found in reads with known truth.

The model's qualities are those of passes of one molecule. Reads of one place differ from these: they are fewer, share
errors where a sequence is hard to read, and are now and then of another haplotype.
``benchmarks/fit_overlap_qualities.py`` counts the numbers (``qualities.json``).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.overlaps.sites import in_long_repeats

QualityMap = Callable[[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int64]], NDArray[np.uint8]]
"""Base qualities of a read from its bases, the qualities of the model, and coverage: ``FoundErrors.qualities``."""

AGREED = 40
"""Phred. Qualities of the model from which coverage counts instead."""

TELOMERE = 500
"""Bases of a repeat of short units: reads have more errors there, however many they are and whatever is predicted."""


@dataclass(frozen=True, slots=True)
class FoundErrors:
    """Errors that were found for each base.

    Attributes:
        predicted: lowest quality of each of ``uncertain``, as the model predicts it, Phred.
        uncertain: error probabilities of bases that the model gives less than ``AGREED``.
        coverage: fewest reads of each of ``agreed``.
        agreed: error probabilities of the others.
        telomeres: error probability in repeats of ``TELOMERE`` bases.
    """

    predicted: Sequence[int]
    uncertain: Sequence[float]
    coverage: Sequence[int]
    agreed: Sequence[float]
    telomeres: float

    @property
    def errors(self) -> NDArray[np.float64]:
        """All of the probabilities, by class (``classes``)."""
        return np.array([*self.uncertain, *self.agreed, self.telomeres])

    def qualities(
        self, bases: NDArray[np.uint8], predicted: NDArray[np.uint8], coverage: NDArray[np.int64]
    ) -> NDArray[np.uint8]:
        """Base qualities ``uint8[n]`` (Phred, rounded down) of a corrected read.

        Args:
            bases: ``uint8[n]`` base codes.
            predicted: ``uint8[n]`` qualities that the model gives them.
            coverage: ``int64[n]`` reads that each was corrected by, the read itself included.
        """
        of_class: NDArray[np.uint8] = np.floor(-10 * np.log10(self.errors)).astype(np.uint8)
        return of_class[self.classes(bases, predicted, coverage)]

    def classes(
        self, bases: NDArray[np.uint8], predicted: NDArray[np.uint8], coverage: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """The class ``int64[n]`` of each base: an index of ``uncertain``, of ``agreed`` behind it, or the last one."""
        uncertain = np.searchsorted(self.predicted, predicted, side="right") - 1
        agreed = len(self.predicted) + (np.searchsorted(self.coverage, coverage, side="right") - 1).clip(0)
        found: NDArray[np.int64] = np.where(predicted < AGREED, uncertain, agreed)
        found[in_long_repeats(bases, TELOMERE)[:-1]] = len(self.predicted) + len(self.coverage)
        return found


@cache
def found_errors() -> FoundErrors:
    """The numbers of ``qualities.json``."""
    values: Mapping[str, list[float]] = json.loads(resources.files(__package__).joinpath("qualities.json").read_text())
    return FoundErrors(**values)  # type: ignore[arg-type]
