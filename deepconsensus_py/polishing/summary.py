"""What the reports say of a polished read."""

from math import log10

from deepconsensus_py.hifi.modifications import COUNTS as MODIFICATION_COUNTS
from deepconsensus_py.pacbio.molecule import Draft
from deepconsensus_py.polishing.kinetics import KINETICS_COUNTS
from deepconsensus_py.polishing.qualities import mean_quality
from deepconsensus_py.polishing.read import BARCODES_DIFFER, PolishedRead
from deepconsensus_py.reports.zmw import ZmwResult

COUNTED = (*KINETICS_COUNTS, *MODIFICATION_COUNTS, BARCODES_DIFFER)
"""Names of the counts that ``summary`` adds to those of the table of ZMWs."""


def summary(read: PolishedRead) -> ZmwResult:
    """A polished read, or the reason why there is none, as the reports show it."""
    draft, called = read.draft, len(read.bases) > 0
    return ZmwResult(
        name=read.name,
        outcome=read.outcome,
        reason=read.reason,
        passes=read.passes,
        full_passes=draft.tag("np"),
        length_before=len(draft.bases),
        length_after=len(read.bases) if called else None,
        quality_before=draft_quality(draft),
        quality_after=mean_quality(read.qualities) if called else None,
        consensus=is_consensus(draft),
        windows=read.windows,
        corrected=read.corrected,
        counts=read.counts,
    )


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
