"""Worker processes that die, raise or cannot be started."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from support import DeadlyToLoad, die_once, double, kill_self, process_of, refuse, squares, unsendable, wait_until

from deepconsensus_py.errors import DeepConsensusError
from deepconsensus_py.workers.ordered import ordered_map


def lost(item: object, how: str) -> str:
    return f"{item}: {how}"


def test_who_dies_is_known_and_the_others_go_on() -> None:
    results = list(ordered_map(kill_self, range(8), 2, processes=True, lost=lost))
    assert results[::2] == [0, 2, 4, 6]
    assert results[1::2] == [f"{number}: {results[1].split(': ', 1)[1]}" for number in (1, 3, 5, 7)]
    assert "worker process died (signal 9)" in results[1]


def test_an_item_whose_worker_is_killed_once_gets_its_result(tmp_path: Path) -> None:
    markers = [tmp_path / name for name in "abc"]
    assert list(ordered_map(die_once, markers, 2, processes=True, lost=lost)) == ["a", "b", "c"]


def test_workers_that_do_nothing_but_die_end_the_run() -> None:
    with pytest.raises(DeepConsensusError, match=r"1\d worker processes died in a row"):
        list(ordered_map(kill_self, range(1, 99, 2), 2, processes=True, lost=lost))


def test_a_worker_that_cannot_start_ends_the_run() -> None:
    with pytest.raises(DeepConsensusError, match=r"cannot start a worker process .exit status 7.*--threads 1"):
        list(ordered_map(DeadlyToLoad(), range(4), 2, processes=True, lost=lost))


def test_a_script_that_workers_import_is_told_how_to_start_them(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    work = "print(list(ordered_map(abs, range(-3, 0), 2, processes=True)))"
    texts = {"": work, "__name__": f"if __name__ == '__main__':\n    {work}"}
    done = []
    for text in texts.values():
        script.write_text(f"from deepconsensus_py.workers.ordered import ordered_map\n{text}\n")
        done.append(subprocess.run([sys.executable, script], capture_output=True, text=True, check=False))
    assert done[0].returncode == 1
    assert """under 'if __name__ == "__main__":'""" in done[0].stderr.splitlines()[-1]
    assert (done[1].returncode, done[1].stdout) == (0, "[3, 2, 1]\n")


def test_what_the_work_raises_is_raised_here() -> None:
    results = ordered_map(refuse, range(3), 2, processes=True, lost=lost)
    with pytest.raises(ValueError, match="0 is not wanted") as fault:
        next(results)
    assert "in refuse" in fault.value.__notes__[0]


def test_a_result_that_cannot_be_sent_is_raised_here() -> None:
    with pytest.raises(Exception, match="pickle"):
        list(ordered_map(unsendable, range(3), 2, processes=True))


def test_arrays_travel_both_ways() -> None:
    arrays = [np.arange(number) for number in (0, 10, 100_000, 3)]
    results = list(ordered_map(squares, arrays, 2, processes=True))
    assert all(np.array_equal(array**2, result) for array, result in zip(arrays, results, strict=True))


def open_files() -> int:
    return psutil.Process().num_fds()


def test_nothing_is_left_of_a_pool_that_is_done_or_left() -> None:
    list(ordered_map(double, range(9), 2, processes=True))
    before = open_files()
    for _ in range(3):
        workers = set(ordered_map(process_of, range(9), 2, processes=True))
        results = ordered_map(process_of, iter(int, 1), 2, processes=True)
        workers.add(next(results))
        results.close()
        assert open_files() <= before
        wait_until(lambda ended=workers: not any(map(psutil.pid_exists, ended)))


def test_leaving_does_not_wait_for_a_worker_at_work() -> None:
    results = ordered_map(time.sleep, [0, 3600, 3600, 3600], 2, processes=True)
    next(results)
    results.close()
