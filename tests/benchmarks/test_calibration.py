"""The calibration benchmark: reads are counted by set, and drawn."""

from pathlib import Path

import numpy as np
import pytest

from deepconsensus_py.evaluate.calibration_counts import QUALITIES, QualityCounts
from deepconsensus_py.polishing.qualities import error_probability

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def calibration(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import calibration

    return calibration


@pytest.fixture
def reads(calibration) -> list:
    """Reads whose qualities 10, 20 and 30 are right."""
    bases = np.where(np.isin(np.arange(QUALITIES), [10, 20, 30]), 2000.0, 0.0)
    errors = bases * error_probability(np.arange(QUALITIES))
    counts = QualityCounts(bases, errors, errors)
    kinds = ("human_1m", "human_1m", "3 passes", "3 passes")
    return [calibration.Judged(kind, hole, counts, 20.0) for kind, hole in zip(kinds, "1212", strict=True)]


def test_right_qualities_have_no_calibration_error(
    calibration, reads: list, capsys: pytest.CaptureFixture[str]
) -> None:
    calibration.report(reads)
    printed = capsys.readouterr().out
    row, yields = (line.split() for line in printed.splitlines() if line.startswith("human_1m  "))
    reads_bases_errors, (expected, *rest) = row[1:4], row[4:]
    assert reads_bases_errors == ["2", "12000", expected]
    assert list(map(float, rest)) == [0, 0, 0, 0]
    assert yields[1:] == ["0,", "0", "0,", "0", "0,", "0"]
    assert reads[0].predicted == pytest.approx(reads[0].empirical, abs=0.01)


def test_the_plot_has_all_points(calibration, reads: list) -> None:
    panels = calibration.plot(reads).axes
    assert [len(panel.collections[0].get_offsets()) for panel in panels] == [3, 3, 4]
