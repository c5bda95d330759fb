"""A model that is read while its encoder is at work is the same model."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Queue

import numpy as np
import pytest
from edit_toys import random_model
from numpy.typing import NDArray

from deepconsensus_py.corrector import Arrays, Corrector, Features, Network
from deepconsensus_py.errors import ModelError
from deepconsensus_py.models.registry import Loading, load_method, load_model
from deepconsensus_py.models.weights import save_model
from deepconsensus_py.pacbio.molecule import Zmw
from deepconsensus_py.pileup.vote import Vote
from deepconsensus_py.polishing.batches import in_streams
from deepconsensus_py.polishing.encode import encode_zmws
from deepconsensus_py.polishing.engine import polish
from deepconsensus_py.polishing.progress import StageClock
from deepconsensus_py.polishing.read import Encoded


@pytest.fixture(params=["edits", "columns"])
def file(request: pytest.FixtureRequest, tiny_model: Path, tmp_path: Path) -> Path:
    if request.param == "columns":
        return tiny_model
    save_model(tmp_path / "random.safetensors", random_model())
    return tmp_path / "random.safetensors"


def facts(corrector: Corrector) -> tuple[object, ...]:
    method, network = corrector.method, corrector.network
    return method.name, dict(method.spec), method.calibration, network.batch, network.streams


def same(one: Features, other: Features) -> bool:
    return all(np.array_equal(one.inputs[name], other.inputs[name]) for name in one.inputs)


@pytest.mark.parametrize("triage", [True, False])
def test_it_is_the_same_as_one_that_was_waited_for(file: Path, triage: bool, molecules: list[Zmw]) -> None:
    loading = load_model(file, threads=2, triage=triage, wait=False)
    whole = load_model(file, threads=2, triage=triage)
    assert isinstance(loading.network, Loading)
    assert facts(loading) == facts(whole)
    assert same(loading.method.encode(molecules[0]), whole.method.encode(molecules[0]))
    reads = [next(polish(molecules[:1], model=corrector)) for corrector in (loading, whole)]
    assert reads[0].bases.tobytes() == reads[1].bases.tobytes()
    assert reads[0].qualities.tobytes() == reads[1].qualities.tobytes()


def test_the_precision_does_not_depend_on_whether_it_was_waited_for(file: Path) -> None:
    """Otherwise a run could not be resumed with another number of threads."""
    loading, whole = (load_model(file, threads=2, wait=wait).network for wait in (False, True))
    assert loading.precision == whole.precision == "fp32"


def test_trimming_is_part_of_its_encoding(tiny_model: Path) -> None:
    loading = load_model(tiny_model, insertion_trim=2, wait=False)
    assert facts(loading) == facts(load_model(tiny_model, insertion_trim=2))


def test_the_method_waits_for_nothing_and_the_network_does(molecules: list[Zmw]) -> None:
    go = threading.Event()

    def slow() -> Network:
        go.wait(10)
        return Vote()

    loading = Corrector(Vote(), Loading(slow))
    assert loading.method.encode(molecules[0]).items
    threading.Timer(0.1, go.set).start()
    assert loading.network.batch == Vote().batch
    assert go.is_set()


def test_molecules_are_encoded_before_it_is_there(molecules: list[Zmw]) -> None:
    encoded = threading.Event()

    def patient() -> Network:
        assert encoded.wait(10)
        return Vote()

    def source() -> Iterator[Encoded]:
        for molecule in encode_zmws(molecules[:1], Vote()):
            encoded.set()
            yield molecule

    (found,) = in_streams(source(), Corrector(Vote(), Loading(patient)), 0, StageClock())
    assert found.count


def test_what_keeps_it_from_being_read_is_raised_where_it_is_needed(molecules: list[Zmw]) -> None:
    def broken() -> Network:
        raise ModelError("weights are missing")

    loading = Corrector(Vote(), Loading(broken))
    for threads in (1, 2):
        with pytest.raises(ModelError, match="weights are missing"):
            list(polish(molecules, model=loading, threads=threads))


class Watched(Vote):
    """Notes what it computes, which fails."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Queue[Arrays] = Queue()

    def forward(self, inputs: Arrays) -> NDArray[np.float32]:
        self.seen.put(inputs)
        raise ValueError("not a real item")


def test_a_blank_item_is_computed_and_its_fault_ignored() -> None:
    network, item = Watched(), {"bases": np.zeros(1, np.uint8)}
    loading = Loading(lambda: network, blank=lambda: item)
    assert network.seen.get(timeout=10) is item
    assert loading.batch == network.batch


def test_a_method_needs_no_torch(file: Path, molecules: list[Zmw]) -> None:
    code = f"import sys; from deepconsensus_py.models.registry import load_method; load_method({str(file)!r}); "
    program = [sys.executable, "-c", code + "print('torch' in sys.modules)"]
    assert subprocess.run(program, capture_output=True, text=True, check=True).stdout == "False\n"
    assert same(load_method(file).encode(molecules[0]), load_model(file).method.encode(molecules[0]))


def test_what_may_fail_is_waited_for(file: Path) -> None:
    with pytest.raises(ModelError, match="device 'cuda:99' cannot be used"):
        load_model(file, device="cuda:99", wait=False)
    with pytest.raises(ModelError, match="unknown model 'vite'"):
        load_model("vite", wait=False)
