"""What a run left behind: its report, its table of molecules and, where truth is known, its evaluation."""

import csv
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.inputs import reading, understanding
from deepconsensus_py.polishing.report import MOLECULES, REPORT

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
        report: what is in it.
        molecules: rows of ``OUT.zmws.tsv.gz`` by column name; empty where the file is absent.
        evaluation: what ``evaluate --json`` wrote about its reads, or None.
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
        """The known values of a column of the table of molecules, in order."""
        return [float(row[column]) for row in self.molecules if row[column] != ABSENT]


def load_runs(paths: Sequence[Path]) -> list[Run]:
    """Load reports, and evaluations with the run that each belongs to.

    Args:
        paths: ``OUT.report.json`` files and outputs of ``evaluate --json``, told apart by looking. An evaluation
            belongs to the run whose output it judged, else to the only run in its folder.

    Raises:
        InputError: a file is neither, is damaged, or an evaluation belongs to none of the runs.
    """
    contents = {path: _load_json(path) for path in paths}
    reports = {path: content for path, content in contents.items() if content.keys() >= REPORT_KEYS}
    evaluations = {path: content for path, content in contents.items() if content.keys() >= EVALUATION_KEYS}
    for path in contents:
        if path not in reports and path not in evaluations:
            raise InputError(f"{path}: is neither a run's report nor an evaluation; give OUT{REPORT}")
    if not reports:
        raise InputError(f"{paths[0]}: there is no run's report; give OUT{REPORT} beside evaluations")
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
    raise InputError(f"{path}: it judges {evaluation['reads']}, which is the output of none of the given runs")


def _load_molecules(path: Path) -> list[dict[str, str]]:
    table = path.with_name(path.name.removesuffix(REPORT) + MOLECULES)
    if not table.exists():
        return []
    with (
        understanding(table, "the table of a run's molecules; run polish again or delete it"),
        gzip.open(table, "rt", encoding="utf-8", newline="") as file,
    ):
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
