"""A whole run, file to file: polished reads, the reads that were filtered out, and the two side files."""

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from deepconsensus_py._version import __version__
from deepconsensus_py.models.interface import Corrector
from deepconsensus_py.models.names import DEFAULT
from deepconsensus_py.models.registry import load_corrector
from deepconsensus_py.pacbio.headers import Program
from deepconsensus_py.pacbio.outputs import STDOUT, atomic_path
from deepconsensus_py.pacbio.writers import ReadWriter, reads_at
from deepconsensus_py.polishing.clock import StageClock
from deepconsensus_py.polishing.engine import PolishSettings, correct
from deepconsensus_py.polishing.outcomes import Outcome
from deepconsensus_py.polishing.progress import with_progress
from deepconsensus_py.polishing.report import (
    MOLECULES,
    REPORT,
    MoleculeTable,
    peak_memory,
    side_file,
    side_stream,
    write_json,
)
from deepconsensus_py.polishing.sources import Reads, Source, encoded_reads, encoded_shards
from deepconsensus_py.polishing.tags import polished_tags

log = logging.getLogger(__name__)

FILTERED = frozenset({Outcome.FAILED_QUALITY_FILTER, Outcome.FAILED_LENGTH_FILTER})

REASONS_SHOWN = 5
"""Molecules of each outcome whose reason is logged: a movie without CCS reads has millions with too few passes. The
table of molecules has all."""


@dataclass(frozen=True, slots=True)
class PolishRun:
    """What to polish, with what, and where to.

    Attributes:
        reads: subreads and drafts; None where shards are given.
        shards: feature shards.
        output: BAM, SAM or FASTQ(.gz) by its name; ``-`` is standard output, without side files.
        failed: where reads that the filters drop go, or None.
        model: name of a corrector, or path of a ``.safetensors`` file.
        insertion_trim: longest insertion (bases) that is kept; None for what the model was made with.
        device: where a network runs.
        threads: processor cores.
        settings: filters, calibration and window skipping.
        command: the command line, for the header and the report.
    """

    reads: Reads | None
    shards: tuple[Path, ...]
    output: Path
    failed: Path | None = None
    model: str = DEFAULT
    insertion_trim: int | None = None
    device: str = "cpu"
    threads: int = 1
    settings: PolishSettings = field(default_factory=PolishSettings)
    command: str = ""


def run(job: PolishRun) -> MoleculeTable:
    """Polish files; outputs take their names only when all is written.

    Returns:
        Counts of the run's molecules.

    Raises:
        InputError: a file cannot be used.
        ModelError: the model is unknown or does not fit the shards.
        OutputError: an output cannot be written.
    """
    started, clock = time.time(), StageClock()
    corrector = load_corrector(job.model, device=job.device, threads=job.threads, insertion_trim=job.insertion_trim)
    program = Program(__version__, job.command, f"model {corrector.name}")
    source = _source(job, corrector, program, clock)
    with _outputs(job, source) as (writer, failed, table, report):
        reads = correct(source.molecules, corrector, job.settings, clock)
        for read in with_progress(reads, source.total, "ZMW"):
            table.add(read)
            if read.reason and table.outcomes[read.outcome] <= REASONS_SHOWN:
                log.warning("%s", read.reason)
            target = writer if read.passed else failed if read.outcome in FILTERED else None
            if target is not None:
                with clock.stage("write"):
                    target.write_read(read.name, read.bases, read.qualities, polished_tags(read))
        if report is not None:
            write_json(_report(job, corrector, table, clock, started), report)
    return table


def _source(job: PolishRun, corrector: Corrector, program: Program, clock: StageClock) -> Source:
    if job.reads is None:
        return encoded_shards(job.shards, corrector, program, clock)
    return encoded_reads(job.reads, corrector, program, job.threads, clock)


@contextmanager
def _outputs(
    job: PolishRun, source: Source
) -> Iterator[tuple[ReadWriter, ReadWriter | None, MoleculeTable, TextIO | None]]:
    """The files of a run: all are complete before the first takes its name."""
    with ExitStack() as names, ExitStack() as files:

        def reads_file(path: Path, threads: int) -> ReadWriter:
            target = names.enter_context(atomic_path(path))
            return files.enter_context(reads_at(target, path, source.header, threads=threads))

        def side(suffix: str) -> TextIO:
            path = side_file(job.output, suffix)
            return files.enter_context(side_stream(names.enter_context(atomic_path(path)), path))

        writer = reads_file(job.output, job.threads)
        failed = None if job.failed is None else reads_file(job.failed, 1)
        if str(job.output) == STDOUT:
            yield writer, failed, MoleculeTable(None), None
        else:
            yield writer, failed, MoleculeTable(side(MOLECULES)), side(REPORT)


def _report(
    job: PolishRun, corrector: Corrector, table: MoleculeTable, clock: StageClock, started: float
) -> dict[str, Any]:
    """The run as a whole, for ``OUT.report.json``."""
    inputs = [*job.reads.subreads, job.reads.drafts] if job.reads else job.shards
    return {
        "tool": "deepconsensus-py",
        "version": __version__,
        "command": job.command,
        "started": datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
        "seconds": round(time.time() - started, 3),
        "model": {"name": corrector.name, "spec": dict(corrector.spec), "calibration": corrector.calibration},
        "parameters": _parameters(job),
        "inputs": [str(path) for path in inputs if path is not None],
        "output": str(job.output),
        "stages": {stage: round(seconds, 3) for stage, seconds in clock.seconds.items()},
        "counts": table.counts(),
        "peak_memory_bytes": peak_memory(),
    }


def _parameters(job: PolishRun) -> dict[str, Any]:
    """What was asked for, as plain JSON values."""
    chosen = job.settings.model_calibration
    settings = asdict(job.settings) | {
        "model_calibration": None if chosen is None else str(chosen),
        "draft_calibration": str(job.settings.draft_calibration),
    }
    limits = {"chunk": job.reads.chunk, "limit": job.reads.limit} if job.reads else {}
    own = {"insertion_trim": job.insertion_trim, "device": job.device, "threads": job.threads}
    return {**own, **limits, **settings.pop("filter"), **settings}
