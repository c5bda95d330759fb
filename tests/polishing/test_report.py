"""The table of molecules."""

import numpy as np
import pytest

from deepconsensus_py.pacbio.molecule import Draft
from deepconsensus_py.polishing.read import PolishedRead
from deepconsensus_py.polishing.report import COLUMNS, MoleculeTable, faulty, summed
from deepconsensus_py.reports.outcomes import Outcome


def row(read: PolishedRead) -> dict[str, str]:
    table = MoleculeTable()
    table.add(read)
    (line,) = table.taken_rows().splitlines()
    assert table.taken_rows() == ""
    return dict(zip(COLUMNS, line.split("\t"), strict=True))


@pytest.mark.parametrize(
    ("qualities", "rq", "shown"),
    [([10, 10], 0.999, "10.00"), (None, 0.999, "30.00"), (None, -1.0, "."), (None, 1.0, "."), (None, None, ".")],
)
def test_quality_of_the_draft(qualities: list[int] | None, rq: float | None, shown: str) -> None:
    tags = () if rq is None else (("rq", rq, "f"),)
    phred = None if qualities is None else np.array(qualities, np.uint8)
    draft = Draft("m/1/ccs", np.ones(2, np.uint8), phred, tags)
    assert row(PolishedRead(draft, Outcome.NO_SUBREADS))["quality_before"] == shown


def test_a_reason_keeps_to_its_cell() -> None:
    read = PolishedRead(Draft("m/1/ccs", np.ones(2, np.uint8), None), Outcome.ERROR, "two\tcells\nand lines")
    assert row(read)["reason"] == "two cells and lines"


@pytest.mark.parametrize(
    ("name", "passes", "shown"),
    [
        ("m/1/ccs", "3\t4", ("m/1/ccs", "3 4")),
        ("m/\n1", "\x1b[31m3", ("m/ 1", r"\x1b[31m3")),
        ("m\udcfc/1", "", (r"m\udcfc/1", ".")),
        ("Müller/1", 7, ("Müller/1", "7")),
        ("", None, (".", ".")),
    ],
)
def test_every_cell_is_one_cell_of_printable_text(name: str, passes: object, shown: tuple[str, str]) -> None:
    found = row(PolishedRead(Draft(name, np.ones(2, np.uint8), None, (("np", passes, "Z"),)), Outcome.ERROR))
    assert (found["name"], found["np"]) == shown


def test_reports_add_up() -> None:
    def report(started: str, seconds: float, molecules: int, peak: int, **outcomes: int) -> dict[str, object]:
        stages, counts = {"read": seconds / 2}, {"molecules": molecules, "outcomes": outcomes}
        times = {"started": started, "seconds": seconds, "stages": stages, "peak_memory_bytes": peak}
        return {"command": started, **times, "counts": counts, "resumed": 1}

    first = report("2024-01-02", 1.5, 3, 70, success=2, error=1)
    del first["resumed"]  # of a version that could not
    whole = summed([first, report("2024-01-01", 2.25, 4, 60, success=3, empty_sequence=1)])
    assert (whole["command"], whole["started"], whole["seconds"]) == ("2024-01-02", "2024-01-01", 3.75)
    assert (whole["stages"], whole["peak_memory_bytes"], whole["resumed"]) == ({"read": 1.875}, 70, 1)
    assert whole["counts"] == {"molecules": 7, "outcomes": {"empty_sequence": 1, "error": 1, "success": 5}}
    assert faulty(whole["counts"]) == 2
