"""A whole run of ``correct``: from files of HiFi reads to corrected reads, the table of reads and the report."""

import logging
import os
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from deepconsensus_py._version import __version__
from deepconsensus_py.errors import OutputError
from deepconsensus_py.files import is_stream, require_apart
from deepconsensus_py.models.registry import load_method
from deepconsensus_py.overlaps.blocks import BLOCK_BASES, Ints, blocks, order_of_neighbours
from deepconsensus_py.overlaps.correction import COUNTS
from deepconsensus_py.overlaps.located import UNPLACED, LocatedReads, locate
from deepconsensus_py.overlaps.overlap import as_overlap
from deepconsensus_py.overlaps.paf import read_paf
from deepconsensus_py.overlaps.placements import Placements
from deepconsensus_py.overlaps.results import NAME, Result, ResultStore
from deepconsensus_py.overlaps.search import search
from deepconsensus_py.overlaps.table import OverlapTable, table_of
from deepconsensus_py.overlaps.work import Corrected, Options, correct_block, work_of
from deepconsensus_py.pacbio.draft_parts import chunk_bounds
from deepconsensus_py.pacbio.headers import Program, polished_header
from deepconsensus_py.pacbio.inputs import expand_paths, is_dataset
from deepconsensus_py.pacbio.molecule import Draft
from deepconsensus_py.pacbio.writers import ReadWriter, open_reads
from deepconsensus_py.polishing.execution import Execution
from deepconsensus_py.polishing.journal import Journal, run_identity
from deepconsensus_py.polishing.outputs import Stored, Targets, ending
from deepconsensus_py.polishing.progress import StageClock, with_progress
from deepconsensus_py.polishing.read import PolishedRead
from deepconsensus_py.polishing.run import REASONS_SHOWN
from deepconsensus_py.polishing.summary import COUNTED, summary
from deepconsensus_py.polishing.work_folder import WorkFolder, claimed
from deepconsensus_py.reports.outcomes import Outcome
from deepconsensus_py.reports.run_reports import require_own_files
from deepconsensus_py.reports.table import MoleculeTable, summed
from deepconsensus_py.reports.zmw import ZmwResult
from deepconsensus_py.workers.ordered import ordered_map
from deepconsensus_py.workers.pool import keep_heap_small

log = logging.getLogger(__name__)

WRITTEN_READS = 1000
"""Reads that are written at a time, at the end of a run."""


@dataclass(frozen=True, slots=True)
class CorrectRun:
    """Inputs, outputs and options of a run.

    Attributes:
        reads: HiFi reads with base qualities, files or lists of files.
        output: BAM, SAM or FASTQ(.gz) by its extension; ``-`` is standard output. Outputs that are not regular files
            have no side files.
        paf: files of their overlaps, as the command ``overlaps`` or minimap2 writes them; empty finds them.
        aligned: the reads are aligned to one reference, and overlap where they share a part of it.
        chunk: (i, n) corrects only the i-th of n parts of the reads.
        options: how reads are corrected.
        threads: CPU cores.
        command: the command line, for the header and the report.
        resume: continue an unfinished run with the same output, if there is one.
        block_bases: bases that are corrected at a time.
    """

    reads: tuple[Path, ...]
    output: Path
    paf: tuple[Path, ...] = ()
    aligned: bool = False
    chunk: tuple[int, int] = (1, 1)
    options: Options = field(default_factory=Options)
    threads: int = 1
    command: str = ""
    resume: bool = False
    block_bases: int = BLOCK_BASES


def correct_files(job: CorrectRun) -> dict[str, Any]:
    """Correct the reads of files by each other. Outputs get their names only when they are complete.

    Args:
        job: inputs, outputs and options.

    Returns:
        The report, as it is written.

    Raises:
        InputError: a file is missing or damaged, or its reads have no base qualities.
        OutputError: an output cannot be written, or an unfinished run was found there.
    """
    require_apart([job.output], [*expand_paths(job.reads), *job.paf])
    keep_heap_small()
    session = _Session(job)
    if is_stream(job.output):
        if job.resume:
            raise OutputError("--resume needs an output file; it cannot resume writing to standard output")
        return _into_stream(session)
    return _into_files(session)


def _into_stream(session: "_Session") -> dict[str, Any]:
    job = session.job
    with tempfile.TemporaryDirectory(prefix="deepconsensus-py-") as name:
        folder = Path(name)
        with ResultStore(folder, str(job.output), Stored()) as store:
            for done in session.corrected(folder, 0):
                store.append(done.entries)
            with open_reads(job.output, polished_header(job.reads, session.program), threads=job.threads) as writer:
                session.write(store.in_order(), writer)
    session.count_faults()
    return session.report()


def _into_files(session: "_Session") -> dict[str, Any]:
    """Store corrected blocks in the work folder; at the end, write them in the order of the reads."""
    job = session.job
    require_own_files(job.output)
    with claimed(Targets(job.output, None), session.identity(), resume=job.resume) as work:
        if not work.complete:
            _correct_on(session, work)
        assert work.journal is not None
        report = dict(work.journal.report)
        work.deliver()
    return report


def _correct_on(session: "_Session", work: WorkFolder) -> None:
    """Correct the remaining blocks, with a checkpoint after each; then write all reads."""
    threads, earlier = session.job.threads, work.journal
    stored = earlier.files[NAME] if earlier else Stored()
    with ResultStore(work.folder, str(session.job.output), stored) as store:
        with closing(session.corrected(work.folder, len(store))) as corrected:
            for done in corrected:
                work.commit(store.append(done.entries), session.report(earlier, len(store)))
        header = polished_header(session.job.reads, session.program)
        with work.open_files(header, threads=threads) as outputs:
            results = store.in_order()
            while first := list(islice(results, 1)):
                with outputs.checkpoint() as (writer, _):
                    session.write(chain(first, islice(results, WRITTEN_READS - 1)), writer)
                outputs.store(*session.table.taken_lines())
            session.count_faults()
            outputs.store(*session.table.taken_lines())
            report = session.report(earlier)
            work.commit(outputs.finish(report), report, complete=True)


class _Session:
    """One execution of a job, with its counts and times.

    Attributes:
        job: inputs, outputs and options.
        program: for the header of the output.
        table: counts of the reads that were written.
    """

    def __init__(self, job: CorrectRun) -> None:
        self.job, self.table = job, MoleculeTable((*COUNTED, *COUNTS))
        self._method = load_method(job.options.model)
        self.program = Program(__version__, job.command, f"model {self._method.name}")
        self._clock = StageClock(("locate", "overlaps", "correct", "write"))
        self._execution = Execution(job.command, self._clock)
        self._faults, self._warned = tuple[tuple[str, str], ...](), 0

    def identity(self) -> dict[str, Any]:
        """Everything that the records depend on."""
        job = self.job
        options = {"aligned": job.aligned, "chunk": job.chunk, **asdict(job.options)}
        inputs = [*filter(is_dataset, job.reads), *expand_paths(job.reads), *job.paf]
        return run_identity(inputs, job.options.model, self._method, options, [ending(job.output)])

    def corrected(self, folder: Path, skip: int) -> Generator[Corrected]:
        """Corrected blocks, with progress shown.

        Args:
            folder: for temporary files.
            skip: reads that an earlier execution has corrected.
        """
        job, clock = self.job, self._clock
        with clock.stage("locate"):
            reads = locate(job.reads, folder, aligned=job.aligned)
        self._faults = reads.faults if job.chunk[0] == 1 else ()
        with ExitStack() as files:
            with clock.stage("overlaps"):
                table = None if job.aligned else files.enter_context(_table(reads, folder, job))
                order = _order(reads, table)
            start, stop = chunk_bounds(len(reads), job.chunk)
            rest = order[start + skip : stop]
            done = clock.timed("correct", _all_corrected(rest, reads, table, job))
            for block in with_progress(_read_by_read(done), len(rest), "read", done=skip):
                if block is not None:
                    self._note(block)
                    yield block

    def _note(self, block: Corrected) -> None:
        if block.process != os.getpid():
            self._clock.peaks[block.process], self._clock.cpu[block.process] = block.peak, block.cpu

    def write(self, results: Iterable[Result], writer: ReadWriter) -> None:
        """Count the reads, and write those that are not damaged."""
        with self._clock.stage("write"):
            for result in results:
                self._count(result.summary)
                if result.summary.passed:
                    writer.write_read(result.summary.name, result.bases, result.qualities, result.tags)

    def count_faults(self) -> None:
        """Count the reads that could not be read, which no block has."""
        for name, reason in self._faults:
            self._count(summary(PolishedRead(Draft(name, np.empty(0, np.uint8), None), Outcome.ERROR, reason)))

    def _count(self, read: ZmwResult) -> None:
        self.table.add(read)
        if read.reason:
            self._warned += 1
            if self._warned <= REASONS_SHOWN:
                log.warning("%s", read.reason if read.outcome is Outcome.ERROR else f"{read.reason}: written as it is")

    def report(self, earlier: Journal | None = None, done: int | None = None) -> dict[str, Any]:
        """The report, the earlier execution's times included.

        Args:
            earlier: the checkpoint that this execution went on from.
            done: reads that are corrected, before the counts of all are known.
        """
        job = self.job
        parameters = asdict(job) | asdict(job.options)
        for name in ("reads", "paf", "output", "options", "command", "resume", "block_bases"):
            del parameters[name]
        own = self._execution.report(
            self._method,
            parameters=parameters,
            inputs=(*job.reads, *job.paf),
            output=job.output,
            counts=self.table.counts() if done is None else {"zmws": done, "outcomes": {}},
            resumed=earlier is not None,
        )
        return own if earlier is None else summed([own, {**earlier.report, "counts": {"outcomes": {}}}])


def _table(reads: LocatedReads, folder: Path, job: CorrectRun) -> OverlapTable:
    """The overlaps of all reads."""
    if job.paf:
        found = read_paf(job.paf, reads)
    else:
        found = ((number, as_overlap(hit)) for number, hit in search(reads, threads=job.threads))
    table = table_of(found, folder, len(reads), job.options.max_overlaps)
    log.info("%d overlaps of %d reads", table.found, len(reads))
    if table.dropped:
        log.info("%d of a read beyond its best %d are not used", table.dropped, job.options.max_overlaps)
    return table


def _order(reads: LocatedReads, table: OverlapTable | None) -> Ints:
    """The order in which reads are corrected: those that overlap are near each other."""
    if table is not None:
        return order_of_neighbours(table, len(reads))
    if unplaced := int((reads.rows["reference"] == UNPLACED).sum()):
        log.info("%d of %d reads are not aligned, and stay as they are", unplaced, len(reads))
    return np.arange(len(reads))


def _all_corrected(
    order: Ints, reads: LocatedReads, table: OverlapTable | None, job: CorrectRun
) -> Iterator[Corrected]:
    """Correct reads in blocks, each in a worker process if there are several."""
    options, lengths = job.options, reads.rows["length"]
    neighbours = table or Placements(reads.rows, options.max_overlaps)
    works = (
        work_of(block, reads, table, options.rounds)
        for block in blocks(order, lengths, neighbours, options.rounds, job.block_bases)
    )
    several = int(lengths[order].sum(dtype=np.int64)) > job.block_bases
    if several and job.threads > 1:
        yield from ordered_map(partial(correct_block, options=options), works, job.threads, processes=True, ahead=1)
    else:
        yield from (correct_block(work, options, job.threads) for work in works)


def _read_by_read(blocks: Iterable[Corrected]) -> Iterator[Corrected | None]:
    """An item for each read, the last of a block being the block."""
    for block in blocks:
        yield from [None] * (len(block.entries) - 1)
        yield block
