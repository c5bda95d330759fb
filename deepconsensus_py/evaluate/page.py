"""A self-contained HTML page about one or more runs: reports, ZMW tables and evaluations."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from deepconsensus_py._version import __version__
from deepconsensus_py.evaluate.charts import Pair, calibration_chart, histogram_chart, inline, pair_chart
from deepconsensus_py.evaluate.run_comparison import QUALITY_BIN, comparison, duration, gibibytes, length_bin
from deepconsensus_py.evaluate.runs import MOST_ROWS, Run, RunTable
from deepconsensus_py.pacbio.inputs import understanding
from deepconsensus_py.reports.outcomes import Outcome
from deepconsensus_py.reports.statistics import median
from deepconsensus_py.reports.table import YIELD_QUALITIES

MOST_PAIRS = 12
"""Most molecules whose errors are drawn."""


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """A key figure.

    Attributes:
        label: its name.
        value: as displayed.
        note: total, or value before polishing.
    """

    label: str
    value: str
    note: str = ""


def render_page(runs: Sequence[Run]) -> str:
    """The page.

    Args:
        runs: at least one.
    """
    sections = [_section(run) for run in runs]
    together = comparison(runs) if len(runs) > 1 else None
    template = load_template("report.html")
    return template.render(version=__version__, sections=sections, comparison=together, most_rows=MOST_ROWS)


def load_template(name: str) -> Template:
    """A page template by file name; values are escaped."""
    environment = Environment(
        loader=PackageLoader("deepconsensus_py.evaluate"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def _section(run: Run) -> dict[str, Any]:
    with understanding(run.path, "the report of a polish run, or what stands beside it is not"):
        return _shown(run)


def _shown(run: Run) -> dict[str, Any]:
    """The template's values for one run."""
    report = run.report
    return {
        "name": run.name,
        "report": report,
        "figures": list(_figures(run)),
        "outcomes": _outcomes(report["counts"]["outcomes"]),
        "charts": list(_charts(run.table)),
        "yields": _yields(run),
        "stages": _stages(report["stages"]),
        "table": run.table,
        "evaluation": run.evaluation,
        "error_chart": _error_chart(run.evaluation),
        "calibration_chart": _calibration_chart(run.evaluation),
        "facts": list(_facts(report)),
    }


def _figures(run: Run) -> Iterable[KeyFigure]:
    counts = run.report["counts"]
    polished = counts["outcomes"].get(Outcome.SUCCESS, 0)
    yield KeyFigure("polished reads", f"{polished:,}", f"of {counts['molecules']:,} ZMWs")
    yield KeyFigure("bases written", f"{counts['bases_out']:,}", f"of {counts['bases_in']:,} draft bases")
    table = run.table
    if table.lengths:
        yield KeyFigure("median length", f"{median(table.lengths):,.0f}", f"{median(table.passes):g} full passes")
    if table.after:
        note = f"Q{median(table.before):.1f} before" if table.before else ""
        yield KeyFigure("median quality", f"Q{median(table.after):.1f}", note)
    if run.evaluation:
        yield _error_figure(run.evaluation["total"])
    yield KeyFigure("time", duration(run.report["seconds"]), f"{rate(counts['molecules'], run.report['seconds'])}")
    yield KeyFigure("peak memory", gibibytes(run.report["peak_memory_bytes"]))


def _error_figure(total: Mapping[str, Any]) -> KeyFigure:
    if total.get("baseline_errors") is None:
        return KeyFigure("errors", f"{total['errors']:,}", f"in {total['truth_bases']:,} bases")
    return KeyFigure("errors", f"{total['errors']:,}", f"{total['baseline_errors']:,} before")


def rate(molecules: int, seconds: float) -> str:
    """Molecules per second or, if slow, per minute."""
    if seconds <= 0:
        return ""
    per_second = molecules / seconds
    return f"{per_second:.1f} ZMWs/s" if per_second >= 1 else f"{60 * per_second:.1f} ZMWs/min"


@dataclass(frozen=True, slots=True)
class Share:
    """A row of a table with bars.

    Attributes:
        name: of the row.
        value: as displayed.
        percent: length of its bar.
        meaning: a description.
    """

    name: str
    value: str
    percent: float
    meaning: str = ""


def _outcomes(outcomes: Mapping[str, int]) -> list[Share]:
    """The most frequent first."""
    total, rows = sum(outcomes.values()) or 1, []
    for name, count in sorted(outcomes.items(), key=lambda item: -item[1]):
        meaning = ""
        with suppress(ValueError):  # reports of other versions may have other outcomes
            meaning = Outcome(name).meaning
        rows.append(Share(name.replace("_", " "), f"{count:,}", 100 * count / total, meaning))
    return rows


def _stages(stages: Mapping[str, float]) -> list[Share]:
    longest = max(stages.values(), default=0) or 1
    return [Share(stage, duration(seconds), 100 * seconds / longest) for stage, seconds in stages.items()]


def _charts(table: RunTable) -> Iterable[tuple[str, Markup, bool]]:
    """Title and chart, and whether it shows drafts as well."""
    none: Counter[float] = Counter()
    for title, before, after, width, unit in (
        ("Predicted quality", table.before, table.after, QUALITY_BIN, "predicted read quality (Phred)"),
        ("Read lengths", none, table.lengths, length_bin([table.lengths]), "length (bases)"),
        ("Full passes", none, table.passes, 1, "full passes"),
    ):
        if after:
            yield title, inline(histogram_chart(before, after, width, unit), title), bool(before)


def _yields(run: Run) -> list[tuple[int, list[int]]]:
    """Quality; reads and bases of drafts of at least that predicted quality, and the same of polished reads."""
    counts = run.report["counts"]
    return [
        (q, [counts[f"{what}_q{q}_{when}"] for what in ("reads", "bases") for when in ("before", "after")])
        for q in YIELD_QUALITIES
        # Reports of earlier versions have no yields.
        if f"reads_q{q}_after" in counts
    ]


def _error_chart(evaluation: Mapping[str, Any] | None) -> Markup | None:
    """The molecules with the most errors before polishing."""
    rows = [m for m in evaluation["molecules"] if "baseline_errors" in m] if evaluation else []
    if not rows:
        return None
    worst = sorted(rows, key=lambda m: -m["baseline_errors"])[:MOST_PAIRS]
    pairs = [Pair(m["name"], m["baseline_errors"], m["errors"]) for m in worst]
    return inline(pair_chart(pairs, "errors"), "Errors before and after, by molecule")


def _calibration_chart(evaluation: Mapping[str, Any] | None) -> Markup | None:
    calibration = evaluation.get("calibration") if evaluation else None
    if not calibration:
        return None
    points = [(b["predicted_q"], b["empirical_q"], b["bases"]) for b in calibration["bins"]]
    return inline(calibration_chart({"": points}), "Predicted against empirical base quality")


def _facts(report: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Provenance and parameters, as rows of a table."""
    yield "command", report["command"]
    yield "started", report["started"]
    if report.get("resumed"):
        yield "resumed", f"{report['resumed']} times" if report["resumed"] > 1 else "once"
    yield "version", f"{report['tool']} {report['version']}"
    yield "output", report["output"]
    yield from ((f"input {number}", path) for number, path in enumerate(report["inputs"], 1))
    yield from _flat("model", report["model"])
    yield from _flat("", report["parameters"])


def _flat(prefix: str, values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for key, value in values.items():
        name = f"{prefix} {key}".strip().replace("_", " ")
        if isinstance(value, Mapping):
            yield from _flat(name, value)
        else:
            yield name, "none" if value is None else str(value)
