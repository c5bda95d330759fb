"""A whole run, file to file: polished reads, the reads that were filtered out, and the two side files."""

import logging
import time
from collections.abc import Generator, Iterable
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

from deepconsensus_py._version import __version__
from deepconsensus_py.corrector import Method
from deepconsensus_py.errors import InputError, ModelError, OutputError
from deepconsensus_py.files import is_stream
from deepconsensus_py.methods import DEFAULT
from deepconsensus_py.models.registry import load_model
from deepconsensus_py.options import OF_COLUMNS, OPTIONS, resolved
from deepconsensus_py.pacbio.headers import Program
from deepconsensus_py.pacbio.inputs import as_paths, expand_paths
from deepconsensus_py.pacbio.pipes import is_pipe
from deepconsensus_py.pacbio.writers import ReadWriter, open_reads
from deepconsensus_py.polishing.engine import PolishSettings, correct
from deepconsensus_py.polishing.journal import Journal, model_facts, run_identity
from deepconsensus_py.polishing.outcomes import Outcome
from deepconsensus_py.polishing.outputs import Targets, ending
from deepconsensus_py.polishing.progress import StageClock, Stop, with_progress
from deepconsensus_py.polishing.read import PolishedRead, polished_tags, unpolished_tags
from deepconsensus_py.polishing.report import MoleculeTable, require_own_report, summed
from deepconsensus_py.polishing.sources import Reads, Source, encoded_reads, encoded_shards
from deepconsensus_py.polishing.work_folder import Unfinished, claimed
from deepconsensus_py.workers.pool import keep_heap_small
from deepconsensus_py.workers.resources import peak_resident

log = logging.getLogger(__name__)

FILTERED = frozenset({Outcome.FAILED_QUALITY_FILTER, Outcome.FAILED_LENGTH_FILTER})

PIECE = 128
"""Molecules that are stored at a time: what a run that was killed has to do again, some megabytes of reads."""

REASONS_SHOWN = 5
"""Molecules of each outcome whose reason is logged: a movie without CCS reads has millions with too few passes. The
table of molecules has all."""


@dataclass(frozen=True, slots=True)
class PolishRun:
    """What to polish, with what, and where to.

    Attributes:
        reads: subreads and drafts; None where shards are given.
        shards: feature shards.
        output: BAM, SAM or FASTQ(.gz) by its name; ``-`` is standard output, and like all that is no regular file has
            no side files.
        failed: where reads that the filters drop go, or None.
        model: name of a model, or path of a ``.safetensors`` file.
        insertion_trim: longest insertion (bases) that is kept; None for what the model was made with.
        device: where a network runs; None is the processor.
        precision: what a network computes in, one of ``options.PRECISIONS``; None is ``auto``.
        triage: whether what the passes agree with is left as it is, the default; False lets the network see everything.
        threads: processor cores.
        settings: filters, calibration and window skipping.
        keep_unpolished: whether the drafts of molecules with too few passes are written as they are, ``rq`` -1.
        command: the command line, for the header and the report.
        resume: go on with what an earlier run has left, where there is something.
        piece: molecules that are stored at a time.
    """

    reads: Reads | None
    shards: tuple[Path, ...]
    output: Path
    failed: Path | None = None
    model: str = DEFAULT
    insertion_trim: int | None = None
    device: str | None = None
    precision: str | None = None
    triage: bool | None = None
    threads: int = 1
    settings: PolishSettings = field(default_factory=PolishSettings)
    keep_unpolished: bool = False
    command: str = ""
    resume: bool = False
    piece: int = PIECE


def polish_files(job: PolishRun, stop: Stop | None = None) -> dict[str, Any]:
    """Polish files; outputs take their names only when all is written, and what is written until then is kept.

    Args:
        job: what to do.
        stop: may be asked, while this runs, to end it early; molecules that have been begun are finished and kept.

    Returns:
        The run's report, as it is written; where the run was resumed, of all its parts.

    Raises:
        InputError: a file cannot be used, or what an earlier run has left is damaged.
        ModelError: the model is unknown, does not fit the shards, or has no use for something that is given.
        OutputError: an output cannot be written, or an earlier run has left something there.
    """
    if job.resume and is_stream(job.output):
        raise OutputError("--resume needs an output file; it cannot resume writing to standard output")
    if job.resume and any(map(is_pipe, _inputs(job))):
        raise InputError("--resume needs input files; it cannot resume reading from a pipe")
    keep_heap_small()
    session = _Session(job, stop or Stop())
    if not is_stream(job.output):
        return _into_files(session)
    return _into_stream(session)


def _into_stream(session: "_Session") -> dict[str, Any]:
    """Read by read, without side files and without a way to go on."""
    job, source = session.job, session.source()
    with ExitStack() as files:
        writer = files.enter_context(open_reads(job.output, source.header, threads=job.threads))
        failed = None if job.failed is None else files.enter_context(open_reads(job.failed, source.header))
        session.write(session.polished(source), writer, failed)
    return session.report()


def _into_files(session: "_Session") -> dict[str, Any]:
    """Piece by piece into files that take their names in the end."""
    job = session.job
    require_own_report(job.output)
    with claimed(Targets(job.output, job.failed), session.identity(), resume=job.resume) as unfinished:
        if not unfinished.complete:
            _grow(session, unfinished)
        if unfinished.journal is None:
            return session.report()
        report = dict(unfinished.journal.report)
        if unfinished.complete:
            unfinished.deliver()
    return report


def _grow(session: "_Session", unfinished: Unfinished) -> None:
    """Polish what has not been, and store it piece by piece."""
    job, earlier = session.job, unfinished.journal
    source = session.source(unfinished.molecules)
    reads = session.polished(source, unfinished.molecules)
    with closing(reads), unfinished.pieces(source.header, threads=job.threads) as pieces:
        for first in reads:
            with pieces.piece() as (writer, failed):
                session.write(chain([first], islice(reads, job.piece - 1)), writer, failed)
            with session.clock.stage("write"):
                files = pieces.store(session.table.taken_rows())
                unfinished.commit(files, session.report(earlier))
        if not session.stop.early:
            report = session.report(earlier)
            unfinished.commit(pieces.finish(report), report, complete=True)


class _Session:
    """What one process does of a job: it reads, counts and times.

    Attributes:
        job: the job.
        stop: asked to end early.
        clock: seconds of each stage.
        table: molecules.
    """

    def __init__(self, job: PolishRun, stop: Stop) -> None:
        self.job, self.stop = job, stop
        self.clock, self.table, self._started = StageClock(), MoleculeTable(), time.time()
        self._corrector = load_model(
            job.model,
            device=job.device,
            threads=job.threads,
            insertion_trim=job.insertion_trim,
            precision=job.precision,
            triage=job.triage,
            wait=job.threads == 1,
        )
        self._method = self._corrector.method
        _require_effect(job, self._method)

    def identity(self) -> dict[str, Any]:
        """What decides the records."""
        job = self.job
        options = _parameters(job, self._method)
        options |= {
            "device": options["device"] and options["device"].partition(":")[0],
            # What "auto" has come to here; elsewhere it may be another.
            "precision": getattr(self._corrector.network, "precision", options["precision"]),
            "failed": job.failed is not None,
        }
        del options["threads"]
        formats = [ending(path) for path in (job.output, job.failed) if path is not None]
        return run_identity(_inputs(job, expanded=True), job.model, self._method, options, formats)

    def source(self, done: int = 0) -> Source:
        """Encoded molecules, without the first ones that are done."""
        job, program = self.job, Program(__version__, self.job.command, f"model {self._method.name}")
        if job.reads is None:
            return encoded_shards(job.shards, self._method, program, self.clock, skip=done, stop=self.stop)
        reads = replace(job.reads, skip=job.reads.skip + done)
        return encoded_reads(reads, self._method, program, job.threads, self.clock, stop=self.stop)

    def polished(self, source: Source, done: int = 0) -> Generator[PolishedRead]:
        """Reads, in order, while progress is shown."""
        threads = self.job.threads
        reads = correct(source.molecules, self._corrector, self.job.settings, self.clock, threads=threads)
        yield from with_progress(reads, source.total, "ZMW", done=done)

    def write(self, reads: Iterable[PolishedRead], writer: ReadWriter, failed: ReadWriter | None) -> None:
        """Count reads, and write those that are to be written."""
        for read in reads:
            self.table.add(read)
            if read.reason and self.table.outcomes[read.outcome] <= REASONS_SHOWN:
                log.warning("%s", read.reason)
            with self.clock.stage("write"):
                self._write(read, writer, failed)

    def _write(self, read: PolishedRead, writer: ReadWriter, failed: ReadWriter | None) -> None:
        target = writer if read.passed else failed if read.outcome in FILTERED else None
        draft = read.draft
        if target is not None:
            target.write_read(read.name, read.bases, read.qualities, polished_tags(draft, read.qualities))
        elif self.job.keep_unpolished and read.outcome is Outcome.TOO_FEW_PASSES:
            writer.write_read(draft.name, draft.bases, draft.qualities, unpolished_tags(draft))

    def report(self, earlier: Journal | None = None) -> dict[str, Any]:
        """The run so far, with what an earlier process did of it."""
        job = self.job
        own = {
            "tool": "deepconsensus-py",
            "version": __version__,
            "command": job.command,
            "started": datetime.fromtimestamp(self._started, UTC).isoformat(timespec="seconds"),
            "seconds": round(time.time() - self._started, 3),
            "resumed": 0 if earlier is None else 1,
            "model": model_facts(self._method),
            "parameters": _parameters(job, self._method),
            "inputs": [str(path) for path in _inputs(job)],
            "output": str(job.output),
            "stages": {stage: round(seconds, 3) for stage, seconds in self.clock.seconds.items()},
            "counts": self.table.counts(),
            "peak_memory_bytes": peak_resident() + sum(self.clock.peaks.values()),
        }
        return own if earlier is None else summed([earlier.report, own])


def _inputs(job: PolishRun, *, expanded: bool = False) -> list[Path]:
    """The files that molecules are read from, files of file names replaced by what they name where ``expanded``."""
    if job.reads is None:
        return list(job.shards)
    if not expanded:
        return [*as_paths(job.reads.subreads), *as_paths(job.reads.drafts)]
    return [*expand_paths(job.reads.subreads, pipes=True), *expand_paths(job.reads.drafts)]


def _require_effect(job: PolishRun, method: Method) -> None:
    """Refuse what is given and has no effect.

    Raises:
        ModelError: it is so.
    """
    job.settings.require_fit(method)
    # Column networks triage what they are shown, other models what they encode.
    if job.reads is None and job.triage is not None and not method.options >= OF_COLUMNS:
        raise ModelError(
            f"--triage has no effect with --features and model {method.name!r}, which decides when molecules are "
            "encoded"
        )


def _parameters(job: PolishRun, method: Method) -> dict[str, Any]:
    """What holds, as plain JSON values; None of what the model does not understand."""
    settings = asdict(job.settings) | {
        name: None if map_ is None else str(map_)
        for name, map_ in (
            ("model_calibration", job.settings.model_calibration),
            ("draft_calibration", job.settings.draft_calibration),
        )
    }
    chosen_reads = ("chunk", "limit", "skip", "min_passes")
    limits = {name: getattr(job.reads, name) for name in chosen_reads} if job.reads else {}
    names = ("insertion_trim", "device", "precision", "triage", "threads", "keep_unpolished")
    given = {**{name: getattr(job, name) for name in names}, **limits, **settings.pop("filter"), **settings}
    return given | resolved(method.options, {name: given[name] for name in OPTIONS})
