"""The table of ZMWs and the counts of a run: outcomes, sums, and yields by predicted read quality before and after."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deepconsensus_py.reports.outcomes import Outcome
from deepconsensus_py.reports.zmw import ZmwResult
from deepconsensus_py.reports.zmw_metrics import metrics_line

YIELD_QUALITIES = (20, 30, 40)
"""Phred."""

YIELDS = tuple(
    f"{what}_q{q}_{when}" for q in YIELD_QUALITIES for when in ("before", "after") for what in ("reads", "bases")
)
"""Names of the counts: ``reads_q20_before`` for drafts, ``bases_q40_after`` for polished reads that were written."""


def zmw_yields(zmw: ZmwResult) -> dict[str, int]:
    """One ZMW's contribution to the counts ``YIELDS``."""
    before = zmw.quality_before if zmw.consensus else None
    after = zmw.quality_after if zmw.passed else None
    found: dict[str, int] = {}
    for quality in YIELD_QUALITIES:
        for when, own, bases in (("before", before, zmw.length_before), ("after", after, zmw.length_after or 0)):
            # Five decimals, as in the filter: an exact Q20 must not fail by the last bit of a logarithm.
            enough = own is not None and round(own, 5) >= quality
            found |= {f"reads_q{quality}_{when}": int(enough), f"bases_q{quality}_{when}": bases * enough}
    return found


COLUMNS = (
    "name",
    "outcome",
    "passes",
    "np",
    "length_before",
    "length_after",
    "quality_before",
    "quality_after",
    "windows",
    "windows_skipped",
    "windows_corrected",
    "hd_sites",
    "reason",
)
TOTALS = (
    "zmws",
    "molecules",
    "passes",
    "windows",
    "windows_skipped",
    "windows_corrected",
    "bases_in",
    "bases_out",
    *YIELDS,
)
FAULTS = frozenset({Outcome.ERROR, Outcome.MISSING_KINETICS, Outcome.EMPTY_SEQUENCE})
"""Outcomes that point to a problem of the input; with them the exit status is 3."""


class MoleculeTable:
    """Counts of a run, and the lines of the table of ZMWs and of the metrics that are not written yet.

    Attributes:
        outcomes: number of ZMWs by outcome.
        totals: sums over all ZMWs, by the report's names.
    """

    def __init__(self, counted: Iterable[str] = ()) -> None:
        """Start with nothing counted.

        Args:
            counted: names of the counts beside ``TOTALS``, see ``ZmwResult.counts``.
        """
        self.outcomes: Counter[str] = Counter()
        self.totals: Counter[str] = Counter(dict.fromkeys((*TOTALS, *counted), 0))
        self._rows: list[str] = []
        self._metrics: list[str] = []

    def add(self, zmw: ZmwResult) -> None:
        """Count one ZMW and keep its row."""
        skipped = zmw.windows - zmw.corrected
        self.outcomes[zmw.outcome] += 1
        self.totals.update(
            zmws=int(zmw.last),
            molecules=1,
            passes=zmw.passes,
            windows=zmw.windows,
            windows_skipped=skipped,
            windows_corrected=zmw.corrected,
            bases_in=zmw.length_before,
            bases_out=(zmw.length_after or 0) if zmw.passed else 0,
            **zmw_yields(zmw),
        )
        self.totals.update(zmw.counts)
        cells = (
            zmw.name,
            zmw.outcome,
            zmw.passes,
            _or_dot(zmw.draft_passes),
            zmw.length_before,
            _or_dot(zmw.length_after),
            "." if zmw.quality_before is None else f"{zmw.quality_before:.2f}",
            "." if zmw.quality_after is None else f"{zmw.quality_after:.2f}",
            zmw.windows,
            skipped,
            zmw.corrected,
            _or_dot(zmw.hd_sites),
            zmw.reason,
        )
        self._rows.append(table_row(cells))
        self._metrics.append(metrics_line(zmw))

    def taken_lines(self) -> tuple[str, str]:
        """The lines of the table and of the metrics that were added since the last call."""
        lines = "".join(self._rows), "".join(self._metrics)
        self._rows, self._metrics = [], []
        return lines

    def counts(self) -> dict[str, Any]:
        """The report's ``counts``."""
        return {**self.totals, "outcomes": {outcome: self.outcomes[outcome] for outcome in sorted(self.outcomes)}}


def table_row(cells: Iterable[object]) -> str:
    """A line of the table of ZMWs; cells are escaped so that each stays one cell of printable text."""
    return "\t".join(map(_cell, cells)) + "\n"


def _cell(value: object) -> str:
    text = " ".join(str(value).split())
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
    return text or "."


def faulty(counts: Mapping[str, Any]) -> int:
    """Number of ZMWs that could not be processed, from a report's ``counts``."""
    return sum(count for outcome, count in counts["outcomes"].items() if outcome in FAULTS)


def summed(reports: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One report for several runs: sums of counts and times, the highest peak memory, the rest from the first."""
    return {
        **reports[0],
        "started": min(report["started"] for report in reports),
        "seconds": round(sum(report["seconds"] for report in reports), 3),
        "cpu_seconds": round(sum(report["cpu_seconds"] for report in reports), 3),
        "resumed": sum(report.get("resumed", 0) for report in reports),
        "stages": _sums(report["stages"] for report in reports),
        "counts": {
            **_sums(_numbers(report["counts"]) for report in reports),
            "outcomes": dict(sorted(_sums(report["counts"]["outcomes"] for report in reports).items())),
        },
        "peak_memory_bytes": max(report["peak_memory_bytes"] for report in reports),
    }


def _numbers(counts: Mapping[str, Any]) -> dict[str, float]:
    return {name: value for name, value in counts.items() if name != "outcomes"}


def _sums(tables: Iterable[Mapping[str, float]]) -> dict[str, float]:
    total: defaultdict[str, float] = defaultdict(int)
    for table in tables:
        for name, value in table.items():
            total[name] += value
    return {name: round(value, 3) for name, value in total.items()}


def _or_dot(value: object) -> object:
    return "." if value is None else value
