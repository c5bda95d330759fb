"""The report under the names of ccs: what reads that of ccs 6.2 reads ours."""

import io
import json
from typing import Any

import pytest

from deepconsensus_py.reports.ccs_report import CcsCounts, write_report, write_text
from deepconsensus_py.reports.outcomes import Outcome
from deepconsensus_py.reports.reasons import REASONS, status
from deepconsensus_py.reports.statistics import RunStatistics, ZmwLines

PUBLISHED = (
    ("zmw_input", "ZMWs input"),
    ("zmw_passed_yield", "ZMWs pass filters"),
    ("zmw_filtered_yield", "ZMWs fail filters"),
    ("zmw_2_pass_shortcut", "ZMWs shortcut filters"),
    ("zmw_tandem_repeat", "ZMWs with tandem repeats"),
    ("filtered_poor_snr", "Below SNR threshold"),
    ("filtered_median_length_filter", "Median length filter"),
    ("filtered_too_few_passes", "Lacking full passes"),
    ("filtered_heteroduplexes", "Heteroduplex insertions"),
    ("filtered_coverage_drops", "Coverage drops"),
    ("filtered_insufficient_draft_cov", "Insufficient draft cov"),
    ("filtered_draft_too_different", "Draft too different"),
    ("filtered_draft_failure", "Draft generation error"),
    ("filtered_draft_too_long", "Draft above --max-length"),
    ("filtered_draft_too_short", "Draft below --min-length"),
    ("filtered_read_failed_polish", "Reads failed polishing"),
    ("filtered_empty_window_during_polishing", "Empty coverage windows"),
    ("filtered_non_convergent", "CCS did not converge"),
    ("filtered_below_rq", "CCS below minimum RQ"),
    ("filtered_unknown_error", "Unknown error"),
)
"""Attributes of the report of ccs 6.2.0 in MultiQC's test data (data/modules/ccs/v6.2.0/ccs.report.json)."""

EVERY = {str(outcome): 1 << number for number, outcome in enumerate(Outcome)}
"""A number of ZMWs for each outcome, such that every sum is another one."""


def zmw(length: int, quality: float, passes: int, outcome: str = "success", *, by_strand: bool = False) -> ZmwLines:
    return ZmwLines("", "", outcome, by_strand, length, None, 1 - 10 ** (-quality / 10), passes, False)


def failed(outcome: str, *, by_strand: bool = False, repeat: bool = False) -> ZmwLines:
    return ZmwLines("", "", outcome, by_strand, None, None, -1.0, 0, repeat)


def of(*zmws: ZmwLines) -> RunStatistics:
    statistics = RunStatistics()
    for one in zmws:
        statistics.add(one)
    return statistics


def text(statistics: RunStatistics) -> str:
    file = io.StringIO()
    write_text(statistics, file)
    return file.getvalue()


def reported(counts: CcsCounts, statistics: RunStatistics | None = None) -> dict[str, Any]:
    file = io.StringIO()
    write_report(counts, statistics or RunStatistics(), 0.0, file)
    found: dict[str, Any] = json.loads(file.getvalue())
    return found


def values(report: dict[str, Any]) -> dict[str, Any]:
    return {entry["id"].removeprefix("ccs_processing."): entry["value"] for entry in report["attributes"]}


def test_attributes_are_those_of_ccs_and_then_those_of_later_versions() -> None:
    report = reported(CcsCounts.of({}, 0))
    found = [(entry["id"], entry["name"]) for entry in report["attributes"]]
    assert found[: len(PUBLISHED)] == [(f"ccs_processing.{id_}", name) for id_, name in PUBLISHED]
    later = [id_ for id_, _ in found[len(PUBLISHED) :]]
    assert len(set(later)) == len(later)
    # MultiQC would take these for the counts of the general table.
    assert not [id_ for id_ in later if "zmw_input" in id_ or "zmw_passed_yield" in id_]
    assert report.keys() == {
        "_comment",
        "attributes",
        "dataset_uuids",
        "id",
        "plotGroups",
        "tables",
        "title",
        "uuid",
        "version",
    }


def test_multiqc_finds_it_by_its_text() -> None:
    file = io.StringIO()
    write_report(CcsCounts.of({}, 0), RunStatistics(), 0.0, file)
    lines = file.getvalue().split("\n")
    assert '    "id": "ccs_processing",' in lines
    assert len(lines) < 1000


def test_every_zmw_is_counted_once() -> None:
    counts = CcsCounts.of(EVERY, 5)
    found = values(reported(counts))
    assert found["zmw_input"] == sum(EVERY.values())
    assert (found["zmw_passed_yield"], found["zmw_2_pass_shortcut"]) == (EVERY["success"], EVERY["low_pass_shortcut"])
    parts = (found[name] for name in ("zmw_passed_yield", "zmw_filtered_yield", "zmw_2_pass_shortcut"))
    assert sum(parts) == found["zmw_input"]
    assert sum(count for name, count in found.items() if name.startswith("filtered_")) == found["zmw_filtered_yield"]
    assert found["filtered_below_rq"] == EVERY["failed_quality_filter"]
    assert found["zmw_tandem_repeat"] == 5


def test_every_outcome_has_a_status() -> None:
    known = {reason.status for reason in REASONS} | {"SUCCESS", "LOW_PASS_SHORTCUT"}
    assert {status(outcome) for outcome in Outcome} <= known
    assert status(Outcome.FAILED_QUALITY_FILTER) == "POOR_QUALITY"


def test_an_outcome_of_another_version_is_an_unknown_error() -> None:
    found = values(reported(CcsCounts.of({"success": 1, "lost_in_thought": 2, "error": 1}, 0)))
    assert (found["zmw_input"], found["filtered_unknown_error"]) == (4, 3)


def test_equal_counts_have_equal_bytes_and_others_another_id() -> None:
    one, same, other = (reported(CcsCounts.of({"success": n}, 0)) for n in (7, 7, 8))
    assert one == same
    assert one["uuid"] != other["uuid"]


@pytest.mark.parametrize(("value", "share"), [(104, "58.76%"), (73, "41.24%"), (0, "0.000%"), (177, "100.0%")])
def test_shares_have_four_digits(value: int, share: str) -> None:
    zmws = [zmw(900, 30.0, 5)] * value + [failed("poor_snr")] * (177 - value)
    lines = [line.split() for line in text(of(*zmws)).split("\n")]
    assert ["ZMWs", "pass", "filters", ":", str(value), f"({share})"] in lines


def test_the_text_has_the_groups_of_ccs() -> None:
    reads = [zmw(1000, 35.0, 9), zmw(3000, 25.0, 5), zmw(500, 15.0, 3)]
    lost = [failed("poor_snr", repeat=True), *[failed("error")] * 3]
    blocks = text(of(*reads, *lost)).split("\n\n")
    assert blocks[:3] == [
        "ZMWs input                    : 7",
        "ZMWs pass filters             : 3 (42.86%)\n"
        "ZMWs fail filters             : 4 (57.14%)\n"
        "ZMWs shortcut filters         : 0 (0.000%)",
        "ZMWs with tandem repeats      : 1 (14.29%)",
    ]
    reasons = blocks[3].split("\n")
    assert reasons[:2] == ["Exclusive failed counts", "Below SNR threshold           : 1 (25.00%)"]
    assert len(reasons) == 1 + len(REASONS)
    assert [block.split("\n")[:2] for block in blocks[4:]] == [
        ["HiFi Reads                    : 2", "HiFi Yield (bp)               : 4000"],
        ["<Q20 Reads                    : 1", "<Q20 Yield (bp)               : 500"],
        [">=Q30 Reads                   : 1", ">=Q30 Yield (bp)              : 1000"],
    ]


def test_reads_of_single_strands_have_a_column() -> None:
    strands = [zmw(900, 30.0, 5, by_strand=True), *[failed("poor_snr", by_strand=True)] * 2]
    found = text(of(failed("no_subreads"), *strands)).split("\n")
    assert found[:9] == [
        "                                 Double-Strand Reads  Single-Strand Reads",
        "Inputs                        :           1 (25.00%)           3 (75.00%)",
        "",
        "Passed                        :           0 (0.000%)           1 (33.33%)",
        "Failed                        :           1 (100.0%)           2 (66.67%)",
        "Shortcut filters              :           0 (0.000%)           0 (0.000%)",
        "",
        "Tandem repeats                :           0 (0.000%)           0 (0.000%)",
        "",
    ]
    assert "Below SNR threshold           :           0 (0.000%)           2 (100.0%)" in found
    alone = text(of(*strands)).split("\n")
    assert alone[:2] == [
        "                                 Single-Strand Reads",
        "Inputs                        :           3 (100.0%)",
    ]


def test_figures_of_reads() -> None:
    statistics = RunStatistics()
    for length, quality, passes in ((1000, 35.0, 9), (3000, 25.0, 5), (2000, 27.0, 4)):
        statistics.add(zmw(length, quality, passes))
    statistics.add(zmw(700, 19.99999, 3, "failed_quality_filter"))
    found = values(reported(CcsCounts.of({}, 0), statistics))
    assert {name: found[name] for name in found if name.endswith("_q20")} == {
        "number_of_ccs_reads_q20": 3,
        "total_number_of_ccs_bases_q20": 6000,
        "mean_ccs_readlength_q20": 2000,
        "median_ccs_readlength_q20": 2000,
        "ccs_readlength_n50_q20": 3000,
        "median_qv_q20": 27,
        "mean_npasses_q20": 6,
    }
    assert (found["number_of_ccs_reads_lq"], found["mean_ccs_readlength_lq"]) == (1, 700)
