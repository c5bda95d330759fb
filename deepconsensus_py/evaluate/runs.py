"""Runs of ``polish`` as the page shows them: reports, tables of ZMWs and evaluations."""

import csv
import gzip
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.inputs import reading, understanding
from deepconsensus_py.reports.outcomes import Outcome
from deepconsensus_py.reports.side_files import MOLECULES, REPORT

REPORT_KEYS = {"tool", "version", "command", "started", "seconds", "model", "parameters", "inputs", "output"} | {
    "stages",
    "counts",
    "peak_memory_bytes",
}
EVALUATION_KEYS = {"total", "molecules", "reads"}
ABSENT = "."

MOST_ROWS = 50
"""Most molecules listed individually; the table of ZMWs has all."""


class RunTable:
    """The table of ZMWs of one or more runs, in numbers of ZMWs, so that it takes little memory.

    Attributes:
        before: polished reads by the predicted quality of their draft, Phred, where it is known.
        after: polished reads by predicted quality.
        lengths: reads that were written by length in bases.
        passes: reads that were written by full passes (tag ``np`` of the draft, else passes that align).
        failures: rows of the first ``MOST_ROWS`` ZMWs without a read, by column name.
        failed: number of all of these.
    """

    def __init__(self, rows: Iterable[Mapping[str, str]] = ()) -> None:
        self.before: Counter[float] = Counter()
        self.after: Counter[float] = Counter()
        self.lengths: Counter[float] = Counter()
        self.passes: Counter[float] = Counter()
        self.failures: list[Mapping[str, str]] = []
        self.failed = 0
        for row in rows:
            self._add(row)

    def _add(self, row: Mapping[str, str]) -> None:
        if row["quality_after"] != ABSENT:
            self.after[float(row["quality_after"])] += 1
            if row["quality_before"] != ABSENT:
                self.before[float(row["quality_before"])] += 1
        if row["outcome"] == Outcome.SUCCESS:
            self.lengths[int(row["length_after"])] += 1
            self.passes[int(row["passes"] if row["np"] == ABSENT else row["np"])] += 1
            return
        self.failed += 1
        if len(self.failures) < MOST_ROWS:
            self.failures.append({**row, "reason": row["reason"].removeprefix(f"{row['name']}: ")})

    def merge(self, other: "RunTable") -> None:
        """Add the numbers of another table; failures stay those of this one."""
        self.before.update(other.before)
        self.after.update(other.after)
        self.lengths.update(other.lengths)
        self.passes.update(other.passes)
        self.failed += other.failed


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One run of ``polish``.

    Attributes:
        path: of its ``OUT.report.json``.
        report: its content.
        table: of ``OUT.zmws.tsv.gz``; empty if the file is absent.
        evaluation: output of ``evaluate --json`` for its reads, or None.
    """

    path: Path
    report: Mapping[str, Any]
    table: RunTable = field(default_factory=RunTable)
    evaluation: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """The name of its output."""
        return Path(self.report["output"]).name


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
    return [Run(path, report, _load_table(path), judged.get(path)) for path, report in reports.items()]


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


def _load_table(path: Path) -> RunTable:
    table = path.with_name(path.name.removesuffix(REPORT) + MOLECULES)
    if not table.exists():
        return RunTable()
    with (
        understanding(table, "a run's table of ZMWs; run polish again or delete it"),
        gzip.open(table, "rt", encoding="utf-8", newline="") as file,
    ):
        return RunTable(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
