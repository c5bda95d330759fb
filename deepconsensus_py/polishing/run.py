"""A whole run, from input files to output files: polished reads, failed reads, the table of ZMWs and the report."""

import logging
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py._version import __version__
from deepconsensus_py.corrector import Method
from deepconsensus_py.errors import InputError, ModelError, OutputError
from deepconsensus_py.files import is_stream
from deepconsensus_py.methods import DEFAULT
from deepconsensus_py.models.registry import load_method, load_model
from deepconsensus_py.options import DEVICE, OF_COLUMNS, ON, OPTIONS, PRECISION, TRIAGE, UNBINNED, resolved
from deepconsensus_py.pacbio.bam_tags import in_order
from deepconsensus_py.pacbio.dataset_output import write_dataset
from deepconsensus_py.pacbio.header_text import header_lines
from deepconsensus_py.pacbio.headers import Program, with_kinetics
from deepconsensus_py.pacbio.inputs import as_paths, expand_paths, is_dataset
from deepconsensus_py.pacbio.molecule import Draft
from deepconsensus_py.pacbio.pipes import is_pipe
from deepconsensus_py.pacbio.read_groups import control_groups
from deepconsensus_py.pacbio.writers import ReadWriter, open_reads
from deepconsensus_py.polishing.encode import StandIn
from deepconsensus_py.polishing.engine import PolishSettings, correct
from deepconsensus_py.polishing.execution import Execution
from deepconsensus_py.polishing.fail_reads import any_pass, fail_flags, full_pass
from deepconsensus_py.polishing.journal import Journal, run_identity
from deepconsensus_py.polishing.outputs import Targets, ending
from deepconsensus_py.polishing.progress import StageClock, Stop, with_progress
from deepconsensus_py.polishing.qualities import binned_qualities
from deepconsensus_py.polishing.read import PolishedRead, unpolished_tags
from deepconsensus_py.polishing.sources import Reads, Source, count_encoded, count_zmws, encoded_reads, encoded_shards
from deepconsensus_py.polishing.summary import COUNTED, summary
from deepconsensus_py.polishing.work_folder import WorkFolder, claimed
from deepconsensus_py.reports.run_reports import require_own_files
from deepconsensus_py.reports.table import MoleculeTable, summed
from deepconsensus_py.workers.pool import keep_heap_small

log = logging.getLogger(__name__)

CHECKPOINT_ZMWS = 128
"""ZMWs per checkpoint: at most this many are polished again after a run was killed; some megabytes of reads."""

REASONS_SHOWN = 5
"""ZMWs of each outcome whose reason is logged; all are in the table of ZMWs. A movie without CCS reads has millions
with too few passes."""


@dataclass(frozen=True, slots=True)
class PolishRun:
    """Inputs, outputs and options of a run.

    Attributes:
        reads: subreads and drafts; None if feature shards are given.
        shards: feature shards.
        output: BAM, SAM or FASTQ(.gz) by its extension; ``-`` is standard output. Outputs that are not regular files
            have no side files.
        failed: file for reads that fail the filters and for full passes of ZMWs without a read, or None.
        model: name of a model, or path of a ``.safetensors`` file.
        insertion_trim: insertions longer than this many bases are ignored; None takes the model's own value.
        device: where a network runs; None is the CPU.
        precision: numeric precision of a network, one of ``options.PRECISIONS``; None is ``auto``.
        triage: skip positions where the passes support the draft (default); False shows the network everything.
        threads: CPU cores.
        settings: filters, calibration and window skipping.
        qv_bins: one of ``options.QV_BINS``: write base qualities as they are, or in the bins of PacBio; ``rq``, filters
            and reports are of the qualities before.
        keep_unpolished: write every ZMW: of one without a read, its CCS read or a pass, with ``rq`` -1.
        command: the command line, for the header and the report.
        dataset: write the index of the output and its dataset XML as well; BAM only.
        resume: continue an unfinished run with the same output, if there is one.
        checkpoint: ZMWs per checkpoint.
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
    qv_bins: str = UNBINNED
    keep_unpolished: bool = False
    command: str = ""
    dataset: bool = False
    resume: bool = False
    checkpoint: int = CHECKPOINT_ZMWS


def polish_files(job: PolishRun, stop: Stop | None = None) -> dict[str, Any]:
    """Polish files. Outputs get their names only when they are complete; until then, finished reads are kept aside.

    Args:
        job: inputs, outputs and options.
        stop: can be asked, from a signal handler or another thread, to end the run early; ZMWs in work are finished.

    Returns:
        The report, as it is written; if the run was resumed, with the earlier counts and times.

    Raises:
        InputError: a file cannot be used, or the unfinished run is damaged.
        ModelError: the model is unknown, does not fit the shards, or does not support an option.
        OutputError: an output cannot be written, or an unfinished run was found there.
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


def check_files(job: PolishRun) -> int | None:
    """Check a run without polishing anything: options, model, and that the inputs can be read.

    Args:
        job: as for ``polish_files``; inputs may be missing.

    Returns:
        Number of drafts, or of ZMWs where drafts are made, that it would polish; None without inputs.

    Raises:
        InputError: a file cannot be used.
        ModelError: the model is unknown, does not fit the shards, or does not support an option.
    """
    options = {DEVICE: job.device, PRECISION: job.precision, TRIAGE: job.triage}
    method = load_method(job.model, insertion_trim=job.insertion_trim, **options)
    _require_effect(job, method)
    if job.shards:
        return count_encoded(job.shards, method)
    return None if job.reads is None else count_zmws(job.reads)


def _into_stream(session: "_Session") -> dict[str, Any]:
    """Write each read at once, without side files; such a run cannot be resumed."""
    job, source = session.job, session.source()
    with ExitStack() as files:
        writer = files.enter_context(open_reads(job.output, source.header, threads=job.threads))
        failed = None
        if job.failed is not None:
            head = with_kinetics(source.header, kinetics=True)
            failed = files.enter_context(open_reads(job.failed, head))
        session.write(session.polished(source), writer, failed)
    return session.report()


def _into_files(session: "_Session") -> dict[str, Any]:
    """Write checkpoints into the work folder; the files get their final names at the end."""
    job = session.job
    require_own_files(job.output)
    with claimed(Targets(job.output, job.failed), session.identity(), resume=job.resume) as work:
        if not work.complete:
            _polish_on(session, work)
        if work.journal is None:
            return session.report()
        report = dict(work.journal.report)
        if work.complete:
            work.deliver()
            if job.dataset:
                write_dataset(job.output, _inputs(job))
    return report


def _polish_on(session: "_Session", work: WorkFolder) -> None:
    """Polish the remaining ZMWs, with a checkpoint after every ``job.checkpoint`` of them."""
    job, earlier = session.job, work.journal
    source = session.source(work.molecules)
    reads = session.polished(source, work.molecules)
    with closing(reads), work.open_files(source.header, threads=job.threads) as outputs:
        for first in reads:
            with outputs.checkpoint() as (writer, failed):
                session.write(_whole_zmws(chain([first], reads), job.checkpoint), writer, failed)
            with session.clock.stage("write"):
                files = outputs.store(*session.table.taken_lines())
                work.commit(files, session.report(earlier))
        if not session.stop.early:
            report = session.report(earlier)
            work.commit(outputs.finish(report), report, complete=True)


def _whole_zmws(reads: Iterable[PolishedRead], zmws: int) -> Iterator[PolishedRead]:
    """All reads of the next ZMWs: a run is resumed with the next one."""
    for read in reads:
        yield read
        zmws -= read.last
        if not zmws:
            return


class _Session:
    """One execution of a job, with its counts and times.

    Attributes:
        job: inputs, outputs and options.
        stop: the request to end early.
        clock: seconds of each stage.
        table: counts of ZMWs.
    """

    def __init__(self, job: PolishRun, stop: Stop) -> None:
        self.job, self.stop = job, stop
        self.clock, self.table = StageClock(), MoleculeTable(COUNTED)
        self._execution = Execution(job.command, self.clock)
        self._controls: frozenset[str] = frozenset()
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
        self._settings = job.settings
        _require_effect(job, self._method)

    def identity(self) -> dict[str, Any]:
        """Everything that the records depend on."""
        job = self.job
        options = _parameters(job, self._method)
        options |= {
            "device": options["device"] and options["device"].partition(":")[0],
            # The precision in use: "auto" may mean another one on another machine.
            "precision": getattr(self._corrector.network, "precision", options["precision"]),
            "failed": job.failed is not None,
        }
        del options["threads"]
        formats = [ending(path) for path in (job.output, job.failed) if path is not None]
        return run_identity(_inputs(job, expanded=True), job.model, self._method, options, formats)

    def source(self, done: int = 0) -> Source:
        """Encoded ZMWs, without the first ``done``."""
        job, program = self.job, Program(__version__, self.job.command, f"model {self._method.name}")
        more: dict[str, Any] = {"kinetics": job.settings.kinetics, "stop": self.stop}
        if job.reads is None:
            source = encoded_shards(job.shards, self._method, program, self.clock, skip=done, **more)
        else:
            reads = replace(job.reads, skip=job.reads.skip + done)
            stand_in = self._stand_in()
            source = encoded_reads(reads, self._method, program, job.threads, self.clock, stand_in=stand_in, **more)
        self._settings = replace(job.settings, kinetics=source.kinetics)
        self._controls = control_groups(header_lines(source.header))
        return source

    def _stand_in(self) -> StandIn | None:
        """What is written for ZMWs without a read."""
        if self.job.failed is not None:
            return full_pass
        return partial(any_pass, kinetics=self.job.settings.kinetics == ON) if self.job.keep_unpolished else None

    def polished(self, source: Source, done: int = 0) -> Generator[PolishedRead]:
        """Polished reads, in order, with progress shown."""
        threads = self.job.threads
        reads = correct(source.molecules, self._corrector, self._settings, self.clock, threads=threads)
        one_each = self.job.reads is None or self.job.reads.strands.one_read_each
        total, unit = (source.total, "ZMW") if one_each else (None, "read")
        yield from with_progress(reads, total, unit, done=done)

    def write(self, reads: Iterable[PolishedRead], writer: ReadWriter, failed: ReadWriter | None) -> None:
        """Count the reads, and write those that pass or were asked for."""
        for read in reads:
            self.table.add(summary(read))
            if read.reason and self.table.outcomes[read.outcome] <= REASONS_SHOWN:
                log.warning("%s", read.reason)
            with self.clock.stage("write"):
                self._write(read, writer, failed)

    def _write(self, read: PolishedRead, writer: ReadWriter, failed: ReadWriter | None) -> None:
        if read.passed:
            writer.write_read(read.name, read.bases, self._shown(read.qualities), read.tags)
        elif failed is not None:
            self._write_failed(read, failed)
        elif self.job.keep_unpolished and not read.outcome.filtered:
            draft = read.stand_in or read.draft
            if len(draft.bases) and len(draft.bases) >= self.job.settings.filter.min_length:
                self._write_unpolished(draft, writer, self._settings.kinetics)

    def _write_failed(self, read: PolishedRead, failed: ReadWriter) -> None:
        """Write a read that fails a filter, or the pass that stands for a ZMW without a read."""
        flags = ("ff", int(fail_flags(read, self._controls)), "i")
        if read.outcome.filtered:
            failed.write_read(read.name, read.bases, self._shown(read.qualities), in_order((*read.tags, flags)))
        elif read.stand_in:
            self._write_unpolished(read.stand_in, failed, ON, flags)

    def _write_unpolished(self, draft: Draft, writer: ReadWriter, kinetics: str, *more: tuple[str, Any, str]) -> None:
        tags = unpolished_tags(draft, kinetics, carry_modifications=self._settings.carry_modifications)
        writer.write_read(draft.name, draft.bases, self._shown(draft.qualities), in_order((*tags, *more)))

    def _shown(self, qualities: NDArray[np.uint8] | None) -> NDArray[np.uint8] | None:
        return qualities if qualities is None or self.job.qv_bins == UNBINNED else binned_qualities(qualities)

    def report(self, earlier: Journal | None = None) -> dict[str, Any]:
        """The report so far, the earlier execution's included."""
        job = self.job
        own = self._execution.report(
            self._method,
            parameters=_parameters(job, self._method),
            inputs=_inputs(job),
            output=job.output,
            counts=self.table.counts(),
            resumed=earlier is not None,
        )
        return own if earlier is None else summed([earlier.report, own])


def _inputs(job: PolishRun, *, expanded: bool = False) -> list[Path]:
    """The input files; with ``expanded``, lists of files are replaced by the files, which follow data sets."""
    if job.reads is None:
        return list(job.shards)
    if not expanded:
        return [*as_paths(job.reads.subreads), *as_paths(job.reads.drafts)]
    # A data set's filters decide which records there are, so that it must not change either.
    sets = filter(is_dataset, (*as_paths(job.reads.subreads), *as_paths(job.reads.drafts)))
    return [*sets, *expand_paths(job.reads.subreads, pipes=True), *expand_paths(job.reads.drafts)]


def _require_effect(job: PolishRun, method: Method) -> None:
    """Refuse options that would have no effect.

    Raises:
        ModelError: there is one.
    """
    job.settings.require_fit(method)
    if job.shards and job.settings.kinetics == ON:
        raise ModelError(
            "--kinetics on needs subreads, not --features; with auto, kinetics of the CCS reads are carried over"
        )
    # Column models triage after encoding, other models before, so that their shards hold only what is left.
    if job.shards and job.triage is not None and not method.options >= OF_COLUMNS:
        raise ModelError(f"--triage has no effect with --features and model {method.name!r}; give it to 'encode'")


def _parameters(job: PolishRun, method: Method) -> dict[str, Any]:
    """All parameters, defaults included, as plain JSON values; None for options that the model does not support."""
    settings = asdict(job.settings) | {
        name: None if map_ is None else str(map_)
        for name, map_ in (
            ("model_calibration", job.settings.model_calibration),
            ("draft_calibration", job.settings.draft_calibration),
        )
    }
    # Inputs have an entry of their own; every other field decides which reads there are.
    limits = asdict(job.reads) if job.reads else {"filter": {}}
    for name in limits.keys() & {"subreads", "drafts"}:
        del limits[name]
    names = ("insertion_trim", "device", "precision", "triage", "threads", "qv_bins", "keep_unpolished")
    filters = limits.pop("filter") | limits.pop("strands", {}) | settings.pop("filter")
    given = {**{name: getattr(job, name) for name in names}, **limits, **filters, **settings}
    return given | resolved(method.options, {name: given[name] for name in OPTIONS})
