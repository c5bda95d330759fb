"""The accuracy benchmark: intervals over molecules, and shares of bases by quality."""

from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def accuracy(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import accuracy

    return accuracy


def test_intervals_are_over_molecules(accuracy) -> None:
    def read(hole: str, draft: int, model: int):
        return hole, {"draft": accuracy.Count(draft, None, 1000), "m": accuracy.Count(model, 1.0, 1000)}

    alike = [read(hole, 10, 5) for hole in "abcdef"]
    assert list(accuracy.shares(alike, ["draft", "m"])) == [pytest.approx((50, 50, 50))]
    ((share, low, high),) = accuracy.shares([*alike, read("g", 10, 40)], ["draft", "m"])
    assert share == pytest.approx(100)
    assert low == pytest.approx(50)
    assert high > 150


def test_yields_are_shares_of_bases(accuracy) -> None:
    counts = [accuracy.Count(0, 5.0, 3000), accuracy.Count(0, 0.01, 1000)]
    predicted, empirical = accuracy.yields(counts).split("  ", 1)[1].rsplit("  ", 1)
    assert predicted.split() == ["25,", "25"]
    assert empirical.split() == ["100,", "0"]
    assert "–" in accuracy.yields([accuracy.Count(0, None, 1000)])


def test_a_report_has_all_of_it(accuracy, capsys: pytest.CaptureFixture[str]) -> None:
    found = {"draft": accuracy.Count(10, None, 1000), "held/m.safetensors": accuracy.Count(5, 4.0, 1000)}
    accuracy.report("human", {"5 passes": [("a", found)], "total": [("a", found)]})
    printed = capsys.readouterr().out
    assert "50.0 (50.0 to 50.0)" in printed
    row = next(line.split() for line in printed.splitlines() if line.startswith("5 passes"))
    assert row[2:] == ["1", "10", "5", "4", "0"]
