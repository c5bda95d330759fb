"""Correction of HiFi reads by each other: overlaps, haplotypes, and the engine that polishes reads with passes."""

import logging
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align.zmw_filter import ZmwFilter
from deepconsensus_py.hifi.modifications import carried_modifications
from deepconsensus_py.options import AUTO
from deepconsensus_py.overlaps.coverage import MIN_COVERAGE, coverage, within
from deepconsensus_py.overlaps.haplotypes import of_same_haplotype
from deepconsensus_py.overlaps.neighbours import Copy, as_passes
from deepconsensus_py.overlaps.overlap import Overlap, find_overlaps
from deepconsensus_py.overlaps.qualities import QualityMap, found_errors
from deepconsensus_py.pacbio.molecule import Draft, Zmw
from deepconsensus_py.polishing.engine import PolishSettings, polish
from deepconsensus_py.polishing.filters import ReadFilter
from deepconsensus_py.polishing.kinetics import unpolished_kinetics
from deepconsensus_py.polishing.read import PolishedRead
from deepconsensus_py.reports.outcomes import Outcome

log = logging.getLogger(__name__)

ROUNDS = 3
"""Each time, reads are corrected by copies of the others that have fewer errors."""

MODEL = "pairhmm"
"""Its error rates follow the reads; the networks were trained on subreads."""

COVERAGE_TAG, EDITS_TAG = "hc", "he"
"""Mean number of reads of the haplotype that cover the bases of a read, itself included; bases replaced, inserted and
deleted. PacBio's programs, samtools and minimap2 have no tags of these names."""

COUNTS = ("reads_alone", "reads_edited", "reads_not_corrected")
"""Names of counts: of reads that too few others of their haplotype overlap with to correct any base; of those with
other bases than before; of those that the model failed on."""


def correct_reads(
    reads: Sequence[Draft],
    *,
    rounds: int = ROUNDS,
    min_coverage: int = MIN_COVERAGE,
    model: str = MODEL,
    qualities: QualityMap | None = None,
    threads: int = 1,
) -> Iterator[PolishedRead]:
    """Correct reads by those that overlap with them and are of the same haplotype.

    Where fewer than ``min_coverage`` of these, the read included, cover a read, its bases and base qualities stay.

    Args:
        reads: HiFi reads, all of a genome or of a part of it.
        rounds: how often; from the second time on, each read is corrected by corrected copies of the others.
        min_coverage: fewest reads.
        model: name or file of a model.
        qualities: of bases, from those of the model; None are the fitted ones (``overlaps.qualities``).
        threads: CPU cores.

    Yields:
        One for every read, in order. One that the model failed on is as it was given, with the reason.

    Raises:
        ModelError: the model is unknown or unreadable.
    """
    overlaps = find_overlaps([read.bases for read in reads])
    log.info("%d overlaps of %d reads", sum(map(len, overlaps)) // 2, len(reads))
    yield from correct_overlapping(
        reads,
        overlaps,
        rounds=rounds,
        min_coverage=min_coverage,
        model=model,
        qualities=qualities,
        threads=threads,
    )


def correct_overlapping(
    reads: Sequence[Draft],
    overlaps: Sequence[Sequence[Overlap]],
    steps: NDArray[np.int8] | None = None,
    *,
    rounds: int = ROUNDS,
    min_coverage: int = MIN_COVERAGE,
    model: str = MODEL,
    qualities: QualityMap | None = None,
    threads: int = 1,
) -> Iterator[PolishedRead]:
    """Correct the reads of a part of a genome, whose overlaps are known.

    A read that is corrected in one round needs those that it overlaps with as they are after the round before. So the
    reads that are asked for come out the same, whatever other reads there are, if all that are no more than ``rounds``
    steps away are among them: neighbours, their neighbours, and so on.

    Args:
        reads: HiFi reads.
        overlaps: of each read that is less than ``rounds`` steps away.
        steps: ``int8[n]`` how far each read is from those that are asked for, which have 0; None asks for all.
        rounds: how often; the last one is for the reads with 0 alone, the one before for those with 1 too.
        min_coverage: fewest reads.
        model: name or file of a model.
        qualities: of bases, from those of the model; None are the fitted ones (``overlaps.qualities``).
        threads: CPU cores.

    Yields:
        The reads that are asked for, in order; see ``correct_reads``.

    Raises:
        ModelError: the model is unknown or unreadable.
    """
    steps = np.zeros(len(reads), np.int8) if steps is None else steps
    copies, fitted = [Copy.of(read.bases) for read in reads], qualities or found_errors().qualities
    for left in range(rounds)[::-1]:
        numbers = np.flatnonzero(steps <= left).tolist()
        # Tags are of no use before the last round, and would be carried to new bases in each.
        own = ((reads[number] if not left else replace(reads[number], tags=())) for number in numbers)
        piles = _piles(own, (overlaps[number] for number in numbers), copies, min_coverage)
        polished = (_with_facts(_kept(read, pile, fitted), pile) for read, pile in _polished(piles, model, threads))
        log.info("round %d of %d: %d reads", rounds - left, rounds, len(numbers))
        if left:
            corrected = [_copy(read) for read in polished]
            for number, copy in zip(numbers, corrected, strict=True):
                copies[number] = copy
        else:
            yield from polished


@dataclass(frozen=True, slots=True, eq=False)
class _Pile:
    """A read with its neighbours.

    Attributes:
        zmw: the read, and they as its passes.
        depth: mean number of reads of the haplotype, itself included, that cover its bases.
        used: ``int64[n]`` how many cover each; 0 where these are too few.
    """

    zmw: Zmw
    depth: float
    used: NDArray[np.int64]


def _piles(
    reads: Iterable[Draft], overlaps: Iterable[Sequence[Overlap]], copies: Sequence[Copy], min_coverage: int
) -> Iterator[_Pile]:
    for read, own in zip(reads, overlaps, strict=True):
        passes = of_same_haplotype(read, as_passes(read, own, copies))
        depths = coverage(passes, len(read.bases))
        used = np.where(depths >= min_coverage, depths, 0)
        itself, *others = passes
        zmw = Zmw(read, (itself, *(part for other in others for part in within(other, used > 0))))
        yield _Pile(zmw, float(depths.mean()), used)


def _polished(piles: Iterable[_Pile], model: str, threads: int) -> Iterator[tuple[PolishedRead, _Pile]]:
    """The reads with their piles, in order; those without neighbours as they are."""
    waiting = deque[_Pile]()
    settings = PolishSettings(filter=ReadFilter(0, 0))
    every = ZmwFilter(min_passes=0, min_snr=0, top_passes=0)
    reads = polish(_with_neighbours(piles, waiting), model=model, threads=threads, settings=settings, zmw_filter=every)
    for read in reads:
        while len(waiting[0].zmw.passes) == 1:
            yield _alone(waiting.popleft())
        yield read, waiting.popleft()
    yield from map(_alone, waiting)


def _with_neighbours(piles: Iterable[_Pile], waiting: deque[_Pile]) -> Iterator[Zmw]:
    """Those with neighbours; all are put down as waiting."""
    for pile in piles:
        waiting.append(pile)
        if len(pile.zmw.passes) > 1:
            yield pile.zmw


def _alone(pile: _Pile) -> tuple[PolishedRead, _Pile]:
    return PolishedRead(pile.zmw.draft, Outcome.SUCCESS, passes=1), pile


def _kept(read: PolishedRead, pile: _Pile, qualities: QualityMap) -> PolishedRead:
    """The read with its base qualities: those that it had where too few reads cover it."""
    draft = read.draft
    if not len(read.bases):
        return _as_given(read)
    at = read.draft_index
    # An inserted base is covered as the one before it.
    used = pile.used[np.maximum.accumulate(np.maximum(at, 0))]
    fitted = qualities(read.bases, read.qualities, used)
    if draft.qualities is not None:
        fitted = np.where((at >= 0) & (used == 0), draft.qualities[at], fitted)
    return replace(read, qualities=fitted)


def _with_facts(read: PolishedRead, pile: _Pile) -> PolishedRead:
    """The read with tags and counts that say what was done."""
    edits = count_edits(read.draft.bases, read.bases, read.draft_index) if len(read.bases) else 0
    own = ((COVERAGE_TAG, pile.depth, "f"), (EDITS_TAG, edits, "i"))
    alone, reason = len(pile.zmw.passes) == 1, bool(read.reason)
    counts = zip(COUNTS, (int(alone), int(edits > 0), int(reason)), strict=True)
    return replace(read, base_tags=(*read.base_tags, *own), counts={**read.counts, **dict(counts)})


def count_edits(draft: NDArray[np.uint8], bases: NDArray[np.uint8], draft_index: NDArray[np.int32]) -> int:
    """Bases that were replaced, inserted and deleted.

    Args:
        draft: ``uint8[n]`` base codes.
        bases: ``uint8[m]`` those of the read.
        draft_index: ``int32[m]`` position of each in the draft, -1 for an inserted one.
    """
    kept = draft_index >= 0
    at = draft_index[kept]
    return int((~kept).sum() + len(draft) - len(at) + (draft[at] != bases[kept]).sum())


def _as_given(read: PolishedRead) -> PolishedRead:
    draft = read.draft
    index = np.arange(len(draft.bases), dtype=np.int32)
    tags = (*unpolished_kinetics(draft, AUTO), *carried_modifications(draft, draft.bases, index).tags)
    qualities = np.zeros(len(index), np.uint8) if draft.qualities is None else draft.qualities
    return replace(
        read, outcome=Outcome.SUCCESS, bases=draft.bases, qualities=qualities, draft_index=index, base_tags=tags
    )


def _copy(read: PolishedRead) -> Copy:
    return Copy(read.bases, read.draft_index)
