"""Merging of the outputs of several runs on parts of the ZMWs, as if one run had made them."""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pysam
from pysam.utils import SamtoolsError

from deepconsensus_py.errors import InputError, OutputError
from deepconsensus_py.files import atomic_path
from deepconsensus_py.pacbio.headers import Program, extended_header, joined_header
from deepconsensus_py.pacbio.index import MoleculeNumbers
from deepconsensus_py.pacbio.inputs import reading, require_once, understanding
from deepconsensus_py.pacbio.names import parse_ccs
from deepconsensus_py.pacbio.record_file import RecordFile
from deepconsensus_py.reports.outcomes import Outcome
from deepconsensus_py.reports.run_reports import METRICS, SUFFIXES, require_own_files, write_reports
from deepconsensus_py.reports.side_files import MOLECULES, REPORT, side_file
from deepconsensus_py.reports.statistics import ZmwLines
from deepconsensus_py.reports.table import summed
from deepconsensus_py.reports.zmw_metrics import metrics_lines

_POLISHED = frozenset(one for one in Outcome if one is Outcome.SUCCESS or one.filtered)


def gather(parts: Sequence[Path], output: Path, program: Program) -> dict[str, Any]:
    """Merge polished reads, in the order given, with their reports and tables of ZMWs.

    Args:
        parts: BAM files that ``polish`` wrote, with their side files.
        output: BAM file; its side files are written beside it.
        program: this program, for the header and the report.

    Returns:
        The merged report.

    Raises:
        InputError: a part or a side file cannot be used, or the parts were polished with different models or share a
            ZMW.
        OutputError: an output cannot be written, or would overwrite another output's report.
    """
    if output.suffix != ".bam":
        raise OutputError(f"{output}: merged reads are written as BAM; give a name that ends in .bam")
    require_own_files(output)
    reports = [_read_report(part) for part in parts]
    _require_same_model(parts, reports)
    require_once(parts)
    _require_once(parts)
    whole = summed(reports) | {
        "command": program.command_line,
        "inputs": [path for report in reports for path in report["inputs"]],
        "output": str(output),
        "parts": len(reports),
    }
    with ExitStack() as names:
        reads = names.enter_context(atomic_path(output))
        _join_reads(parts, reads, program)
        places = {suffix: names.enter_context(atomic_path(side_file(output, suffix))) for suffix in SUFFIXES}
        write_reports(places, _zmws(parts), whole)
    return whole


def _read_report(part: Path) -> dict[str, Any]:
    path = side_file(part, REPORT)
    with understanding(path, "the report of a polish run"), reading(path):
        report: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if not report.keys() >= {"model", "counts", "stages"}:
            raise InputError(f"{path}: is not the report of a polish run")
        if "cpu_seconds" not in report:
            raise InputError(
                f"{path}: was written by version {report.get('version')}, without metrics; polish it again"
            )
        # All that merging needs: numbers to add, and names.
        summed([report, report])
        _ = report["model"]["name"], list(report["inputs"])
    return report


def _require_same_model(parts: Sequence[Path], reports: Sequence[Mapping[str, Any]]) -> None:
    for part, report in zip(parts, reports, strict=True):
        if report["model"] != reports[0]["model"]:
            raise InputError(
                f"{part}: was polished with model {report['model']['name']}, {parts[0]} with "
                f"{reports[0]['model']['name']} or other settings of it; polish all parts with the same model"
            )


def _join_reads(parts: Sequence[Path], target: Path, program: Program) -> None:
    """Concatenate the compressed blocks of all parts under one header, without decompressing them."""
    joined = joined_header(_header(part) for part in parts)
    with NamedTemporaryFile("w", encoding="utf-8", errors="surrogateescape", suffix=".sam") as header:
        header.write(str(extended_header(joined, program)))
        header.flush()
        try:
            pysam.cat("--no-PG", "-h", header.name, "-o", str(target), *map(str, parts), catch_stdout=False)
        except SamtoolsError as fault:
            raise OutputError(f"{target.parent}: the reads cannot be merged there ({fault})") from fault


def _header(part: Path) -> pysam.AlignmentHeader:
    with RecordFile(part) as file:
        return file.header


def _zmws(parts: Sequence[Path]) -> Iterator[ZmwLines]:
    """The ZMWs of all parts."""
    for part in parts:
        table, metrics = side_file(part, MOLECULES), side_file(part, METRICS)
        what = f"the metrics of the ZMWs of {table.name}; polish this part again"
        with reading(metrics), gzip.open(metrics, "rt", encoding="utf-8") as lines, understanding(metrics, what):
            for row, line in zip(islice(_rows(table), 1, None), metrics_lines(lines), strict=True):
                yield ZmwLines.read(row, line)


def _require_once(parts: Sequence[Path]) -> None:
    """Refuse parts that share a polished ZMW.

    Raises:
        InputError: naming both parts and the ZMW.
    """
    known = MoleculeNumbers()
    for number, part in enumerate(parts):
        for row in islice(_rows(side_file(part, MOLECULES)), 1, None):
            name, outcome, *_ = row.split("\t", 2)
            molecule = parse_ccs(name)
            if molecule is None or outcome not in _POLISHED:
                continue
            earlier = known.note(molecule, number)
            if earlier is not None and earlier != number:
                raise InputError(f"{part}: has {name}, which {parts[earlier]} has too; give parts of different ZMWs")


def _rows(path: Path) -> Iterator[str]:
    with reading(path), gzip.open(path, "rt", encoding="utf-8") as rows:
        yield from rows
