"""Lengths, qualities and passes of a run's reads, from one pass over its ZMWs."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import floor, log10
from typing import TypeVar

from deepconsensus_py.pacbio.names import is_by_strand
from deepconsensus_py.reports.outcomes import Outcome
from deepconsensus_py.reports.table import COLUMNS

HIFI_QUALITY = 20
"""Least predicted quality of a HiFi read, Phred."""

LENGTH_BIN = 200
"""Bases."""

_COUNTED_QUALITY = 0.01
"""Phred; resolution of the median."""

Number = TypeVar("Number", int, float)

_NAME, _OUTCOME, _BEFORE, _LENGTH = map(COLUMNS.index, ("name", "outcome", "quality_before", "length_after"))


@dataclass(frozen=True, slots=True)
class ZmwLines:
    """A ZMW's lines of the table of ZMWs and of the metrics, with what the statistics are made from.

    Attributes:
        row: line of the table.
        metrics: line of the metrics.
        outcome: its outcome.
        by_strand: whether it is one strand of a ZMW.
        length: bases of the polished read; None if there is none.
        before: predicted quality of its draft, Phred; None if unknown.
        accuracy: predicted accuracy of the polished read.
        full_passes: number of full passes.
        tandem_repeat: whether the draft has a long tandem repeat.
    """

    row: str
    metrics: str
    outcome: str
    by_strand: bool
    length: int | None
    before: float | None
    accuracy: float
    full_passes: int
    tandem_repeat: bool

    @classmethod
    def read(cls, row: str, metrics: str) -> "ZmwLines":
        """Parse two lines.

        Raises:
            ValueError: a line is damaged; also ``KeyError``, ``IndexError`` and ``TypeError``.
        """
        cells, fields = row.split("\t"), json.loads(metrics)
        return cls(
            row,
            metrics,
            cells[_OUTCOME],
            is_by_strand(cells[_NAME]),
            None if cells[_LENGTH] == "." else int(cells[_LENGTH]),
            None if cells[_BEFORE] == "." else float(cells[_BEFORE]),
            float(fields["predicted_accuracy"]),
            int(fields["num_full_passes"]),
            bool(fields["has_tandem_repeat"]),
        )

    @property
    def written(self) -> bool:
        """Whether its read was written."""
        return self.outcome == Outcome.SUCCESS


class ReadGroup:
    """Lengths, qualities and passes of a group of reads; its figures are whole numbers, 0 without reads.

    Attributes:
        lengths: number of reads by length in bases.
    """

    def __init__(self) -> None:
        self.lengths: Counter[int] = Counter()
        self._qualities: Counter[int] = Counter()
        self._passes = 0

    def add(self, length: int, quality: float, passes: int) -> None:
        """Add a read of a length in bases, a predicted quality (Phred) and a number of full passes."""
        self.lengths[length] += 1
        self._qualities[round(quality / _COUNTED_QUALITY)] += 1
        self._passes += passes

    @property
    def reads(self) -> int:
        """Number of reads."""
        return self.lengths.total()

    @property
    def bases(self) -> int:
        """Sum of their lengths."""
        return sum(length * count for length, count in self.lengths.items())

    @property
    def mean_length(self) -> int:
        """Bases."""
        return round(self.bases / self.reads) if self.reads else 0

    @property
    def median_length(self) -> int:
        """Bases."""
        return round(median(self.lengths))

    @property
    def n50(self) -> int:
        """Bases."""
        return int(n50(self.lengths))

    @property
    def median_quality(self) -> int:
        """Phred."""
        return round(self.exact_median_quality)

    @property
    def exact_median_quality(self) -> float:
        """Phred."""
        return median(self._qualities) * _COUNTED_QUALITY

    @property
    def mean_passes(self) -> int:
        """Full passes."""
        return round(self._passes / self.reads) if self.reads else 0


def n50(lengths: Mapping[Number, int]) -> float:
    """The length such that longer reads, and those of this length, have half of the bases or more; 0 without reads.

    Args:
        lengths: number of reads by length in bases.
    """
    half, covered = sum(length * count for length, count in lengths.items()) / 2, 0.0
    for length in sorted(lengths, reverse=True):
        covered += length * lengths[length]
        if covered >= half:
            return length
    return 0


def median(values: Mapping[Number, int]) -> float:
    """The median of values by their numbers; 0 if there are none."""
    total = sum(values.values())
    middle = [_nth(values, n) for n in {(total - 1) // 2, total // 2}] if total else [0]
    return sum(middle) / len(middle)


def _nth(values: Mapping[Number, int], n: int) -> Number:
    for value in sorted(values):
        n -= values[value]
        if n < 0:
            return value
    raise IndexError(n)


class RunStatistics:
    """Statistics of a run.

    Attributes:
        hifi: reads that were written, of at least Q20.
        q30: those of at least Q30.
        low: polished reads below Q20, written or not.
        outcomes: number of lines by outcome; first of whole ZMWs, then of single strands.
        tandem_repeats: number of lines with a long tandem repeat; the same.
        before: number of polished reads by the predicted quality of their draft, in whole Phred rounded down.
        after: the same by that of the polished read.
        yields: bases of the reads that were written, by predicted quality in whole Phred rounded down.
        passes: number of reads that were written, by full passes.
        lengths: the same by length, in bins of ``LENGTH_BIN`` bases named by their start.
    """

    def __init__(self) -> None:
        self.hifi, self.q30, self.low = ReadGroup(), ReadGroup(), ReadGroup()
        self.outcomes: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self.tandem_repeats = [0, 0]
        self.before: Counter[int] = Counter()
        self.after: Counter[int] = Counter()
        self.yields: Counter[int] = Counter()
        self.passes: Counter[int] = Counter()
        self.lengths: Counter[int] = Counter()

    def add(self, zmw: ZmwLines) -> None:
        """Add a ZMW."""
        self.outcomes[zmw.by_strand][zmw.outcome] += 1
        self.tandem_repeats[zmw.by_strand] += zmw.tandem_repeat
        if zmw.length is None:
            return
        # From the accuracy: the table has two decimals, which would make a Q20 of a read that fails the filter.
        quality = _quality(zmw.accuracy)
        self.after[floor(quality)] += 1
        if zmw.before is not None:
            self.before[floor(zmw.before)] += 1
        if quality < HIFI_QUALITY:
            self.low.add(zmw.length, quality, zmw.full_passes)
        if not zmw.written:
            return
        self.yields[floor(quality)] += zmw.length
        self.passes[zmw.full_passes] += 1
        self.lengths[zmw.length // LENGTH_BIN * LENGTH_BIN] += 1
        for group, least in ((self.hifi, HIFI_QUALITY), (self.q30, 30)):
            if quality >= least:
                group.add(zmw.length, quality, zmw.full_passes)

    def yield_above(self, qualities: range) -> Iterator[tuple[int, int]]:
        """Each quality (Phred) with the bases of the reads written that have at least it."""
        for least in qualities:
            yield least, sum(bases for quality, bases in self.yields.items() if quality >= least)


def _quality(accuracy: float) -> float:
    """Phred of an accuracy; five decimals, as in the filter: Q20 must not fail by the last bit of a logarithm."""
    return round(-10 * log10(1 - accuracy), 5) + 0.0 if accuracy < 1 else 93.0
