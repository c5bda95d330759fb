"""All files beside the polished reads of a run, written in one pass over its ZMWs."""

import json
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from deepconsensus_py.errors import OutputError
from deepconsensus_py.reports.ccs_report import CcsCounts, is_own_report, write_report, write_text
from deepconsensus_py.reports.multiqc import SECTIONS, custom_content, suffix
from deepconsensus_py.reports.side_files import (
    MOLECULES,
    REPORT,
    require_own_report,
    side_file,
    side_stream,
    write_json,
)
from deepconsensus_py.reports.statistics import RunStatistics, ZmwLines
from deepconsensus_py.reports.table import COLUMNS, table_row
from deepconsensus_py.reports.zmw_metrics import is_own_metrics, joined

METRICS, CCS_JSON, CCS_TEXT = ".zmw_metrics.json.gz", ".ccs_report.json", ".ccs_report.txt"

SUFFIXES = (REPORT, MOLECULES, METRICS, CCS_JSON, CCS_TEXT, *map(suffix, SECTIONS))
"""Of all files beside the reads."""


def require_own_files(output: Path) -> None:
    """Refuse an output beside which stands a report of another output, or one that ``ccs`` wrote under the same name.

    Raises:
        OutputError: it would be overwritten.
    """
    require_own_report(output)
    for name, is_own in ((CCS_JSON, is_own_report), (METRICS, is_own_metrics)):
        path = side_file(output, name)
        if path.is_file() and not is_own(path):
            raise OutputError(
                f"{path}: was written by another program (ccs?) and would be overwritten; choose another output name "
                "or folder"
            )


def write_reports(places: Mapping[str, Path], zmws: Iterable[ZmwLines], report: Mapping[str, Any]) -> None:
    """Write all files beside the reads.

    Args:
        places: a file for each of ``SUFFIXES``, to be written.
        zmws: of the run, in order.
        report: of the run.
    """
    statistics = RunStatistics()
    with ExitStack() as files:
        table = files.enter_context(side_stream(places[MOLECULES], MOLECULES))
        metrics = files.enter_context(side_stream(places[METRICS], METRICS))
        table.write(table_row(COLUMNS))

        def lines() -> Iterable[str]:
            for zmw in zmws:
                table.write(zmw.row)
                statistics.add(zmw)
                yield zmw.metrics

        metrics.writelines(joined(lines()))
    counts = report["counts"]
    ccs = CcsCounts.of(counts["outcomes"], sum(statistics.tandem_repeats))
    percent_q30 = 100 * counts["hifi_bases_q30"] / max(statistics.hifi.bases, 1)
    with side_stream(places[CCS_JSON], CCS_JSON) as file:
        write_report(ccs, statistics, percent_q30, file)
    with side_stream(places[CCS_TEXT], CCS_TEXT) as file:
        write_text(statistics, file)
    sample = side_file(Path(report["output"]), "").name
    for section, content in custom_content(sample, statistics, report).items():
        places[suffix(section)].write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    with side_stream(places[REPORT], REPORT) as file:
        write_json(report, file)
