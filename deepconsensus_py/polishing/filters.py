"""Which polished reads are good enough to be written."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from deepconsensus_py.polishing.outcomes import Outcome
from deepconsensus_py.polishing.qualities import mean_quality


@dataclass(frozen=True, slots=True)
class ReadFilter:
    """Minimal quality and length of a read, tested in the original's order.

    Attributes:
        min_quality: Phred of the mean error probability of the read's own bases.
        min_length: bases.
    """

    min_quality: float = 20.0
    min_length: int = 0

    def outcome(self, qualities: NDArray[Any]) -> Outcome:
        """What becomes of a called read.

        Args:
            qualities: ``[n]`` Phred, one for each base.
        """
        if len(qualities) == 0:
            return Outcome.ONLY_GAPS
        # Five decimals, as the original: an exact Q10 read must not fail by the last bit of a logarithm.
        if round(mean_quality(qualities), 5) < self.min_quality:
            return Outcome.FAILED_QUALITY_FILTER
        if len(qualities) < self.min_length:
            return Outcome.FAILED_LENGTH_FILTER
        return Outcome.SUCCESS
