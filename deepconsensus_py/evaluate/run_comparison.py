"""Several runs beside each other: figures with their totals, and distributions over each other."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deepconsensus_py.evaluate.charts import LINES, distribution_chart, inline, on_page
from deepconsensus_py.evaluate.runs import Run, RunTable
from deepconsensus_py.reports.outcomes import Outcome
from deepconsensus_py.reports.statistics import median, n50

UNKNOWN = "–"

QUALITY_BIN = 2.0
"""Phred."""


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of all runs.

    Attributes:
        label: its name.
        cells: as displayed, one for each run.
        total: of all runs together; empty where there is none.
    """

    label: str
    cells: tuple[str, ...]
    total: str = ""


def comparison(runs: Sequence[Run]) -> dict[str, Any]:
    """The template's values for several runs."""
    lengths = [run.table.lengths for run in runs]
    charts = (
        ("Predicted quality", "predicted read quality (Phred)", [run.table.after for run in runs], QUALITY_BIN),
        ("Read lengths", "length (bases)", lengths, length_bin(lengths)),
        ("Full passes", "full passes", [run.table.passes for run in runs], 1),
    )
    return {
        "runs": [(run.name, on_page(LINES[number % len(LINES)])) for number, run in enumerate(runs)],
        "rows": [row for row in _rows(runs) if set(row.cells) != {UNKNOWN}],
        "charts": [
            (title, inline(distribution_chart(values, width, unit), title))
            for title, unit, values, width in charts
            if any(values)
        ],
    }


def length_bin(distributions: Sequence[Mapping[float, int]]) -> int:
    """A round width of bins in bases that makes some forty of them."""
    most = max((max(values) for values in distributions if values), default=0)
    return next(width for width in (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10**9) if most / width <= 40)


def _rows(runs: Sequence[Run]) -> Iterator[Row]:
    together = RunTable()
    for run in runs:
        together.merge(run.table)
    yield Row("model", tuple(run.report["model"]["name"] for run in runs))
    yield from _sums(runs)
    for label, figure in _FIGURES.items():
        yield Row(label, tuple(figure(run.table) for run in runs), figure(together))
    yield _edited(runs)
    yield from _costs(runs)


_FIGURES: dict[str, Callable[[RunTable], str]] = {
    "median length": lambda table: _whole(median(table.lengths)),
    "N50": lambda table: _whole(n50(table.lengths)),
    "median full passes": lambda table: _whole(median(table.passes)),
    "median predicted quality of drafts": lambda table: _phred(median(table.before)),
    "median predicted quality": lambda table: _phred(median(table.after)),
}


def _sums(runs: Sequence[Run]) -> Iterator[Row]:
    def row(label: str, value: Callable[[Run], int | None], form: Callable[[float], str] = "{:,}".format) -> Row:
        found = [value(run) for run in runs]
        known = [number for number in found if number is not None]
        cells = tuple(UNKNOWN if number is None else form(number) for number in found)
        return Row(label, cells, form(sum(known)) if len(known) == len(runs) else "")

    def count(name: str) -> Callable[[Run], int | None]:
        return lambda run: run.report["counts"].get(name)

    def errors(name: str) -> Callable[[Run], int | None]:
        return lambda run: run.evaluation["total"].get(name) if run.evaluation else None

    yield row("ZMWs", count("molecules"))
    yield row("reads written", lambda run: run.report["counts"]["outcomes"].get(Outcome.SUCCESS, 0))
    yield row("bases written", count("bases_out"))
    yield row("bases in reads of Q30 or better", count("bases_q30_after"))
    yield row("bases in reads of Q40 or better", count("bases_q40_after"))
    yield row("errors before", errors("baseline_errors"))
    yield row("errors after", errors("errors"))


def _edited(runs: Sequence[Run]) -> Row:
    def share(counts: Sequence[Mapping[str, int]]) -> str:
        whole, edited = (sum(each.get(n, 0) for each in counts) for n in ("homopolymers", "homopolymers_edited"))
        return f"{100 * edited / whole:.2f} %" if whole else UNKNOWN

    found = [run.report["counts"] for run in runs]
    return Row("homopolymers changed", tuple(share([counts]) for counts in found), share(found))


def _costs(runs: Sequence[Run]) -> Iterator[Row]:
    cpu = [run.report["cpu_seconds"] for run in runs if "cpu_seconds" in run.report]
    # Reports of earlier versions have none.
    if len(cpu) == len(runs):
        yield Row("CPU time", tuple(map(duration, cpu)), duration(sum(cpu)))
    yield Row("time", tuple(duration(run.report["seconds"]) for run in runs))
    memory = [run.report["peak_memory_bytes"] for run in runs]
    yield Row("peak memory", tuple(map(gibibytes, memory)))


def _whole(value: float) -> str:
    return f"{value:,.0f}" if value else UNKNOWN


def _phred(value: float) -> str:
    return f"Q{value:.1f}" if value else UNKNOWN


def gibibytes(size: int) -> str:
    """A readable size."""
    return f"{size / 2**30:.2f} GiB"


def duration(seconds: float) -> str:
    """A readable duration."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
