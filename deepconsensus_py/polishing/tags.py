"""Which of the draft's BAM tags a polished read keeps.

Source: PacBio BAM format, sections "Use of read tags for per-read information" and "… for per-base information".
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align.draft import UNPOLISHED
from deepconsensus_py.pacbio.molecule import Draft
from deepconsensus_py.polishing.qualities import read_accuracy

KINETICS = ("fi", "fp", "ri", "rp", "ip", "pw")
MODIFICATIONS = ("MM", "ML", "Mm", "Ml")

PER_BASE_TAGS = frozenset((*KINETICS, "fn", "rn", *MODIFICATIONS, "MN", "sa", "sm", "sx", "wl", "qs", "qe", "OQ", "BQ"))
"""Tags of single bases or of the length: the polished read's bases are not the draft's. ``fn`` and ``rn`` count the
passes of the kinetics."""

_OF_SAM = ("AM AS CC CG CM CP H0 H1 H2 HI IH MC MD MQ NH NM OA OC OP PQ Q2 R2 S2 SA SM TS U2 UQ", "XS")
_OF_MINIMAP2 = ("cg cm cs de dv ms nn rl s1 s2 tp ts zd",)
_OF_PBMM2 = ("mc mg mi rm",)

ALIGNMENT_TAGS = frozenset(" ".join((*_OF_SAM, *_OF_MINIMAP2, *_OF_PBMM2)).split())
"""Tags of a draft's alignment to something, which the polished read no longer has. Sources: SAM tags specification,
section 1.1 (``XS``: bwa); minimap2(1), section "Output format"; README of pbmm2."""

DROPPED = {"kinetics_dropped": KINETICS, "modifications_dropped": MODIFICATIONS}
"""Counts of a report, and the tags that are meant."""

_LEFT_OUT = PER_BASE_TAGS | ALIGNMENT_TAGS


def polished_tags(draft: Draft, qualities: NDArray[np.uint8]) -> tuple[tuple[str, Any, str], ...]:
    """The draft's per-read tags in their order, with ``rq`` computed from the read's own qualities ``uint8[n]``."""
    own = ("rq", read_accuracy(qualities), "f")
    kept = [own if tag == "rq" else (tag, value, code) for tag, value, code in draft.tags if tag not in _LEFT_OUT]
    if draft.tag("rq") is None:
        kept.append(own)
    return tuple(kept)


def unpolished_tags(draft: Draft) -> tuple[tuple[str, Any, str], ...]:
    """The tags of a draft that is written as it is: all but those of an alignment, with ``rq`` -1: no HiFi read."""
    return (*(entry for entry in draft.tags if entry[0] not in {"rq", *ALIGNMENT_TAGS}), ("rq", UNPOLISHED, "f"))


def dropped(draft: Draft) -> dict[str, int]:
    """1 for each kind of per-base information of a draft that its polished read has not, by the names ``DROPPED``."""
    present = {tag for tag, _, _ in draft.tags}
    return {name: int(not present.isdisjoint(tags)) for name, tags in DROPPED.items()}
