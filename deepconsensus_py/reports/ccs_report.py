"""``OUT.ccs_report.json`` and ``.txt``: counts under the names that ``ccs`` gives them, for what reads its reports.

Ids, names and their order are those of ccs 6.2, then those of later versions. MultiQC takes any id that contains
``zmw_input`` or ``zmw_passed_yield`` for the general table, and shows all that begin with
``ccs_processing.filtered``: no other id may. Source: https://ccs.how/faq/reports-aux-files; module ``ccs`` of MultiQC.
"""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from deepconsensus_py._version import __version__
from deepconsensus_py.reports.outcomes import Outcome
from deepconsensus_py.reports.reasons import REASONS, reason_of
from deepconsensus_py.reports.statistics import ReadGroup, RunStatistics


@dataclass(frozen=True, slots=True)
class CcsCounts:
    """Numbers of ZMWs; ``passed``, ``failed`` and ``shortcut`` add up to ``input``, ``reasons`` to ``failed``.

    Attributes:
        passed: with a read that was written.
        shortcut: with a subread that was written for them.
        tandem_repeats: with a long tandem repeat.
        reasons: of the others, in the order of ``REASONS``.
    """

    passed: int
    shortcut: int
    tandem_repeats: int
    reasons: tuple[int, ...]

    @classmethod
    def of(cls, outcomes: Mapping[str, int], tandem_repeats: int = 0) -> "CcsCounts":
        """Counts from the numbers of ZMWs by outcome."""
        reasons = dict.fromkeys(REASONS, 0)
        rest = dict(outcomes)
        passed, shortcut = (rest.pop(outcome, 0) for outcome in (Outcome.SUCCESS, Outcome.LOW_PASS_SHORTCUT))
        for outcome, count in rest.items():
            # A report of another version may have an outcome that this one does not know.
            reasons[reason_of(outcome)] += count
        return cls(passed, shortcut, tandem_repeats, tuple(reasons.values()))

    @property
    def failed(self) -> int:
        """Without a read."""
        return sum(self.reasons)

    @property
    def input(self) -> int:
        """All."""
        return self.passed + self.failed + self.shortcut


_CREATED = "Created by deepconsensus-py"


def is_own_report(path: Path) -> bool:
    """Whether ``write_report`` wrote a file; one that is damaged may as well have been."""
    try:
        comment = json.loads(path.read_text("utf-8")).get("_comment", "")
    except (OSError, ValueError, AttributeError):
        return True
    return str(comment).startswith(_CREATED)


def write_report(counts: CcsCounts, statistics: RunStatistics, percent_q30: float, file: TextIO) -> None:
    """Write the report as JSON; equal counts give equal bytes.

    Args:
        counts: of ZMWs.
        statistics: of their reads.
        percent_q30: percentage of the bases of HiFi reads that have a quality of at least 30.
        file: where to.
    """
    quality = ("base_percentage_q30", "Base quality >=Q30 (%)", round(percent_q30, 2))
    found = [
        {"id": f"ccs_processing.{id_}", "name": name, "value": value}
        for id_, name, value in (*_zmw_attributes(counts), *_read_attributes(statistics), quality)
    ]
    content = {
        "_comment": f"{_CREATED} {__version__}",
        "attributes": found,
        "dataset_uuids": [""],
        "id": "ccs_processing",
        "plotGroups": [],
        "tables": [],
        "title": "CCS Processing Report",
        "uuid": str(uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(found))),
        "version": "1.0.1",
    }
    json.dump(content, file, indent=4)
    file.write("\n")


def _zmw_attributes(counts: CcsCounts) -> Iterator[tuple[str, str, Any]]:
    yield "zmw_input", "ZMWs input", counts.input
    yield "zmw_passed_yield", "ZMWs pass filters", counts.passed
    yield "zmw_filtered_yield", "ZMWs fail filters", counts.failed
    yield "zmw_2_pass_shortcut", "ZMWs shortcut filters", counts.shortcut
    yield "zmw_tandem_repeat", "ZMWs with tandem repeats", counts.tandem_repeats
    for reason, count in zip(REASONS, counts.reasons, strict=True):
        yield reason.id, reason.name, count


def _read_attributes(statistics: RunStatistics) -> Iterator[tuple[str, str, Any]]:
    for suffix, name, group in (("q20", "HiFi", statistics.hifi), ("lq", "<Q20", statistics.low)):
        ids = (
            "number_of_ccs_reads",
            "total_number_of_ccs_bases",
            "mean_ccs_readlength",
            "median_ccs_readlength",
            "ccs_readlength_n50",
            "median_qv",
            "mean_npasses",
        )
        for id_, (label, value) in zip(ids, _figures(group), strict=True):
            yield f"{id_}_{suffix}", f"{name} {label}", value


def _figures(group: ReadGroup) -> Iterator[tuple[str, int]]:
    """The figures of a group of reads, as later versions of ``ccs`` call them."""
    yield "Reads", group.reads
    yield "Yield (bp)", group.bases
    yield "Read Length (mean, bp)", group.mean_length
    yield "Read Length (median, bp)", group.median_length
    yield "Read Length N50 (bp)", group.n50
    yield "Read Quality (median)", group.median_quality
    yield "Number of Passes (mean)", group.mean_passes


_NAME_WIDTH, _COLUMN_WIDTH = 30, 21


def write_text(statistics: RunStatistics, file: TextIO) -> None:
    """Write the report as text; of runs by strand, reads of both strands and of single ones have a column each."""
    columns = [
        (title, CcsCounts.of(outcomes, repeats))
        for title, outcomes, repeats in zip(
            ("Double-Strand Reads", "Single-Strand Reads"), statistics.outcomes, statistics.tandem_repeats, strict=True
        )
    ]
    (_, whole), (_, strands) = columns
    if strands.input:
        _write_columns([column for column in columns if column[1].input], file)
    else:
        _write_counts(whole, file)
    for title, group in (("HiFi", statistics.hifi), ("<Q20", statistics.low), (">=Q30", statistics.q30)):
        file.write("\n")
        file.writelines(_line(f"{title} {label}", str(value)) for label, value in _figures(group))


def _write_counts(counts: CcsCounts, file: TextIO) -> None:
    (_, name, value), *zmws, tandem = list(_zmw_attributes(counts))[:5]
    file.write(_line(name, str(value)) + "\n")
    file.writelines(_line(name, _share(value, counts.input)) for _, name, value in zmws)
    file.write("\n" + _line(tandem[1], _share(tandem[2], counts.input)) + "\nExclusive failed counts\n")
    for reason, count in zip(REASONS, counts.reasons, strict=True):
        file.write(_line(reason.name, _share(count, counts.failed)))


def _write_columns(columns: Sequence[tuple[str, CcsCounts]], file: TextIO) -> None:
    def row(name: str, *values: tuple[int, int]) -> str:
        return _line(name, "".join(f"{_share(*value):>{_COLUMN_WIDTH}}" for value in values).removeprefix(" "))

    counts = [own for _, own in columns]
    every = sum(own.input for own in counts)
    file.write(" " * (_NAME_WIDTH + 1) + "".join(f"{title:>{_COLUMN_WIDTH}}" for title, _ in columns) + "\n")
    file.write(row("Inputs", *((own.input, every) for own in counts)) + "\n")
    file.write(row("Passed", *((own.passed, own.input) for own in counts)))
    file.write(row("Failed", *((own.failed, own.input) for own in counts)))
    file.write(row("Shortcut filters", *((own.shortcut, own.input) for own in counts)) + "\n")
    file.write(row("Tandem repeats", *((own.tandem_repeats, own.input) for own in counts)) + "\n")
    file.write("Exclusive failed counts\n")
    for number, reason in enumerate(REASONS):
        file.write(row(reason.name, *((own.reasons[number], own.failed) for own in counts)))


def _line(name: str, value: str) -> str:
    return f"{name:<{_NAME_WIDTH}}: {value}\n"


def _share(value: int, whole: int) -> str:
    """A number and its share with four digits, as ``ccs`` writes it: 0.000, 5.479, 58.76, 100.0."""
    percent = 100 * value / whole if whole else 0.0
    return f"{value} ({percent:.{3 if percent < 10 else 2 if percent < 100 else 1}f}%)"
