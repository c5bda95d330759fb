"""What the reports say of one ZMW: names and numbers, without its bases."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from deepconsensus_py.pacbio.names import parse_ccs
from deepconsensus_py.reports.outcomes import Outcome

UNKNOWN = -1.0
"""Coverage and accuracy that are not known, as in the metrics of ``ccs``."""


@dataclass(frozen=True, slots=True)
class ZmwFacts:
    """What the subreads of a ZMW say of it, whether it is polished or not.

    Attributes:
        full_passes: number of full passes.
        median_length: bases of the full pass of median length, or of the subread where there are no full passes.
        polymerase_length: bases from the start of the first subread to the end of the last, adapters included.
        wall_start: when the first subread began (tag ``ws``), in frames since the start of the movie; 0 if unknown.
        wall_end: when the last subread ended (tag ``we``).
    """

    full_passes: int = 0
    median_length: int = 0
    polymerase_length: int = 0
    wall_start: int = 0
    wall_end: int = 0


@dataclass(frozen=True, slots=True)
class ZmwResult:
    """One ZMW, or one of its strands, as the reports show it.

    Attributes:
        name: of its draft.
        outcome: its outcome.
        reason: why it could not be processed; else empty.
        passes: subreads that align to the draft.
        draft_passes: the draft's tag ``np``, or None.
        full_passes: full passes that were used, or that there are if the ZMW was not polished.
        length_before: bases of the draft.
        length_after: bases of the polished read; None if there is none.
        quality_before: predicted quality of the draft, Phred; None if unknown.
        quality_after: predicted quality of the polished read, Phred; None if there is none.
        consensus: whether the draft is a consensus, not a subread that stands for one.
        coverage: mean coverage of the draft by passes (tag ``ec``).
        accuracy: predicted accuracy of the polished read (tag ``rq``).
        windows: items that the model divided the ZMW into.
        corrected: items that the model was run on.
        tandem_repeat: whether the draft has a long tandem repeat.
        counts: further numbers that the report adds up, by name.
        facts: what its subreads say.
        hd_sites: positions at which the strands differ; None if nobody looked.
        last: whether no other read of the ZMW follows.
    """

    name: str
    outcome: Outcome
    reason: str = ""
    passes: int = 0
    draft_passes: object = None
    full_passes: int = 0
    length_before: int = 0
    length_after: int | None = None
    quality_before: float | None = None
    quality_after: float | None = None
    consensus: bool = True
    coverage: float = UNKNOWN
    accuracy: float = UNKNOWN
    windows: int = 0
    corrected: int = 0
    tandem_repeat: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    facts: ZmwFacts = field(default_factory=ZmwFacts)
    hd_sites: int | None = None
    last: bool = True

    @property
    def passed(self) -> bool:
        """Whether the read was polished and passed all filters."""
        return self.outcome is Outcome.SUCCESS

    @property
    def zmw(self) -> str:
        """``movie/zmw``; by strand ``movie/zmw/fwd`` or ``/rev``."""
        molecule = parse_ccs(self.name)
        if molecule is None:
            return self.name
        return f"{molecule.zmw}/{molecule.strand.value}" if molecule.strand else str(molecule)

    @property
    def insert_size(self) -> int:
        """Bases of the polished read, else of the draft, else of the subread of median length."""
        return self.length_after or self.length_before or self.facts.median_length
