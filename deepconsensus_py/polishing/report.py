"""The report and the table of ZMWs: outcomes, counts, and yields by predicted read quality before and after."""

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from math import log10
from pathlib import Path
from typing import Any, TextIO

from deepconsensus_py.errors import OutputError
from deepconsensus_py.pacbio.molecule import Draft
from deepconsensus_py.polishing.qualities import mean_quality
from deepconsensus_py.polishing.read import DROPPED, PolishedRead, dropped
from deepconsensus_py.reports.outcomes import Outcome

YIELD_QUALITIES = (20, 30, 40)
"""Phred."""

YIELDS = tuple(
    f"{what}_q{q}_{when}" for q in YIELD_QUALITIES for when in ("before", "after") for what in ("reads", "bases")
)
"""Names of the counts: ``reads_q20_before`` for drafts, ``bases_q40_after`` for polished reads that were written."""


def read_yields(read: PolishedRead) -> dict[str, int]:
    """One ZMW's contribution to the counts ``YIELDS``."""
    before = draft_quality(read.draft) if is_consensus(read.draft) else None
    after = mean_quality(read.qualities) if read.passed else None
    found: dict[str, int] = {}
    for quality in YIELD_QUALITIES:
        for when, own, bases in (("before", before, read.draft.bases), ("after", after, read.bases)):
            # Five decimals, as in the filter: an exact Q20 must not fail by the last bit of a logarithm.
            enough = own is not None and round(own, 5) >= quality
            found |= {f"reads_q{quality}_{when}": int(enough), f"bases_q{quality}_{when}": len(bases) * enough}
    return found


def is_consensus(draft: Draft) -> bool:
    """Whether a draft is a consensus: ccs writes ``rq`` -1 for reads that it has not polished."""
    accuracy = draft.tag("rq")
    return not (isinstance(accuracy, float) and accuracy < 0)


def draft_quality(draft: Draft) -> float | None:
    """Predicted quality of a draft (Phred), from its base qualities or else its tag ``rq``; None without either."""
    if draft.qualities is not None and len(draft.qualities):
        return mean_quality(draft.qualities)
    accuracy = draft.tag("rq")
    # ccs writes rq -1 where it has no estimate.
    known = isinstance(accuracy, float) and 0 <= accuracy < 1
    return -10 * log10(1 - accuracy) if known else None


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
    "reason",
)
TOTALS = (
    "molecules",
    "passes",
    "windows",
    "windows_skipped",
    "windows_corrected",
    "bases_in",
    "bases_out",
    *DROPPED,
    *YIELDS,
)
MOLECULES, REPORT = ".zmws.tsv.gz", ".report.json"
"""Suffixes of the two side files."""

FAULTS = frozenset({Outcome.ERROR, Outcome.MISSING_KINETICS, Outcome.EMPTY_SEQUENCE})
"""Outcomes that point to a problem of the input; with them the exit status is 3."""


def side_file(output: Path, suffix: str) -> Path:
    """``OUT.report.json`` beside ``OUT.bam``, ``OUT.fastq`` or ``OUT.fastq.gz``."""
    stem = output.with_suffix("") if output.suffix == ".gz" else output
    return stem.with_suffix(suffix)


def require_own_report(output: Path) -> None:
    """Refuse an output whose report would overwrite that of another output: ``OUT.bam`` and ``OUT.fastq``.

    Raises:
        OutputError: the other output and its report exist.
    """
    path = side_file(output, REPORT)
    owner = report_owner(path)
    if owner is not None and owner != output.name and path.with_name(owner).exists():
        raise OutputError(
            f"{path}: is the report of {owner} and would be overwritten by that of {output.name}; choose another "
            "output name or folder"
        )


def report_owner(path: Path) -> str | None:
    """The name of the output that a report belongs to; None if there is no report."""
    try:
        report = json.loads(path.read_text("utf-8"))
        return Path(report["output"]).name if "counts" in report else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


@contextmanager
def side_stream(target: Path, path: Path) -> Iterator[TextIO]:
    """Open a side file for writing, compressed if its name ends in ``.gz``.

    Args:
        target: the temporary file behind ``path``, see ``files.atomic_path``.
        path: the final name.
    """
    if path.suffix == ".gz":
        # No modification time in the file, so that equal runs write equal bytes.
        with gzip.GzipFile(target, "wb", mtime=0) as packed, TextIOWrapper(packed, "utf-8") as stream:
            yield stream
    else:
        with target.open("w", encoding="utf-8") as stream:
            yield stream


class MoleculeTable:
    """Counts of a run, and the rows of the table of ZMWs that are not written yet.

    Attributes:
        outcomes: number of ZMWs by outcome.
        totals: sums over all ZMWs, by the report's names.
    """

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.totals: Counter[str] = Counter(dict.fromkeys(TOTALS, 0))
        self._rows: list[str] = []

    def add(self, read: PolishedRead) -> None:
        """Count one ZMW and keep its row."""
        skipped = read.windows - read.corrected
        self.outcomes[read.outcome] += 1
        self.totals.update(
            molecules=1,
            passes=read.passes,
            windows=read.windows,
            windows_skipped=skipped,
            windows_corrected=read.corrected,
            bases_in=len(read.draft.bases),
            bases_out=len(read.bases) if read.passed else 0,
            **read_yields(read),
        )
        called = len(read.bases) > 0
        if called:
            self.totals.update(dropped(read.draft))
        before = draft_quality(read.draft)
        cells = (
            read.name,
            read.outcome,
            read.passes,
            _or_dot(read.draft.tag("np")),
            len(read.draft.bases),
            len(read.bases) if called else ".",
            "." if before is None else f"{before:.2f}",
            f"{mean_quality(read.qualities):.2f}" if called else ".",
            read.windows,
            skipped,
            read.corrected,
            read.reason,
        )
        self._rows.append(table_row(cells))

    def taken_rows(self) -> str:
        """The rows added since the last call."""
        rows, self._rows = "".join(self._rows), []
        return rows

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


def write_json(report: dict[str, Any], stream: TextIO) -> None:
    """Write a run's report."""
    json.dump(report, stream, indent=1)
    stream.write("\n")


def _or_dot(value: object) -> object:
    return "." if value is None else value
