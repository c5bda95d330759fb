"""Training examples without known truth: the read of all passes of a deep molecule is the truth of drafts of a few."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.align.passes import align_zmw
from deepconsensus_py.align.zmw_filter import ZmwFilter
from deepconsensus_py.edits.repeats import find_homopolymers
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.examples.example import Example
from deepconsensus_py.methods import DEFAULT
from deepconsensus_py.pacbio.molecule import Alignment, Draft, N, Truth, Zmw
from deepconsensus_py.pacbio.truth import TRAIN
from deepconsensus_py.pacbio.zmws import Undrafted, read_zmws
from deepconsensus_py.polishing.engine import PolishSettings, polish
from deepconsensus_py.polishing.filters import ReadFilter
from deepconsensus_py.polishing.qualities import mean_quality
from deepconsensus_py.polishing.read import PolishedRead
from deepconsensus_py.reports.outcomes import Outcome
from deepconsensus_py.training.loci import disputed, same_locus

SURE = 15
"""Least quality, Phred, of the bases that are a truth. In 30 molecules of known sequence, of 12 passes and more, 0.8 %
of the bases are below it, and 27 of 35 errors."""


@dataclass(frozen=True, slots=True)
class Depth:
    """Which molecules label themselves.

    Attributes:
        min_passes: fewest full passes.
        min_quality: least predicted quality of the read of all passes, Phred.
    """

    min_passes: int
    min_quality: float


def self_labelled(
    subreads: Sequence[Path],
    depth: Depth,
    *,
    model: str = DEFAULT,
    limit: int | None = None,
    threads: int = 1,
) -> Iterator[Example | MoleculeError]:
    """Every molecule with its read of all passes as draft and truth, or the reason why not.

    The truth is N at homopolymers with a base of a quality below ``SURE``, and where reads of three or more other
    molecules of the same locus agree on something else (``loci.disputed``). All examples are held in memory, about 1 MB
    each of 12 kb and 15 passes.

    Args:
        subreads: BAM files with raw subreads grouped by ZMW, or files of file names.
        depth: which molecules are taken.
        model: makes the reads, see ``models.registry.load_model``.
        limit: process only the first ZMWs.
        threads: CPU cores.

    Raises:
        InputError: a file cannot be used.
        ModelError: the model is unknown or unreadable.
    """
    waiting: deque[Undrafted] = deque()
    settings = PolishSettings(filter=ReadFilter(depth.min_quality))
    reads = polish(
        _noted(read_zmws(subreads, limit=limit), waiting),
        model=model,
        threads=threads,
        settings=settings,
        zmw_filter=ZmwFilter(min_passes=depth.min_passes, top_passes=0),
    )
    taken = []
    for read in reads:
        try:
            taken.append(_example(waiting.popleft(), read, depth))
        except MoleculeError as fault:
            yield fault
    yield from _masked(taken)


def _noted(molecules: Iterator[Undrafted], waiting: deque[Undrafted]) -> Iterator[Undrafted]:
    """The molecules, each appended to a queue before it is polished."""
    for molecule in molecules:
        waiting.append(molecule)
        yield molecule


def _example(molecule: Undrafted, read: PolishedRead, depth: Depth) -> Example:
    if not read.passed:
        raise MoleculeError(read.reason or _unfit(read, depth), outcome=read.outcome)
    assert not isinstance(molecule.passes, MoleculeError)
    draft = Draft(read.name, read.bases, read.qualities, read.tags)
    zmw = align_zmw(Zmw(draft, molecule.passes))
    if not zmw.passes:
        raise MoleculeError(f"{read.name}: no pass aligns to its polished read", outcome=Outcome.NO_ALIGNED_PASS)
    length = len(read.bases)
    alignment = Alignment(0, np.array([cigar.EQUAL], np.uint8), np.array([length], np.int32))
    return Example(zmw, Truth(read.name, read.name, 0, length, TRAIN, read.bases, alignment))


def _unfit(read: PolishedRead, depth: Depth) -> str:
    if read.outcome is not Outcome.FAILED_QUALITY_FILTER:
        return f"{read.name}: {read.outcome.meaning}"
    quality = mean_quality(read.qualities)
    return f"{read.name}: predicted quality of its read is Q{quality:.1f}, below Q{depth.min_quality:g}"


def _masked(examples: Sequence[Example]) -> Iterator[Example]:
    """The examples, their truth N where it is unsure or the other molecules of the locus agree on something else."""
    reads = [example.truth.bases for example in examples]
    others: dict[int, list[int]] = {}
    for locus in same_locus(reads):
        others.update((one, [other for other in locus if other != one]) for one in locus)
    for number, example in enumerate(examples):
        wrong = _unsure(example.zmw.draft) | disputed(example.zmw, [reads[other] for other in others[number]])
        bases = np.where(wrong, np.uint8(N), example.truth.bases)
        yield replace(example, truth=replace(example.truth, bases=bases))


def _unsure(read: Draft) -> NDArray[np.bool_]:
    """Bases ``bool[n]`` in homopolymers of which a base has a low quality."""
    assert read.qualities is not None
    homopolymers = find_homopolymers(read.bases)
    lowest = np.minimum.reduceat(read.qualities, homopolymers.start)
    return np.repeat(lowest < SURE, homopolymers.length)
