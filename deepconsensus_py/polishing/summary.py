"""What the reports say of a ZMW: of its subreads, and of the polished read."""

from collections.abc import Iterator, Sequence
from math import log10

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.hifi.modifications import COUNTS as MODIFICATION_COUNTS
from deepconsensus_py.pacbio.molecule import Draft, Pass, count_full
from deepconsensus_py.pacbio.names import subread_span
from deepconsensus_py.pacbio.zmws import Fault, Molecule
from deepconsensus_py.polishing.kinetics import KINETICS_COUNTS
from deepconsensus_py.polishing.qualities import mean_quality
from deepconsensus_py.polishing.read import BARCODES_DIFFER, TANDEM_REPEATS, PolishedRead
from deepconsensus_py.polishing.strands import HETERODUPLEXES
from deepconsensus_py.reports.zmw import UNKNOWN, ZmwFacts, ZmwResult

_OWN = ("hifi_bases_q30", "homopolymers", "homopolymers_edited")
"""Counts that are made here: of bases of quality 30 or better in HiFi reads; of homopolymers, of one base or more, in
the drafts of polished reads, and of those among them that the read has changed."""

COUNTED = (*KINETICS_COUNTS, *MODIFICATION_COUNTS, BARCODES_DIFFER, TANDEM_REPEATS, HETERODUPLEXES, *_OWN)
"""Names of the counts that ``summary`` adds to those of the table of ZMWs."""

HIFI, HIGH = 20, 30
"""Qualities of a HiFi read and of a base that counts as good, Phred."""


def facts(molecule: Molecule) -> ZmwFacts:
    """What the subreads of a ZMW say of it; nothing if they could not be read."""
    passes = () if isinstance(molecule, Fault) or isinstance(molecule.passes, Exception) else molecule.passes
    if not passes:
        return ZmwFacts()
    spans = [subread_span(p.name) for p in passes]
    return ZmwFacts(
        full_passes=count_full(passes),
        median_length=_median_length(passes),
        polymerase_length=max(end for _, end in spans) - min(start for start, _ in spans),
        wall_start=min(_numbers(passes, "ws"), default=0),
        wall_end=max(_numbers(passes, "we"), default=0),
    )


def _median_length(passes: Sequence[Pass]) -> int:
    """Bases of the full pass of median length, the lower of two middle ones; of all passes if none is full."""
    lengths = sorted(len(p.bases) for p in passes if p.is_full) or sorted(len(p.bases) for p in passes)
    return lengths[(len(lengths) - 1) // 2]


def _numbers(passes: Sequence[Pass], tag: str) -> Iterator[int]:
    yield from (value for p in passes for name, value, _ in p.tags if name == tag and isinstance(value, int))


def summary(read: PolishedRead) -> ZmwResult:
    """A polished read, or the reason why there is none, as the reports show it."""
    draft, called = read.draft, len(read.bases) > 0
    used, coverage = draft.tag("np"), draft.tag("ec")
    quality = mean_quality(read.qualities) if called else None
    return ZmwResult(
        name=read.name,
        outcome=read.outcome,
        reason=read.reason,
        passes=read.passes,
        draft_passes=used,
        full_passes=used if called and isinstance(used, int) else read.facts.full_passes,
        length_before=len(draft.bases),
        length_after=len(read.bases) if called else None,
        quality_before=draft_quality(draft),
        quality_after=quality,
        consensus=is_consensus(draft),
        coverage=coverage if isinstance(coverage, float) else UNKNOWN,
        accuracy=UNKNOWN if quality is None else 1 - 10 ** (-quality / 10),
        windows=read.windows,
        corrected=read.corrected,
        tandem_repeat=TANDEM_REPEATS in read.counts,
        counts={**read.counts, **_counts(read, quality)},
        facts=read.facts,
        hd_sites=read.hd_sites,
        last=read.last,
    )


def _counts(read: PolishedRead, quality: float | None) -> dict[str, int]:
    if quality is None:
        return {}
    homopolymers, edited = edited_homopolymers(read.draft.bases, read.bases, read.draft_index)
    hifi = read.passed and round(quality, 5) >= HIFI
    good = int((read.qualities >= HIGH).sum()) if hifi else 0
    return dict(zip(_OWN, (good, homopolymers, edited), strict=True))


def edited_homopolymers(
    draft: NDArray[np.uint8], bases: NDArray[np.uint8], draft_index: NDArray[np.int32]
) -> tuple[int, int]:
    """Number of homopolymers of a draft, of one base or more, and of those that a read of it has changed.

    Args:
        draft: ``uint8[n]`` base codes.
        bases: ``uint8[m]`` those of the read.
        draft_index: ``int32[m]`` position of each in the draft, -1 for an inserted one.
    """
    if len(draft) == 0:
        return 0, 0
    homopolymer = np.cumsum(np.diff(draft, prepend=draft[:1]) != 0)
    lengths = np.bincount(homopolymer)
    inserted = draft_index < 0
    kept = draft_index[~inserted]
    same = kept[bases[~inserted] == draft[kept]]
    changed = np.bincount(homopolymer[same], minlength=len(lengths)) != lengths
    number, ends = np.cumsum(~inserted)[inserted], np.concatenate(([-1], kept, [len(draft)]))
    before, behind = ends[number], ends[number + 1]
    # Where draft bases are missing as well, they were replaced, and have been counted.
    extra = behind - before == 1
    before, behind, added = before[extra], behind[extra], bases[inserted][extra]
    # An added base belongs to the homopolymer behind it if it has its base, else to the one before it.
    joins = (before < 0) | (draft[np.minimum(behind, len(draft) - 1)] == added) & (behind < len(draft))
    changed[homopolymer[np.where(joins, behind, before)]] = True
    return len(lengths), int(changed.sum())


def is_consensus(draft: Draft) -> bool:
    """Whether a draft is a consensus: ccs writes ``rq`` -1 for reads that it has not polished."""
    accuracy = draft.tag("rq")
    return not (isinstance(accuracy, float) and accuracy < 0)


def draft_quality(draft: Draft) -> float | None:
    """Predicted quality of a draft (Phred), from its base qualities or else its tag ``rq``; None without either."""
    if draft.qualities is not None and len(draft.qualities):
        return mean_quality(draft.qualities)
    accuracy = draft.tag("rq")
    # ccs writes rq -1 where it has no estimate.
    known = isinstance(accuracy, float) and 0 <= accuracy < 1
    return -10 * log10(1 - accuracy) if known else None
