"""What more cores would bring: the arithmetic, and that all threads are known."""

from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def scaling(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import scaling

    return scaling


def test_the_main_process_bounds_what_cores_bring(scaling) -> None:
    threads = {scaling.ROLES["reader"]: 2.0, scaling.ROLES["MainThread"]: 3.0, scaling.ROLES["network"]: 15.0}
    cost = scaling.Cost(100, 50.0, 80.0, threads, 10.0)
    assert [cost.speed_up(cores) for cores in (2, 16)] == [(2, 2), (10, 16)]
    assert scaling.tables(cost, [2, 16]).splitlines()[-2:] == ["| 2 | 2.0 |", "| 16 | 10.0 to 16.0 |"]


def test_the_time_of_a_run_is_that_of_its_threads_and_workers(scaling, testdata: Path) -> None:
    cost = scaling.measured(testdata / "subreads.bam", testdata / "ccs.bam", 2)
    assert cost.zmws == 6
    # The reader of six ZMWs can end before it is sampled.
    assert cost.threads.keys() >= {scaling.ROLES[name] for name in ("network", "MainThread")}
    assert not cost.threads.keys() - {*scaling.ROLES.values(), ""}
    assert not cost.threads.get("", 0)
    assert 0 < cost.layers < cost.threads[scaling.ROLES["network"]]
    assert cost.workers > 0
