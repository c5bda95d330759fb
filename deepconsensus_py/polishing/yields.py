"""Yields: reads and bases of at least some predicted read qualities, before polishing and after."""

from math import log10

from deepconsensus_py.pacbio.molecule import Draft
from deepconsensus_py.polishing.qualities import mean_quality
from deepconsensus_py.polishing.read import PolishedRead

YIELD_QUALITIES = (20, 30, 40)
"""Phred."""

YIELDS = tuple(
    f"{what}_q{q}_{when}" for q in YIELD_QUALITIES for when in ("before", "after") for what in ("reads", "bases")
)
"""Names of the counts: ``reads_q20_before`` of drafts, ``bases_q40_after`` of polished reads that were written."""


def yields(read: PolishedRead) -> dict[str, int]:
    """What one molecule adds to the counts ``YIELDS``."""
    before = draft_quality(read.draft) if is_consensus(read.draft) else None
    after = mean_quality(read.qualities) if read.passed else None
    found: dict[str, int] = {}
    for quality in YIELD_QUALITIES:
        for when, own, bases in (("before", before, read.draft.bases), ("after", after, read.bases)):
            # Five decimals, as the filter: a logarithm's last bit does not decide.
            enough = own is not None and round(own, 5) >= quality
            found |= {f"reads_q{quality}_{when}": int(enough), f"bases_q{quality}_{when}": len(bases) * enough}
    return found


def is_consensus(draft: Draft) -> bool:
    """Whether a draft has a quality: ccs writes ``rq`` -1 for what it has not polished."""
    accuracy = draft.tag("rq")
    return not (isinstance(accuracy, float) and accuracy < 0)


def draft_quality(draft: Draft) -> float | None:
    """Predicted quality of a draft (Phred): from its base qualities, else from its tag ``rq``, else None."""
    if draft.qualities is not None and len(draft.qualities):
        return mean_quality(draft.qualities)
    accuracy = draft.tag("rq")
    # ccs writes rq -1 where it has no estimate.
    known = isinstance(accuracy, float) and 0 <= accuracy < 1
    return -10 * log10(1 - accuracy) if known else None
