"""BAM tags of a CCS read that follow from its passes: those that ``ccs`` writes.

Sources: PacBio BAM format, sections "Use of read tags for per-read information" and "Local context flags"; output of
``ccs`` 6.2 for what they do not say.
"""

from array import array
from collections.abc import Sequence
from dataclasses import replace

from deepconsensus_py.align.cigar import ON_DRAFT
from deepconsensus_py.align.zmw_filter import is_usable, median_length
from deepconsensus_py.pacbio.bam_tags import Tags, in_order
from deepconsensus_py.pacbio.molecule import Draft, Pass, Zmw, count_full

_BEFORE, _AFTER = 1, 2
_BAD_BEFORE, _BAD_AFTER = 64, 128
"""Bits of the tag ``cx``."""

_MISSING_LEFT, _MISSING_RIGHT = 1, 2
"""Bits of the tag ``ma``."""

_INT32 = 2**31 - 1


def with_pass_tags(zmw: Zmw) -> Draft:
    """The draft with the tags of its passes that it lacks, such as one from FASTQ or one just built.

    Args:
        zmw: a ZMW with aligned passes; its draft is returned unchanged if there are none.
    """
    present = {tag for tag, _, _ in zmw.draft.tags}
    # A barcode and its quality belong together.
    present |= {"bc", "bq"} if "bc" in present else set()
    present |= {"ac", "ma"} if "ac" in present else set()
    found = pass_tags(len(zmw.draft.bases), zmw.passes) if zmw.passes else ()
    missing = (entry for entry in found if entry[0] not in present)
    return replace(zmw.draft, tags=in_order((*zmw.draft.tags, *missing)))


def pass_tags(length: int, passes: Sequence[Pass]) -> Tags:
    """Tags ``np ec``, and ``ac ma bc bq sn ws we`` where the passes tell them.

    As in ``ccs``, full passes that are not of about the median length do not count: they passed an adapter unseen.

    Args:
        length: bases of the draft.
        passes: aligned to it; at least one.
    """
    passes = _used(passes)
    return (
        ("np", count_full(passes), "i"),
        ("ec", sum(map(_span, passes)) / max(1, length), "f"),
        *_adapters(passes),
        *barcodes(passes),
        *snr_tag(passes),
        *_times(passes),
    )


def _used(passes: Sequence[Pass]) -> Sequence[Pass]:
    middle = median_length(passes)
    return [p for p in passes if not p.is_full or is_usable(p, middle)]


def _span(p: Pass) -> int:
    """Draft bases from the first to the last aligned one."""
    return 0 if p.alignment is None else int(p.alignment.lengths @ ON_DRAFT[p.alignment.operations])


def _adapters(passes: Sequence[Pass]) -> Tags:
    """Adapters and bad adapters seen left and right of the draft, and on which sides there are bad ones only."""
    contexts = [(p.tag("cx"), p.reverse) for p in passes if p.tag("cx") is not None]
    if not contexts:
        return ()
    counts = [0, 0, 0, 0]
    for context, reverse in contexts:
        for place, (before, after) in enumerate(((_BEFORE, _AFTER), (_BAD_BEFORE, _BAD_AFTER))):
            left, right = (after, before) if reverse else (before, after)
            counts[place] += bool(context & left)
            counts[place + 2] += bool(context & right)
    good_left, bad_left, good_right, bad_right = counts
    missing = _MISSING_LEFT * (bad_left > 0 and not good_left) + _MISSING_RIGHT * (bad_right > 0 and not good_right)
    return ("ac", array("i", counts), "B"), ("ma", missing, "C")


def barcodes(passes: Sequence[Pass]) -> Tags:
    """The barcode pair that all passes agree on, with the mean of its qualities; nothing if they do not."""
    pairs = {_pair(p) for p in passes}
    if len(pairs) != 1 or None in pairs:
        return ()
    qualities = [quality for p in passes if isinstance(quality := p.tag("bq"), int)]
    mean = (("bq", round(sum(qualities) / len(qualities)), "i"),) if qualities else ()
    return ("bc", array("H", pairs.pop() or ()), "B"), *mean


def has_several_barcodes(passes: Sequence[Pass]) -> bool:
    """Whether passes have barcodes, but not all of them the same pair."""
    return any(map(_pair, passes)) and not barcodes(passes)


def _pair(p: Pass) -> tuple[int, ...] | None:
    """The numbers of a pass's two barcodes; other programs have other things in a tag of this name."""
    value = p.tag("bc")
    return tuple(value) if isinstance(value, array) and value.typecode == "H" and len(value) == 2 else None


def snr_tag(passes: Sequence[Pass]) -> Tags:
    """The signal-to-noise ratios of A, C, G and T, which all passes have in common."""
    snr = next((p.snr for p in passes if p.snr is not None), None)
    return () if snr is None else (("sn", array("f", snr.tobytes()), "B"),)


def _times(passes: Sequence[Pass]) -> Tags:
    """When the first pass began, and the last one ended."""
    times = (("ws", passes[0].tag("ws")), ("we", passes[-1].tag("we")))
    return tuple((tag, time, "i" if time <= _INT32 else "I") for tag, time in times if isinstance(time, int))
