"""What the reports say of one ZMW: names and numbers, without its bases."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from deepconsensus_py.reports.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class ZmwResult:
    """One ZMW as the reports show it.

    Attributes:
        name: of its draft.
        outcome: its outcome.
        reason: why it could not be processed; else empty.
        passes: subreads that align to the draft.
        full_passes: the draft's tag ``np``, or None.
        length_before: bases of the draft.
        length_after: bases of the polished read; None if there is none.
        quality_before: predicted quality of the draft, Phred; None if unknown.
        quality_after: predicted quality of the polished read, Phred; None if there is none.
        consensus: whether the draft is a consensus, not a subread that stands for one.
        windows: items that the model divided the ZMW into.
        corrected: items that the model was run on.
        counts: further numbers that the report adds up, by name.
    """

    name: str
    outcome: Outcome
    reason: str = ""
    passes: int = 0
    full_passes: object = None
    length_before: int = 0
    length_after: int | None = None
    quality_before: float | None = None
    quality_after: float | None = None
    consensus: bool = True
    windows: int = 0
    corrected: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether the read was polished and passed all filters."""
        return self.outcome is Outcome.SUCCESS
