"""The time that a run of one ZMW takes: the table's figures."""

import shutil
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import start

    return start


def test_a_row_has_the_least_and_the_median(start) -> None:
    done = [start.Run(seconds, 2 * seconds, 0.0, 0, ()) for seconds in (3.0, 1.0, 1.5)]
    assert start.row("program", 2, done) == "| program | 2 | 1.00 | 1.50 | 2.00 | 3.00 |"


def test_the_first_run_of_each_is_not_counted(start, testdata: Path) -> None:
    program = shutil.which("deepconsensus-py", path=str(Path(sys.executable).parent))
    inputs = (testdata / "subreads.bam", testdata / "ccs.bam")
    ((name, threads, done),) = start.runs(inputs, [program], [1], 1)
    assert (name, threads, len(done)) == (program, 1, 1)
    assert 0.1 < done[0].cpu_seconds < 60
