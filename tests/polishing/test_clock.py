"""Seconds of each stage."""

import os
import threading
import time
from pathlib import Path

import pytest

from deepconsensus_py.corrector import Corrector
from deepconsensus_py.pacbio.zmws import read_zmws
from deepconsensus_py.pileup.vote import Vote
from deepconsensus_py.polishing.encode import encode_zmws
from deepconsensus_py.polishing.engine import PolishSettings, correct
from deepconsensus_py.polishing.progress import STAGES, StageClock


def test_the_stages_of_one_process_take_no_longer_than_the_run(testdata: Path) -> None:
    start, clock = time.perf_counter(), StageClock()
    zmws = clock.timed("read", read_zmws([testdata / "subreads.bam"], testdata / "ccs.bam"))
    vote = Vote()
    list(correct(encode_zmws(zmws, vote, clock=clock), Corrector.of(vote), PolishSettings(), clock))
    elapsed = time.perf_counter() - start
    assert tuple(clock.seconds) == STAGES
    assert all(seconds > 0 for stage, seconds in clock.seconds.items() if stage != "write")
    assert sum(clock.seconds.values()) < elapsed


@pytest.mark.parametrize("threads", [1, 2])
def test_the_memory_of_workers_is_known(testdata: Path, threads: int) -> None:
    clock = StageClock()
    zmws = read_zmws([testdata / "subreads.bam"], testdata / "ccs.bam")
    list(encode_zmws(zmws, Vote(), threads=threads, clock=clock))
    assert os.getpid() not in clock.peaks
    assert 0 < len(clock.peaks) <= 2 if threads == 2 else not clock.peaks
    assert all(10 << 20 < peak < 1 << 30 for peak in clock.peaks.values())


def test_seconds_of_several_threads_add_up() -> None:
    clock = StageClock()

    def work() -> None:
        for _ in range(20_000):
            clock.add({"network": 1.0})

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.seconds["network"] == 80_000
