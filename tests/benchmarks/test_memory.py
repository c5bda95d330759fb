"""Peak memory against input length: the table's figures."""

from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import memory

    return memory


def test_growth_is_measured_from_the_shortest_input_of_the_same_model(memory) -> None:
    found = [
        memory.Point(model, copies, 10 * copies, peak, 1.0)
        for model, copies, peak in (("edits", 1, 200), ("pairhmm", 1, 100), ("edits", 5, 210), ("pairhmm", 5, 90))
    ]
    assert [round(memory.growth(found, point), 3) for point in found] == [0, 0, 0.05, -0.1]
    lines = {line.get_label(): line.get_ydata().tolist() for line in memory.plot(found).axes[0].lines}
    assert lines == {
        "edits": [200 / memory.MIB, 210 / memory.MIB],
        "pairhmm": [100 / memory.MIB, 90 / memory.MIB],
    }


def test_each_model_is_run_on_each_length(memory, testdata: Path) -> None:
    found = list(memory.points(testdata / "subreads.bam", testdata / "ccs.bam", [1, 2], ["vote"], 1))
    assert [(point.model, point.copies, point.molecules) for point in found] == [("vote", 1, 6), ("vote", 2, 12)]
    assert all(20 * memory.MIB < point.peak_bytes < 1000 * memory.MIB for point in found)
