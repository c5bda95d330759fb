"""Outcomes of a ZMW; every ZMW has exactly one in the report."""

from enum import StrEnum, auto


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
    POOR_SNR = auto()
    NO_USABLE_PASS = auto()
    DRAFT_FAILURE = auto()
    DRAFT_TOO_SHORT = auto()
    DRAFT_TOO_LONG = auto()
    TOO_FEW_ALIGNED_PASSES = auto()
    LOW_PASS_SHORTCUT = auto()
    ARTIFACT = auto()
    MISSING_KINETICS = auto()
    HETERODUPLEX = auto()
    ERROR = auto()

    @property
    def filtered(self) -> bool:
        """Whether there is a polished read that a filter drops."""
        return self in {Outcome.FAILED_QUALITY_FILTER, Outcome.FAILED_LENGTH_FILTER, Outcome.ARTIFACT}

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
    Outcome.POOR_SNR: "signal-to-noise ratio (sn) of a base below --min-snr",
    Outcome.NO_USABLE_PASS: "no subread of 50 to 200 % of the median length",
    Outcome.DRAFT_FAILURE: "no draft consensus could be built from the subreads",
    Outcome.DRAFT_TOO_SHORT: "draft shorter than --min-length",
    Outcome.DRAFT_TOO_LONG: "draft longer than --max-length",
    Outcome.TOO_FEW_ALIGNED_PASSES: "fewer full passes than --min-passes align to the draft",
    Outcome.LOW_PASS_SHORTCUT: "fewer than two full passes; a subread written unpolished (--all)",
    Outcome.ARTIFACT: "palindrome, or adapter in the read (tag ff); polished and written to --failed",
    Outcome.MISSING_KINETICS: "subreads lack the kinetics (pw, ip) that the model or --kinetics on needs",
    Outcome.HETERODUPLEX: "strands differ, and one of them has fewer full passes than --min-passes (--hd-finder split)",
    Outcome.ERROR: "damaged or contradictory records; see the reason",
}
