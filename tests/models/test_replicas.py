"""A model on several devices gives what it gives on one."""

import threading
from pathlib import Path

import numpy as np
import pytest

from deepconsensus_py.corrector import Arrays
from deepconsensus_py.errors import ModelError
from deepconsensus_py.models.registry import Replicas, load_model
from deepconsensus_py.pacbio.molecule import Zmw
from deepconsensus_py.pileup.vote import Vote
from deepconsensus_py.polishing.engine import polish


def test_two_devices_give_the_reads_of_one(tiny_model: Path, molecules: list[Zmw]) -> None:
    found = []
    for device in ("cpu", "cpu,cpu"):
        corrector = load_model(tiny_model, device=device, threads=1)
        assert corrector.network.streams == len(device.split(","))
        reads = polish(molecules, model=corrector, threads=2)
        found.append([(read.name, read.bases.tobytes(), read.qualities.tobytes()) for read in reads])
    assert found[0] == found[1]


class Alone(Vote):
    """Refuses a second batch while it has one."""

    def __init__(self, together: threading.Barrier) -> None:
        super().__init__()
        self.calls, self._busy, self._together = 0, threading.Lock(), together

    def forward(self, inputs: Arrays) -> np.ndarray:
        assert self._busy.acquire(blocking=False)
        self.calls += 1
        self._together.wait(10)
        self._busy.release()
        return np.zeros(3, np.float32)


def test_each_has_one_batch_at_a_time_and_all_are_at_work() -> None:
    alone = [Alone(threading.Barrier(2))]
    alone.append(Alone(alone[0]._together))
    both = Replicas(alone)
    assert both.streams == 2
    threads = [threading.Thread(target=both.forward, args=({},)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.calls for one in alone] == [4, 4]


def test_one_device_that_is_not_there_is_named(tiny_model: Path) -> None:
    with pytest.raises(ModelError, match="device 'cuda:7' cannot be used"):
        load_model(tiny_model, device="cpu,cuda:7")
