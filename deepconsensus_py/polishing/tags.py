"""Which of the draft's BAM tags a polished read keeps.

Source: PacBio BAM format, sections "Use of read tags for per-read information" and "… for per-base information".
"""

from typing import Any

from deepconsensus_py.polishing.qualities import read_accuracy
from deepconsensus_py.polishing.read import PolishedRead

PER_BASE_TAGS = frozenset(
    ("fi", "fp", "ri", "rp", "ip", "pw", "sa", "sm", "sx", "MM", "ML", "MN", "Mm", "Ml", "wl", "qs", "qe")
)
"""Tags that speak of single bases or of the length: the polished read's bases are others than the draft's."""


def polished_tags(read: PolishedRead) -> tuple[tuple[str, Any, str], ...]:
    """The draft's per-read tags in their order, with ``rq`` computed from the read's own qualities."""
    own = ("rq", read_accuracy(read.qualities), "f")
    kept = [own if tag == "rq" else (tag, value, code) for tag, value, code in read.draft.tags]
    if read.draft.tag("rq") is None:
        kept.append(own)
    return tuple(entry for entry in kept if entry[0] not in PER_BASE_TAGS)
