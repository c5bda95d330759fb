"""``OUT.zmw_metrics.json.gz``: one JSON object for each ZMW, in input order, with the fields of ``ccs``.

Source: https://ccs.how/faq/reports-aux-files. Each object stands on a line of its own, so that the file is written and
merged as a stream.
"""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from deepconsensus_py.reports.reasons import status
from deepconsensus_py.reports.zmw import ZmwResult

_START, _BETWEEN, _END = '{"zmws": [\n', ",\n", "\n]}\n"

_COVERAGE_DECIMALS = 3


def metrics_line(zmw: ZmwResult) -> str:
    """The JSON object of a ZMW, as a line."""
    fields = {
        "effective_coverage": round(zmw.coverage, _COVERAGE_DECIMALS),
        "has_tandem_repeat": zmw.tandem_repeat,
        "insert_size": zmw.insert_size,
        "num_full_passes": zmw.full_passes,
        "polymerase_length": zmw.facts.polymerase_length,
        "predicted_accuracy": zmw.accuracy,
        "status": status(zmw.outcome),
        "wall_end": zmw.facts.wall_end,
        "wall_start": zmw.facts.wall_start,
        "zmw": zmw.zmw,
    }
    return json.dumps(fields) + "\n"


def joined(lines: Iterable[str]) -> Iterator[str]:
    """The text of the file, in parts, from the lines of its objects."""
    between = _START
    for line in lines:
        yield between
        yield line.removesuffix("\n")
        between = _BETWEEN
    yield _START + "]}\n" if between == _START else _END


def is_own_metrics(path: Path) -> bool:
    """Whether a file has been written from ``joined``; one that is damaged may as well have been."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            return file.readline() in {_START, ""}
    except (OSError, ValueError, EOFError, zlib.error):
        return True


def metrics_lines(file: TextIO) -> Iterator[str]:
    """The lines of the objects of a file that ``joined`` wrote.

    Raises:
        ValueError: another program wrote it, or it is truncated.
    """
    line = file.readline()
    if line != _START:
        raise ValueError("it does not begin as polish writes it")
    for line in file:
        if line == "]}\n":
            return
        yield line.removesuffix("\n").removesuffix(",") + "\n"
    raise ValueError("its end is missing")
