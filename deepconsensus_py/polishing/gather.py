"""Merging of the outputs of several runs on parts of the ZMWs, as if one run had made them."""

import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import chain, islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, TypeVar

import pysam
from pysam.utils import SamtoolsError

from deepconsensus_py.errors import InputError, OutputError
from deepconsensus_py.files import atomic_path
from deepconsensus_py.pacbio.drafts import draft_entries
from deepconsensus_py.pacbio.headers import Program, extended_header, joined_header
from deepconsensus_py.pacbio.index import MoleculeNumbers
from deepconsensus_py.pacbio.inputs import reading, require_once, understanding
from deepconsensus_py.pacbio.names import parse_ccs
from deepconsensus_py.pacbio.record_file import RecordFile
from deepconsensus_py.pacbio.records import copied_record
from deepconsensus_py.pacbio.writers import RecordWriter
from deepconsensus_py.reports.outcomes import Outcome
from deepconsensus_py.reports.run_reports import METRICS, SUFFIXES, require_own_files, write_reports
from deepconsensus_py.reports.side_files import MOLECULES, REPORT, side_file
from deepconsensus_py.reports.statistics import ZmwLines
from deepconsensus_py.reports.table import summed
from deepconsensus_py.reports.zmw_metrics import metrics_lines

_POLISHED = frozenset(one for one in Outcome if one is Outcome.SUCCESS or one.filtered)


Item = TypeVar("Item")


def gather(parts: Sequence[Path], output: Path, program: Program, *, order: Sequence[Path] = ()) -> dict[str, Any]:
    """Merge polished reads, in the order given, with their reports and tables of ZMWs.

    Args:
        parts: BAM files that ``polish`` wrote, with their side files.
        output: BAM file; its side files are written beside it.
        program: this program, for the header and the report.
        order: files in the order of whose reads the parts are merged, each of which has its reads in that order; empty
            puts the parts one after the other.

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
        join = _join_reads if not order else partial(_merge_reads, order=order)
        join(parts, reads, program)
        places = {suffix: names.enter_context(atomic_path(side_file(output, suffix))) for suffix in SUFFIXES}
        write_reports(places, _zmws(parts, order), whole)
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


def _merge_reads(parts: Sequence[Path], target: Path, program: Program, order: Sequence[Path]) -> None:
    """Write the records of all parts in the order of other files."""
    header = extended_header(joined_header(_header(part) for part in parts), program)
    with ExitStack() as files:
        writer = RecordWriter(target, str(target.parent), header, "wb", 1)
        files.callback(writer.close)
        streams = [iter(files.enter_context(RecordFile(part))) for part in parts]
        for record in merged(streams, lambda record: record.name, _names(order)):
            writer.write(copied_record(record, header))


def _names(order: Sequence[Path]) -> Iterator[str]:
    return (entry.name for entry in draft_entries(order))


def merged(streams: Iterable[Iterator[Item]], name_of: Callable[[Item], str], names: Iterable[str]) -> Iterator[Item]:
    """Merge streams in the order of names; only the next item of each is in memory.

    Args:
        streams: each in that order.
        name_of: the name of an item.
        names: in order; what is not among them comes last.
    """
    heads: dict[str, list[tuple[Item, Iterator[Item]]]] = {}

    def advance(stream: Iterator[Item]) -> None:
        for item in islice(stream, 1):
            heads.setdefault(name_of(item), []).append((item, stream))

    def taken(name: str) -> Iterator[Item]:
        for item, stream in heads.pop(name, [])[:]:
            yield item
            advance(stream)

    for stream in streams:
        advance(stream)
    for name in names:
        yield from taken(name)
    while heads:
        yield from taken(next(iter(heads)))


def _header(part: Path) -> pysam.AlignmentHeader:
    with RecordFile(part) as file:
        return file.header


def _zmws(parts: Sequence[Path], order: Sequence[Path]) -> Iterator[ZmwLines]:
    """The ZMWs of all parts."""
    streams = map(_zmws_of, parts)
    return merged(streams, _name_of, _names(order)) if order else chain.from_iterable(streams)


def _name_of(zmw: ZmwLines) -> str:
    return zmw.row.partition("\t")[0]


def _zmws_of(part: Path) -> Iterator[ZmwLines]:
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
