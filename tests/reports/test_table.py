"""The table of ZMWs."""

import json

import pytest

from deepconsensus_py.reports.outcomes import Outcome
from deepconsensus_py.reports.table import COLUMNS, MoleculeTable, faulty, summed
from deepconsensus_py.reports.zmw import ZmwResult


def row(zmw: ZmwResult) -> dict[str, str]:
    table = MoleculeTable()
    table.add(zmw)
    (line,), (metrics,) = map(str.splitlines, table.taken_lines())
    assert json.loads(metrics)["insert_size"] == zmw.insert_size
    assert table.taken_lines() == ("", "")
    return dict(zip(COLUMNS, line.split("\t"), strict=True))


def test_a_reason_keeps_to_its_cell() -> None:
    assert row(ZmwResult("m/1/ccs", Outcome.ERROR, "two\tcells\nand lines"))["reason"] == "two cells and lines"


def test_what_is_unknown_is_a_dot() -> None:
    found = row(ZmwResult("m/1/ccs", Outcome.NO_SUBREADS, length_before=2))
    assert {name for name, cell in found.items() if cell == "."} == {
        "np",
        "length_after",
        "quality_before",
        "quality_after",
        "hd_sites",
        "reason",
    }


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
    found = row(ZmwResult(name, Outcome.ERROR, draft_passes=passes))
    assert (found["name"], found["np"]) == shown


def test_reports_add_up() -> None:
    def report(started: str, seconds: float, molecules: int, peak: int, **outcomes: int) -> dict[str, object]:
        stages, counts = {"read": seconds / 2}, {"molecules": molecules, "outcomes": outcomes}
        times = {
            "started": started,
            "seconds": seconds,
            "cpu_seconds": 2 * seconds,
            "stages": stages,
            "peak_memory_bytes": peak,
        }
        return {"command": started, **times, "counts": counts, "resumed": 1}

    first = report("2024-01-02", 1.5, 3, 70, success=2, error=1)
    del first["resumed"]  # of a version that could not
    whole = summed([first, report("2024-01-01", 2.25, 4, 60, success=3, empty_sequence=1)])
    assert (whole["command"], whole["started"]) == ("2024-01-02", "2024-01-01")
    assert (whole["seconds"], whole["cpu_seconds"]) == (3.75, 7.5)
    assert (whole["stages"], whole["peak_memory_bytes"], whole["resumed"]) == ({"read": 1.875}, 70, 1)
    assert whole["counts"] == {"molecules": 7, "outcomes": {"empty_sequence": 1, "error": 1, "success": 5}}
    assert faulty(whole["counts"]) == 2
