"""Work on several cores: order, bounds, and workers that die."""

import os
import time
from collections.abc import Iterator

import pytest
from support import die, double, process_of, wait_until

from deepconsensus_py.errors import DeepConsensusError
from deepconsensus_py.workers.ordered import ordered_map


@pytest.mark.parametrize(("cores", "processes"), [(1, False), (2, False), (2, True)])
def test_results_come_in_order(cores: int, processes: bool) -> None:
    assert list(ordered_map(double, range(50), cores, processes=processes)) == list(range(0, 100, 2))


def test_processes_are_others_and_threads_are_not() -> None:
    assert os.getpid() not in set(ordered_map(process_of, range(4), 2, processes=True))
    assert set(ordered_map(process_of, range(4), 2)) == {os.getpid()}


def test_items_are_read_only_as_they_are_needed() -> None:
    read = []

    def items() -> Iterator[int]:
        for number in range(1000):
            read.append(number)
            yield number

    results = ordered_map(double, items(), 2)
    next(results)
    assert len(read) < 20
    results.close()


def test_a_dead_worker_is_one_sentence() -> None:
    with pytest.raises(DeepConsensusError, match="worker process died"):
        list(ordered_map(die, range(1, 9), 2, processes=True))


@pytest.mark.parametrize("processes", [False, True])
def test_reading_goes_on_while_nobody_asks(processes: bool) -> None:
    read = []

    def items() -> Iterator[int]:
        for number in range(1000):
            read.append(number)
            yield number

    results = ordered_map(double, items(), 2, processes=processes)
    assert next(results) == 0
    wait_until(lambda: len(read) >= 8)
    time.sleep(0.1)
    assert len(read) < 20
    results.close()


@pytest.mark.parametrize("cores", [1, 2])
def test_a_fault_of_the_reader_comes_after_what_was_read(cores: int) -> None:
    def items() -> Iterator[int]:
        yield from range(5)
        raise DeepConsensusError("the file ends here")

    found = []
    with pytest.raises(DeepConsensusError, match="ends here"):
        found.extend(ordered_map(double, items(), cores))
    assert found == [0, 2, 4, 6, 8]
