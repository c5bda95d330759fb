"""Which tags of a draft its polished read keeps.

Sources: PacBio BAM format, sections "Use of read tags for per-read information" and "... for per-base information"; SAM
tags specification, section 1.1 (``XS``: bwa); minimap2(1), section "Output format"; README of pbmm2.
"""

from deepconsensus_py.hifi.kinetics import KINETICS_TAGS
from deepconsensus_py.pacbio.bam_tags import Tags
from deepconsensus_py.pacbio.molecule import Draft

MODIFICATIONS = ("MM", "ML", "Mm", "Ml", "MN")
"""Base modifications, which are written anew (``hifi.modifications``)."""

PER_BASE_TAGS = frozenset(("sa", "sm", "sx", "wl", "qs", "qe", "OQ", "BQ"))
"""Other per-base tags and those that depend on the length, which do not fit the polished bases. Kinetics do not either,
and are written anew."""

CLIPPED_TAGS = frozenset(("bl", "bt", "ql", "qt", "bx", "ls"))
"""What was cut off the ends of the draft, and how much: true only of a read of the same length."""

_OF_SAM = ("AM AS CC CG CM CP H0 H1 H2 HI IH MC MD MQ NH NM OA OC OP PQ Q2 R2 S2 SA SM TS U2 UQ", "XS")
_OF_MINIMAP2 = ("cg cm cs de dv ms nn rl s1 s2 tp ts zd",)
_OF_PBMM2 = ("mc mg mi rm",)

ALIGNMENT_TAGS = frozenset(" ".join((*_OF_SAM, *_OF_MINIMAP2, *_OF_PBMM2)).split())
"""Tags of an alignment of the draft, which the polished read does not have."""


def kept_tags(draft: Draft, length: int) -> Tags:
    """The tags of a draft that are true of its polished read as well; ``rq`` is not.

    Args:
        draft: the draft.
        length: bases of the read.
    """
    dropped = KINETICS_TAGS | PER_BASE_TAGS | ALIGNMENT_TAGS | {"rq", *MODIFICATIONS}
    if length != len(draft.bases):
        dropped |= CLIPPED_TAGS
    return tuple(entry for entry in draft.tags if entry[0] not in dropped)
