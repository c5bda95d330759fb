"""Seconds of each stage."""

import time
from pathlib import Path

from deepconsensus_py.models.vote import Vote
from deepconsensus_py.pacbio.zmws import read_zmws
from deepconsensus_py.polishing.clock import STAGES, StageClock
from deepconsensus_py.polishing.encode import encode_zmws
from deepconsensus_py.polishing.engine import PolishSettings, correct


def test_the_stages_of_one_process_take_no_longer_than_the_run(testdata: Path) -> None:
    start, clock = time.perf_counter(), StageClock()
    zmws = clock.timed("read", read_zmws([testdata / "subreads.bam"], testdata / "ccs.bam"))
    vote = Vote()
    list(correct(encode_zmws(zmws, vote, clock=clock), vote, PolishSettings(), clock))
    elapsed = time.perf_counter() - start
    assert tuple(clock.seconds) == STAGES
    assert all(seconds > 0 for stage, seconds in clock.seconds.items() if stage != "write")
    assert sum(clock.seconds.values()) < elapsed
