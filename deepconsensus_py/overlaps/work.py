"""Correction of one block, as a worker process does it: read, find what the places tell, correct, pack."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from os import getpid

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.overlaps.blocks import Block
from deepconsensus_py.overlaps.correction import MODEL, ROUNDS, correct_overlapping
from deepconsensus_py.overlaps.coverage import MIN_COVERAGE
from deepconsensus_py.overlaps.located import LocatedReads, PlacedRead
from deepconsensus_py.overlaps.overlap import MOST_OVERLAPS, Overlap
from deepconsensus_py.overlaps.placements import Columns, Placements, placed_overlaps
from deepconsensus_py.overlaps.results import packed
from deepconsensus_py.overlaps.table import OverlapTable, Rows, as_overlaps
from deepconsensus_py.polishing.read import PolishedRead
from deepconsensus_py.reports.outcomes import Outcome
from deepconsensus_py.workers.resources import peak_resident

_NEVER = 127
"""Steps of a read that cannot be used."""


@dataclass(frozen=True, slots=True)
class Options:
    """How blocks are corrected; see ``correction.correct_overlapping``."""

    min_coverage: int = MIN_COVERAGE
    max_overlaps: int = MOST_OVERLAPS
    rounds: int = ROUNDS
    model: str = MODEL


@dataclass(frozen=True, slots=True, eq=False)
class BlockWork:
    """A block, with all that its correction needs.

    Attributes:
        block: which reads.
        reads: where these are.
        overlaps: of each read that is corrected, with the others by their places in the block; None if the reads'
            places on a reference tell.
    """

    block: Block
    reads: LocatedReads
    overlaps: tuple[Rows, ...] | None


@dataclass(frozen=True, slots=True, eq=False)
class Corrected:
    """A corrected block.

    Attributes:
        entries: of the store, one for each read that was asked for (``results.packed``).
        process: id of the process.
        peak: its peak resident bytes.
        cpu: its CPU seconds so far.
    """

    entries: tuple[bytes, ...]
    process: int
    peak: int
    cpu: float


def work_of(block: Block, reads: LocatedReads, table: OverlapTable | None, rounds: int) -> BlockWork:
    """What a worker needs for a block.

    Args:
        block: which reads.
        reads: all of them.
        table: of their overlaps; None if they are placed on a reference.
        rounds: of correction.
    """
    rows = None
    if table is not None:
        inner = zip(block.numbers.tolist(), block.steps.tolist(), strict=True)
        rows = tuple(
            _within(table.of(number), block) if step < rounds else table.of(number)[:0] for number, step in inner
        )
    return BlockWork(block, reads.part(block.numbers), rows)


def _within(rows: Rows, block: Block) -> Rows:
    rows = rows.copy()
    rows["other"] = np.searchsorted(block.numbers, rows["other"])
    return rows


def correct_block(work: BlockWork, options: Options, threads: int = 1) -> Corrected:
    """Correct the reads of a block.

    Args:
        work: the block.
        options: how.
        threads: CPU cores.

    Raises:
        InputError: a file is damaged.
    """
    steps = work.block.steps.copy()
    reads = [_bare(read) if step else read for read, step in zip(work.reads.read(), steps.tolist(), strict=True)]
    steps[[number for number, read in enumerate(reads) if read.reason]] = _NEVER
    if work.overlaps is None:
        overlaps = _of_places(work, reads, steps, options)
    else:
        overlaps = [as_overlaps(rows) for rows in work.overlaps]
    corrected = correct_overlapping(
        [read.draft for read in reads],
        overlaps,
        steps,
        rounds=options.rounds,
        min_coverage=options.min_coverage,
        model=options.model,
        threads=threads,
    )
    entries = tuple(packed(*result) for result in _all_targets(work.block, reads, corrected))
    return Corrected(entries, getpid(), peak_resident(), time.process_time())


def _bare(read: PlacedRead) -> PlacedRead:
    """A read that is not written needs no tags."""
    return replace(read, draft=replace(read.draft, tags=()))


def _of_places(
    work: BlockWork, reads: Sequence[PlacedRead], steps: NDArray[np.int8], options: Options
) -> list[list[Overlap]]:
    places = Placements(work.reads.rows, options.max_overlaps)
    columns = [None if read.alignment is None else Columns(read) for read in reads]
    return [
        placed_overlaps(columns, number, places.neighbours(number)) if step < options.rounds else []
        for number, step in enumerate(steps.tolist())
    ]


def _all_targets(
    block: Block, reads: Sequence[PlacedRead], corrected: Iterator[PolishedRead]
) -> Iterator[tuple[int, PolishedRead]]:
    """The reads that were asked for, with their numbers; damaged ones have their reason."""
    for number, step, read in zip(block.numbers.tolist(), block.steps.tolist(), reads, strict=True):
        if step == 0:
            yield number, PolishedRead(read.draft, Outcome.ERROR, read.reason) if read.reason else next(corrected)
