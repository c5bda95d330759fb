"""Why ZMWs have no read, in the words of ``ccs``.

Ids, names and order are those of the report of ccs 6.2; the words in the metrics are from
https://ccs.how/faq/reports-aux-files.
"""

from dataclasses import dataclass

from deepconsensus_py.reports.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Reason:
    """Why ZMWs fail, in the words of ``ccs``.

    Attributes:
        id: of the attribute in the report.
        name: in the report.
        status: in the metrics of ZMWs.
        outcomes: ours that it covers; a reason without any is always 0.
    """

    id: str
    name: str
    status: str
    outcomes: tuple[Outcome, ...] = ()


REASONS = (
    Reason("filtered_poor_snr", "Below SNR threshold", "POOR_SNR", (Outcome.POOR_SNR,)),
    Reason(
        "filtered_median_length_filter",
        "Median length filter",
        "NO_SUBREADS",
        (Outcome.NO_USABLE_PASS, Outcome.NO_SUBREADS),
    ),
    Reason("filtered_too_few_passes", "Lacking full passes", "TOO_FEW_PASSES", (Outcome.TOO_FEW_PASSES,)),
    Reason("filtered_heteroduplexes", "Heteroduplex insertions", "HETERODUPLEXES", (Outcome.HETERODUPLEX,)),
    Reason("filtered_coverage_drops", "Coverage drops", "COVERAGE_DROPS"),
    Reason(
        "filtered_insufficient_draft_cov", "Insufficient draft cov", "INSUFFICIENT_SPANS", (Outcome.NO_ALIGNED_PASS,)
    ),
    Reason(
        "filtered_draft_too_different",
        "Draft too different",
        "TOO_FEW_PASSES_AFTER_DRAFT_ALIGNMENT",
        (Outcome.TOO_FEW_ALIGNED_PASSES,),
    ),
    Reason(
        "filtered_draft_failure", "Draft generation error", "DRAFT_FAILURE", (Outcome.DRAFT_FAILURE, Outcome.NO_DRAFT)
    ),
    Reason("filtered_draft_too_long", "Draft above --max-length", "TOO_LONG", (Outcome.DRAFT_TOO_LONG,)),
    Reason(
        "filtered_draft_too_short",
        "Draft below --min-length",
        "TOO_SHORT",
        (Outcome.DRAFT_TOO_SHORT, Outcome.FAILED_LENGTH_FILTER),
    ),
    Reason(
        "filtered_read_failed_polish",
        "Reads failed polishing",
        "TOO_MANY_UNUSABLE",
        (Outcome.ONLY_GAPS, Outcome.EMPTY_SEQUENCE, Outcome.MISSING_KINETICS),
    ),
    Reason("filtered_empty_window_during_polishing", "Empty coverage windows", "EMPTY_WINDOW_DURING_POLISHING"),
    Reason("filtered_non_convergent", "CCS did not converge", "NON_CONVERGENT"),
    Reason("filtered_below_rq", "CCS below minimum RQ", "POOR_QUALITY", (Outcome.FAILED_QUALITY_FILTER,)),
    Reason("filtered_unknown_error", "Unknown error", "EXCEPTION_THROWN", (Outcome.ERROR,)),
    # Not in ccs 6.2; later versions tell palindromes, concatenated and remaining adapters apart.
    Reason("filtered_adapter_artifact", "CCS adapter artifact", "ADAPTER_ARTIFACT", (Outcome.ARTIFACT,)),
)

_UNKNOWN = next(reason for reason in REASONS if Outcome.ERROR in reason.outcomes)

_REASON_OF: dict[str, Reason] = {outcome: reason for reason in REASONS for outcome in reason.outcomes}


def reason_of(outcome: str) -> Reason:
    """The reason for an outcome; an unknown error for one that only another version of this program knows."""
    return _REASON_OF.get(outcome, _UNKNOWN)


def status(outcome: Outcome) -> str:
    """The word of ``ccs`` for an outcome: that of its reason, else ``SUCCESS`` or ``LOW_PASS_SHORTCUT``."""
    return _REASON_OF[outcome].status if outcome in _REASON_OF else outcome.upper()
