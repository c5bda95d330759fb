"""What can become of a molecule: each one ends in exactly one outcome of the report."""

from enum import StrEnum, auto

MIN_FULL_PASSES = 3
"""Full passes that a molecule needs unless others are asked for, as with ``ccs``."""


class Outcome(StrEnum):
    """The rows of the report, in lower case; the first five are the original's, in the order of its tests."""

    EMPTY_SEQUENCE = auto()
    ONLY_GAPS = auto()
    FAILED_QUALITY_FILTER = auto()
    FAILED_LENGTH_FILTER = auto()
    SUCCESS = auto()
    NO_DRAFT = auto()
    NO_SUBREADS = auto()
    NO_ALIGNED_PASS = auto()
    TOO_FEW_PASSES = auto()
    MISSING_KINETICS = auto()
    ERROR = auto()

    @property
    def meaning(self) -> str:
        """One line for the report."""
        return _MEANING[self]


_MEANING = {
    Outcome.EMPTY_SEQUENCE: "a part of the draft is missing from the encoded windows",
    Outcome.ONLY_GAPS: "the model called no base",
    Outcome.FAILED_QUALITY_FILTER: "the predicted read quality is below --min-quality",
    Outcome.FAILED_LENGTH_FILTER: "the polished read is shorter than --min-length",
    Outcome.SUCCESS: "polished and written",
    Outcome.NO_DRAFT: "the CCS files have no read of this molecule",
    Outcome.NO_SUBREADS: "the subreads file has no pass of this molecule",
    Outcome.NO_ALIGNED_PASS: "no pass aligns to the draft",
    Outcome.TOO_FEW_PASSES: "fewer full passes than --min-passes, or a draft that is not a consensus (rq below 0)",
    Outcome.MISSING_KINETICS: "passes without the pulse widths or durations that the model needs",
    Outcome.ERROR: "the molecule's records are faulty; see the reason",
}
