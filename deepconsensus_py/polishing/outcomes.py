"""Outcomes of a ZMW; every ZMW has exactly one in the report."""

from enum import StrEnum, auto

MIN_FULL_PASSES = 3
"""Default minimum number of full passes, as in ``ccs``."""


class Outcome(StrEnum):
    """The rows of the report, in lower case; the first five are those of DeepConsensus, in the order it tests them."""

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
    def filtered(self) -> bool:
        """Whether there is a polished read that a filter drops."""
        return self in {Outcome.FAILED_QUALITY_FILTER, Outcome.FAILED_LENGTH_FILTER}

    @property
    def meaning(self) -> str:
        """A short description for the report."""
        return _MEANING[self]


_MEANING = {
    Outcome.EMPTY_SEQUENCE: "incomplete features: the windows do not cover the whole draft",
    Outcome.ONLY_GAPS: "empty consensus",
    Outcome.FAILED_QUALITY_FILTER: "predicted read quality below --min-quality",
    Outcome.FAILED_LENGTH_FILTER: "polished read shorter than --min-length",
    Outcome.SUCCESS: "polished and written",
    Outcome.NO_DRAFT: "no CCS read for this ZMW",
    Outcome.NO_SUBREADS: "no subreads for this ZMW",
    Outcome.NO_ALIGNED_PASS: "no subread aligns to the draft",
    Outcome.TOO_FEW_PASSES: "fewer full passes than --min-passes, or the draft is not a consensus (rq below 0)",
    Outcome.MISSING_KINETICS: "subreads lack the kinetics (pw, ip) that the model needs",
    Outcome.ERROR: "damaged or contradictory records; see the reason",
}
