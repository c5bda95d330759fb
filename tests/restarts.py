"""A run to be interrupted: twelve small molecules of every sort, and all that it leaves.

Run as a program it is a process to be killed: ``python restarts.py FOLDER OUT THREADS CHECKPOINT LOG`` resumes
what is there, and writes a line into LOG for each molecule that it polishes.
"""

import gzip
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from threading import Event, current_thread, main_thread
from typing import Any, NamedTuple

import pysam
import pytest

from deepconsensus_py.cli.main import main
from deepconsensus_py.corrector import Corrector
from deepconsensus_py.pileup.vote import Vote
from deepconsensus_py.polishing import run as run_module
from deepconsensus_py.polishing.engine import PolishSettings
from deepconsensus_py.polishing.filters import ReadFilter
from deepconsensus_py.polishing.progress import Item, Stop
from deepconsensus_py.polishing.read import PolishedRead
from deepconsensus_py.polishing.run import PolishRun, polish_files
from deepconsensus_py.polishing.sources import Reads
from deepconsensus_py.reports.multiqc import suffix
from deepconsensus_py.reports.run_reports import SUFFIXES
from deepconsensus_py.reports.side_files import REPORT, side_file

MOLECULES = 12
SECONDS = 0.05
"""That the program takes for each at least."""

SHORTEST = 350
"""Of the reads that pass: some of the molecules make shorter ones."""


class Left(NamedTuple):
    """What a run left behind, without what may differ: times, and how the command was given."""

    reads: list[str]
    failed: list[str]
    rows: bytes
    counts: dict[str, Any]
    reports: dict[str, bytes]


def simulate(folder: Path) -> None:
    """``subreads.bam`` and ``ccs.bam``; the third molecule has no subreads, the sixth occurs twice."""
    options = ["--length", "300", "400", "--passes", "3", "4", "--seed", "4"]
    assert main(["simulate", "-o", str(folder / "sim"), "--num-zmws", str(MOLECULES - 1), *options]) == 0
    drafts = _records(folder / "sim" / "ccs.bam")
    hole = drafts[2].get_tag("zm")
    _copy(folder / "sim" / "subreads.bam", folder / "subreads.bam", lambda r: [] if r.get_tag("zm") == hole else [r])
    again = drafts[5].query_name
    _copy(folder / "sim" / "ccs.bam", folder / "ccs.bam", lambda r: [r, r] if r.query_name == again else [r])


def job(folder: Path, output: Path, **changes: Any) -> PolishRun:
    """The run of these molecules."""
    given = {
        "reads": Reads((folder / "subreads.bam",), folder / "ccs.bam"),
        "shards": (),
        "output": output,
        "failed": output.with_name(f"failed-{output.name}"),
        "model": "vote",
        "settings": PolishSettings(filter=ReadFilter(min_quality=0, min_length=SHORTEST)),
        "checkpoint": 2,
    }
    return PolishRun(**(given | changes))


def left(output: Path) -> Left:
    """What stands under the final names."""
    report = json.loads(output.with_suffix(".report.json").read_text())
    rows = gzip.decompress(output.with_suffix(".zmws.tsv.gz").read_bytes())
    failed = output.with_name(f"failed-{output.name}")
    # The general statistics have CPU hours.
    timed = {REPORT, suffix("general")}
    reports = {end: side_file(output, end).read_bytes() for end in SUFFIXES if end not in timed}
    reads = ([r.to_string() for r in _records(path)] for path in (output, failed))
    return Left(*reads, rows, report["counts"], reports)


def folder_of(output: Path) -> Path:
    """Where an output's pieces lie."""
    return output.with_name(f"{output.name}.unfinished")


def run_until(
    number: int, a_job: PolishRun, monkeypatch: pytest.MonkeyPatch, corrector: Corrector | None = None
) -> dict[str, Any]:
    """Run, and ask to stop when so many molecules are polished; no more are begun."""
    stop, polished = _StopAfter(number), run_module.correct

    def asking(*given: Any, **named: Any) -> Iterator[PolishedRead]:
        for count, read in enumerate(polished(*given, **named), 1):
            if count == number:
                stop.ask()
            yield read

    # One molecule to a batch, or all of these few would be polished before the first one is seen.
    with monkeypatch.context() as patch:
        patch.setattr(run_module, "correct", asking)
        patch.setattr(run_module, "load_model", lambda *_, **__: corrector or one_at_a_time())
        return polish_files(a_job, stop)


class _StopAfter(Stop):
    """Lets nothing be read behind the last molecule that is to be polished until it has been asked."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number, self._asked = number, Event()

    def ask(self) -> None:
        super().ask()
        self._asked.set()

    def before(self, items: Iterable[Item]) -> Iterator[Item]:
        for number, item in enumerate(super().before(items), 1):
            yield item
            # In a thread of its own, reading would be through before the first molecule is polished.
            if number == self._number and current_thread() is not main_thread():
                self._asked.wait()


def one_at_a_time() -> Corrector:
    vote = Vote()
    vote.batch = 1
    return Corrector.of(vote)


def _records(path: Path) -> list[pysam.AlignedSegment]:
    with pysam.AlignmentFile(str(path), check_sq=False) as reader:
        return list(reader)


def _copy(source: Path, target: Path, edit: Callable[[pysam.AlignedSegment], list[pysam.AlignedSegment]]) -> None:
    with pysam.AlignmentFile(str(source), check_sq=False) as reader:
        header = reader.header
    with pysam.AlignmentFile(str(target), "wb", header=header) as writer:
        for record in _records(source):
            for copy in edit(record):
                writer.write(copy)


def _logged(reads: Iterator[Any], log: Path) -> Iterator[Any]:
    with log.open("ab", buffering=0) as file:
        for read in reads:
            file.write(f"{read.name}\n".encode())
            # As if they were larger: a test that kills the process must find it at work.
            time.sleep(SECONDS)
            yield read


if __name__ == "__main__":
    folder, output, threads, checkpoint, log = sys.argv[1:]
    polished = run_module.correct
    run_module.correct = lambda *given, **named: _logged(polished(*given, **named), Path(log))
    polish_files(job(Path(folder), Path(output), threads=int(threads), checkpoint=int(checkpoint), resume=True))
