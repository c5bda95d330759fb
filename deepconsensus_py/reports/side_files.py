"""Files beside the polished reads: their names, whose they are, and how they are written."""

import gzip
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

from deepconsensus_py.errors import OutputError

MOLECULES, REPORT = ".zmws.tsv.gz", ".report.json"
"""Suffixes of the table of ZMWs and the report."""


_LEVEL = 6
"""Of compression: zlib's own default. The highest takes three times as long for a few percent."""


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
def side_stream(path: Path, name: str) -> Iterator[TextIO]:
    """Open a side file for writing.

    Args:
        path: the file.
        name: its final name, or the end of it; a file whose name ends in ``.gz`` is compressed.
    """
    if name.endswith(".gz"):
        # Neither name nor time in the file, so that equal runs write equal bytes.
        with (
            path.open("wb") as file,
            gzip.GzipFile("", "wb", _LEVEL, file, mtime=0) as packed,
            TextIOWrapper(packed, "utf-8") as stream,
        ):
            yield stream
    else:
        with path.open("w", encoding="utf-8") as stream:
            yield stream


def write_json(report: Mapping[str, Any], stream: TextIO) -> None:
    """Write a run's report."""
    json.dump(report, stream, indent=1)
    stream.write("\n")
