"""Custom content for MultiQC: one file for each section, ``OUT.deepconsensus_NAME_mqc.json``.

Files of one section from several runs become one section with a line or row for each run. The sample's name is what
MultiQC makes of ``OUT.ccs_report.json``, so that both share a row. Source: https://docs.seqera.io/multiqc/custom_content.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the general statistics; MultiQC shows none that is empty for all samples."""

    title: str
    description: str
    format: str
    value: float | None


def _general(sample: str, statistics: RunStatistics, report: Mapping[str, Any]) -> Content:
    # Headers of all files are the same: MultiQC takes those of the file that it reads last.
    columns = dict(_columns(statistics, report))
    headers = [
        {name: {"title": column.title, "description": column.description, "format": column.format, "min": 0}}
        for name, column in columns.items()
    ]
    return {
        "id": "deepconsensus_general",
        "plot_type": "generalstats",
        "namespace": "deepconsensus-py",
        "headers": headers,
        "data": {sample: {name: column.value for name, column in columns.items() if column.value is not None}},
    }


def _columns(statistics: RunStatistics, report: Mapping[str, Any]) -> Iterator[tuple[str, _Column]]:
    counts, hifi = report["counts"], statistics.hifi
    edited = 100 * counts["homopolymers_edited"] / max(counts["homopolymers"], 1)
    hours = report["cpu_seconds"] / 3600
    yield "hifi_reads", _Column("HiFi reads", "Reads written, of predicted Q20 or better", "{:,d}", hifi.reads)
    yield "hifi_yield", _Column("HiFi yield (Gb)", "Bases of these reads, in Gb", "{:,.3f}", hifi.bases / 1e9)
    median = round(hifi.exact_median_quality, 2)
    yield "median_quality", _Column("Median Q", "Median predicted quality of these reads, Phred", "{:,.1f}", median)
    text = "Percentage of the drafts' homopolymers, of one base or more, that polishing changed"
    yield "homopolymers_edited", _Column("Edited (%)", text, "{:,.2f}", round(edited, 4))
    yield "cpu_hours", _Column("CPU hours", "CPU time of all processes", "{:,.2f}", round(hours, 4))
    for name, (title, text) in _IF_ANY.items():
        yield name, _Column(title, text, "{:,d}", counts.get(name) or None)


_IF_ANY = {
    "kinetics_computed": ("Kinetics", "Reads with kinetics from their subreads"),
    "kinetics_carried": ("Kinetics carried", "Reads with kinetics of their CCS reads"),
    "kinetics_invalid": ("Kinetics invalid", "Reads without kinetics, because those of their CCS reads are invalid"),
    "mods_kept": ("Mods kept", "Calls of base modifications (MM, ML) kept through polishing"),
    "mods_dropped": ("Mods dropped", "Calls of base modifications dropped, because polishing changed their bases"),
    "mods_invalid": ("Mods invalid", "Reads without base modifications, because those of their CCS reads are invalid"),
}
"""Counts of the report that are shown if they are not 0, with title and description."""


def _line_graph(
    name: str, title: str, text: str, axes: Mapping[str, Any], lines: Mapping[str, Mapping[int, float]]
) -> Content:
    own = f"deepconsensus_{name}"
    return {
        "id": own,
        **_PARENT,
        "section_name": title,
        "description": text,
        "plot_type": "linegraph",
        "pconfig": {"id": f"{own}_plot", "title": f"deepconsensus-py: {title}", "ymin": 0, **axes},
        # Keys of JSON are text, which MultiQC sorts as such.
        "data": {sample: {f"{x:06d}": y for x, y in line.items()} for sample, line in lines.items()},
    }


def _filled(counts: Counter[int], step: int) -> dict[int, int]:
    """A histogram with the empty bins beside those that are not; all between would be too many for a wrong ``np``."""
    near = {value + moved for value in counts for moved in (-step, 0, step)}
    return {value: counts[value] for value in sorted(near) if value >= 0}
