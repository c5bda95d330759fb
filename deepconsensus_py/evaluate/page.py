"""A self-contained HTML page about one or more runs: reports, ZMW tables and evaluations."""

import csv
import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from deepconsensus_py._version import __version__
from deepconsensus_py.errors import InputError
from deepconsensus_py.evaluate.charts import Bar, Pair, bar_chart, calibration_chart, histogram_chart, pair_chart
from deepconsensus_py.pacbio.inputs import reading, understanding
from deepconsensus_py.reports.outcomes import Outcome
from deepconsensus_py.reports.side_files import MOLECULES, REPORT
from deepconsensus_py.reports.table import YIELD_QUALITIES

REPORT_KEYS = {"tool", "version", "command", "started", "seconds", "model", "parameters", "inputs", "output"} | {
    "stages",
    "counts",
    "peak_memory_bytes",
}
EVALUATION_KEYS = {"total", "molecules", "reads"}
ABSENT = "."


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One run of ``polish``.

    Attributes:
        path: of its ``OUT.report.json``.
        report: its content.
        molecules: rows of ``OUT.zmws.tsv.gz`` by column name; empty if the file is absent.
        evaluation: output of ``evaluate --json`` for its reads, or None.
    """

    path: Path
    report: Mapping[str, Any]
    molecules: Sequence[Mapping[str, str]]
    evaluation: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """The name of its output."""
        return Path(self.report["output"]).name

    def numbers(self, column: str) -> list[float]:
        """The known values of a column of the ZMW table, in order."""
        return [float(row[column]) for row in self.molecules if row[column] != ABSENT]


def load_runs(paths: Sequence[Path]) -> list[Run]:
    """Load reports, and match evaluations with runs.

    Args:
        paths: ``OUT.report.json`` files and outputs of ``evaluate --json``, recognised by content. An evaluation
            belongs to the run whose output it evaluated, else to the only run in its folder.

    Raises:
        InputError: a file is neither, is damaged, or an evaluation matches none of the runs.
    """
    contents = {path: _load_json(path) for path in paths}
    reports = {path: content for path, content in contents.items() if content.keys() >= REPORT_KEYS}
    evaluations = {path: content for path, content in contents.items() if content.keys() >= EVALUATION_KEYS}
    for path in contents:
        if path not in reports and path not in evaluations:
            raise InputError(f"{path}: neither the report of a run nor an evaluation; give OUT{REPORT}")
    if not reports:
        raise InputError(f"{paths[0]}: no report of a run; give OUT{REPORT} with evaluations")
    judged = {}
    for path, content in evaluations.items():
        with understanding(path, "an evaluation, or the report of its run is"):
            judged[_run_of(path, content, reports)] = content
    return [Run(path, report, _load_molecules(path), judged.get(path)) for path, report in reports.items()]


def _load_json(path: Path) -> dict[str, Any]:
    with reading(path):
        text = path.read_bytes()
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not JSON; give OUT{REPORT}") from error
    return content if isinstance(content, dict) else {}


def _run_of(path: Path, evaluation: Mapping[str, Any], reports: Mapping[Path, Mapping[str, Any]]) -> Path:
    by_output = [p for p, report in reports.items() if report["output"] == evaluation["reads"]]
    in_folder = [p for p in reports if p.resolve().parent == path.resolve().parent]
    for candidates in (by_output, in_folder):
        if len(candidates) == 1:
            return candidates[0]
    raise InputError(f"{path}: it evaluates {evaluation['reads']}, which is not the output of any run given")


def _load_molecules(path: Path) -> list[dict[str, str]]:
    table = path.with_name(path.name.removesuffix(REPORT) + MOLECULES)
    if not table.exists():
        return []
    with (
        understanding(table, "a run's table of ZMWs; run polish again or delete it"),
        gzip.open(table, "rt", encoding="utf-8", newline="") as file,
    ):
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


QUALITY_BIN = 2.0  # Phred
MOST_ROWS = 50
"""Most molecules drawn or listed individually; the ZMW table has all."""


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
    template = load_template("report.html")
    return template.render(version=__version__, sections=[_section(run) for run in runs], most_rows=MOST_ROWS)


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
        "outcome_chart": _outcome_chart(report["counts"]["outcomes"]),
        "quality_chart": _quality_chart(run),
        "yields": _yields(run),
        "stage_chart": _stage_chart(report["stages"]),
        "failures": [row for row in run.molecules if row["outcome"] != Outcome.SUCCESS],
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
    before, after = run.numbers("quality_before"), run.numbers("quality_after")
    if after:
        note = f"Q{median(before):.1f} before" if before else ""
        yield KeyFigure("median predicted quality", f"Q{median(after):.1f}", note)
    if run.evaluation:
        yield _error_figure(run.evaluation["total"])
    yield KeyFigure("windows run", f"{counts['windows_corrected']:,}", f"of {counts['windows']:,}")
    yield KeyFigure("time", duration(run.report["seconds"]), f"{rate(counts['molecules'], run.report['seconds'])}")
    yield KeyFigure("peak memory", f"{run.report['peak_memory_bytes'] / 2**30:.2f} GiB")


def _error_figure(total: Mapping[str, Any]) -> KeyFigure:
    if total.get("baseline_errors") is None:
        return KeyFigure("errors", f"{total['errors']:,}", f"in {total['truth_bases']:,} bases")
    return KeyFigure("errors", f"{total['errors']:,}", f"{total['baseline_errors']:,} before")


def duration(seconds: float) -> str:
    """A readable duration."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def rate(molecules: int, seconds: float) -> str:
    """Molecules per second or, if slow, per minute."""
    if seconds <= 0:
        return ""
    per_second = molecules / seconds
    return f"{per_second:.1f} ZMWs/s" if per_second >= 1 else f"{60 * per_second:.1f} ZMWs/min"


def _outcomes(outcomes: Mapping[str, int]) -> list[tuple[str, int, str]]:
    """Name, count, meaning; the most frequent first."""
    rows = []
    for name, count in sorted(outcomes.items(), key=lambda item: -item[1]):
        meaning = ""
        with suppress(ValueError):  # reports of other versions may have other outcomes
            meaning = Outcome(name).meaning
        rows.append((name.replace("_", " "), count, meaning))
    return rows


def _outcome_chart(outcomes: Mapping[str, int]) -> Markup:
    return bar_chart("ZMWs by outcome", [Bar(name, count, f"{count:,}") for name, count, _ in _outcomes(outcomes)])


def _quality_chart(run: Run) -> Markup | None:
    before, after = run.numbers("quality_before"), run.numbers("quality_after")
    if not after:
        return None
    return histogram_chart(
        "Predicted read quality before and after", before, after, QUALITY_BIN, "predicted read quality (Phred)"
    )


def _yields(run: Run) -> list[tuple[int, list[int]]]:
    """Quality; reads and bases of drafts of at least that predicted quality, and the same of polished reads."""
    counts = run.report["counts"]
    return [
        (q, [counts[f"{what}_q{q}_{when}"] for what in ("reads", "bases") for when in ("before", "after")])
        for q in YIELD_QUALITIES
        # Reports of earlier versions have no yields.
        if f"reads_q{q}_after" in counts
    ]


def _stage_chart(stages: Mapping[str, float]) -> Markup:
    return bar_chart("Time by stage", [Bar(stage, seconds, duration(seconds)) for stage, seconds in stages.items()])


def _error_chart(evaluation: Mapping[str, Any] | None) -> Markup | None:
    """The molecules with the most errors before polishing, as many as fit."""
    rows = [m for m in evaluation["molecules"] if "baseline_errors" in m] if evaluation else []
    if not rows:
        return None
    worst = sorted(rows, key=lambda m: -m["baseline_errors"])[:MOST_ROWS]
    pairs = [Pair(m["name"], m["baseline_errors"], m["errors"]) for m in worst]
    return pair_chart("Errors before and after, by molecule", pairs, "errors")


def _calibration_chart(evaluation: Mapping[str, Any] | None) -> Markup | None:
    calibration = evaluation.get("calibration") if evaluation else None
    if not calibration:
        return None
    points = [(b["predicted_q"], b["empirical_q"], b["bases"]) for b in calibration["bins"]]
    return calibration_chart("Predicted against empirical base quality", points)


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
