"""Custom content for MultiQC: one file for each section, ``OUT.deepconsensus_NAME_mqc.json``.

Files of one section from several runs become one section with a line or row for each run. The sample's name is what
MultiQC makes of ``OUT.ccs_report.json``, so that both share a row. Source: https://docs.seqera.io/multiqc/custom_content.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from deepconsensus_py.reports.statistics import LENGTH_BIN, RunStatistics

Content = dict[str, Any]

YIELD_CUTOFFS = range(10, 51)
"""Phred."""

_PARENT = {
    "parent_id": "deepconsensus",
    "parent_name": "deepconsensus-py",
    "parent_description": "polishes the consensus of each ZMW with all of its subreads.",
}

SECTIONS = ("general", "quality", "yield", "passes", "lengths")
"""Names in the files; the first one has the columns of the general statistics."""


def suffix(section: str) -> str:
    """What the name of a section's file ends in, after ``OUT``."""
    return f".deepconsensus_{section}_mqc.json"


def custom_content(sample: str, statistics: RunStatistics, report: Mapping[str, Any]) -> dict[str, Content]:
    """The content of all files by section.

    Args:
        sample: ``OUT``, without folder and extension.
        statistics: of the run.
        report: of the run.
    """
    yields = {quality: bases / 1e9 for quality, bases in statistics.yield_above(YIELD_CUTOFFS)}
    # The kind stands before the sample: MultiQC cuts names at extensions, and would make one name of both.
    qualities = {
        f"{kind} {sample}": _filled(counts, 1)
        for kind, counts in (("draft", statistics.before), ("polished", statistics.after))
        if counts
    }
    return {
        "general": _general(sample, statistics, report),
        "quality": _line_graph(
            "quality",
            "Predicted read quality",
            "Polished reads by predicted quality, before and after polishing. Drafts and polished reads are predicted "
            "by different models, whose qualities cannot be compared without a truth.",
            {"xlab": "Predicted quality (Phred)", "ylab": "Reads", "x_decimals": False},
            qualities,
        ),
        "yield": _line_graph(
            "yield",
            "Yield by predicted quality",
            "Bases of the reads that were written and have at least this predicted quality.",
            {"xlab": "Least predicted quality (Phred)", "ylab": "Yield (Gb)", "x_decimals": False},
            {sample: yields},
        ),
        "passes": _line_graph(
            "passes",
            "Full passes",
            "Reads that were written, by number of full passes.",
            {"xlab": "Full passes", "ylab": "Reads", "x_decimals": False},
            {sample: _filled(statistics.passes, 1)},
        ),
        "lengths": _line_graph(
            "lengths",
            "Read lengths",
            f"Reads that were written, by length in bins of {LENGTH_BIN} bases.",
            {"xlab": "Length (bp)", "ylab": "Reads", "x_decimals": False},
            {sample: _filled(statistics.lengths, LENGTH_BIN)},
        ),
    }


def _general(sample: str, statistics: RunStatistics, report: Mapping[str, Any]) -> Content:
    counts, hifi = report["counts"], statistics.hifi
    columns = {
        "hifi_reads": ("HiFi reads", "Reads that were written, of predicted Q20 or better", "{:,d}", hifi.reads),
        "hifi_yield": ("HiFi yield (Gb)", "Bases of these reads, in Gb", "{:,.3f}", hifi.bases / 1e9),
        "median_quality": (
            "Median Q",
            "Median predicted quality of these reads (Phred)",
            "{:,.1f}",
            round(hifi.exact_median_quality, 2),
        ),
        "homopolymers_edited": (
            "Edited",
            "Homopolymers (of one base or more) of the drafts that polishing changed, in percent",
            "{:,.2f}%",
            round(100 * counts["homopolymers_edited"] / max(counts["homopolymers"], 1), 4),
        ),
        "cpu_hours": ("CPU hours", "CPU time of all processes", "{:,.2f}", round(report["cpu_seconds"] / 3600, 4)),
    }
    headers = [
        {column: {"title": title, "description": text, "format": format_, "min": 0}}
        for column, (title, text, format_, _) in columns.items()
    ]
    return {
        "id": "deepconsensus_general",
        "plot_type": "generalstats",
        "namespace": "deepconsensus-py",
        "headers": headers,
        "data": {sample: {column: value for column, (*_, value) in columns.items()}},
    }


def _line_graph(
    name: str, title: str, text: str, axes: Mapping[str, Any], lines: Mapping[str, Mapping[int, float]]
) -> Content:
    own, digits = f"deepconsensus_{name}", max((len(str(x)) for line in lines.values() for x in line), default=1)
    return {
        "id": own,
        **_PARENT,
        "section_name": title,
        "description": text,
        "plot_type": "linegraph",
        "pconfig": {"id": f"{own}_plot", "title": f"deepconsensus-py: {title}", "ymin": 0, **axes},
        # Keys of JSON are text, which MultiQC sorts as such.
        "data": {sample: {f"{x:0{digits}d}": y for x, y in line.items()} for sample, line in lines.items()},
    }


def _filled(counts: Counter[int], step: int) -> dict[int, int]:
    """A histogram with its empty bins, and one on either side."""
    if not counts:
        return {}
    return {value: counts[value] for value in range(max(min(counts) - step, 0), max(counts) + 2 * step, step)}
