"""The network's stage: results do not depend on batches and streams, order and bounds hold, faults end it."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from edit_toys import random_model
from in_memory import corrector_of
from numpy.typing import NDArray
from support import wait_until

from deepconsensus_py.corrector import Arrays, Computing, Corrector, Features
from deepconsensus_py.errors import DeepConsensusError, ModelError
from deepconsensus_py.models.registry import load_model
from deepconsensus_py.pacbio.molecule import Draft
from deepconsensus_py.pacbio.zmws import read_zmws
from deepconsensus_py.polishing.batches import MOLECULES_IN_FLIGHT, Pending, in_streams, in_turn
from deepconsensus_py.polishing.encode import encode_zmws
from deepconsensus_py.polishing.progress import StageClock
from deepconsensus_py.polishing.read import Encoded


def made(kind: str, tiny_model: Path) -> Corrector:
    if kind == "random edits":
        return corrector_of(random_model())
    if not kind.startswith("columns"):
        return load_model(kind, threads=1)
    try:
        return load_model(tiny_model, threads=1, precision=kind.rsplit(maxsplit=1)[-1])
    except ModelError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("kind", ["edits", "random edits", "columns in fp32", "columns in bf16", "pairhmm", "vote"])
def test_results_are_the_same_bits_whatever_the_batches(kind: str, testdata: Path, tiny_model: Path) -> None:
    corrector = made(kind, tiny_model)
    molecules = list(encode_zmws(read_zmws([testdata / "subreads.bam"], testdata / "ccs.bam"), corrector.method))
    expected: list[Pending] = []
    for batch in (1, 5, 64, 10**6):
        for streams in (0, 1, 3):
            corrector.network.batch, corrector.network.streams = batch, streams
            stage = in_streams if streams else in_turn
            found = list(stage(iter(molecules), corrector, 0, StageClock()))
            expected = expected or found
            assert [waiting.molecule for waiting in found] == molecules
            assert all(
                np.array_equal(one.probabilities, other.probabilities)
                for one, other in zip(found, expected, strict=True)
            )
    assert sum(waiting.count for waiting in expected) > 100


Forward = Callable[[Arrays], NDArray[np.float32]]


def toy(forward: Forward, batch: int = 4, streams: int = 2) -> Corrector:
    values = {"forward": forward, "batch": batch, "streams": streams}
    both = SimpleNamespace(**values, select=lambda features, above: np.ones(features.items, np.bool_))
    return Corrector.of(cast("Computing", both))


def molecule(number: int, items: int = 2) -> Encoded:
    bases = np.ones(1, np.uint8)
    return Encoded(Draft(f"m/{number}/ccs", bases, None), Features({"x": np.full(items, number)}, {}))


def echo(inputs: Arrays) -> NDArray[np.float32]:
    return inputs["x"].astype(np.float32)


def staged(molecules: Iterator[Encoded], corrector: Corrector) -> Iterator[Pending]:
    return in_streams(molecules, corrector, 0, StageClock())


def test_slow_batches_do_not_change_the_order() -> None:
    def uneven(inputs: Arrays) -> NDArray[np.float32]:
        time.sleep(0.02 if 0 in inputs["x"] else 0)
        return echo(inputs)

    found = list(staged(map(molecule, range(30)), toy(uneven, streams=3)))
    assert [set(waiting.probabilities.tolist()) for waiting in found] == [{number} for number in range(30)]


def test_molecules_without_items_keep_their_place() -> None:
    items = [2, 0, 5, 0, 0, 1]
    for stage in (in_turn, in_streams):
        found = list(stage(map(molecule, range(6), items), toy(echo), 0, StageClock()))
        assert [waiting.count for waiting in found] == items


def test_a_batch_does_not_wait_to_be_full() -> None:
    """The network has the first molecule while the second is still being encoded."""
    seen = threading.Event()

    def noticed(inputs: Arrays) -> NDArray[np.float32]:
        seen.set()
        return echo(inputs)

    def slow() -> Iterator[Encoded]:
        yield molecule(0)
        assert seen.wait(300)
        yield molecule(1)

    assert len(list(staged(slow(), toy(noticed, batch=1000)))) == 2


def test_batches_fill_while_the_network_is_busy() -> None:
    sizes: list[int] = []
    go = threading.Event()

    def held(inputs: Arrays) -> NDArray[np.float32]:
        go.wait(300)
        sizes.append(len(inputs["x"]))
        return echo(inputs)

    def letting_go() -> Iterator[Encoded]:
        for number in range(20):
            # Two items each: one molecule at least is with the network, and a batch of five waits behind it.
            if number == 7:
                go.set()
            yield molecule(number)

    assert len(list(staged(letting_go(), toy(held, batch=10, streams=1)))) == 20
    assert max(sizes) == 10


@pytest.mark.parametrize(("batch", "most"), [(4, 12), (10**6, MOLECULES_IN_FLIGHT)])
def test_no_more_is_read_than_there_is_room_for(batch: int, most: int) -> None:
    read: list[int] = []
    seen: list[int] = []
    stop = threading.Event()

    def endless() -> Iterator[Encoded]:
        while True:
            read.append(len(read))
            yield molecule(len(read))

    def stuck(inputs: Arrays) -> NDArray[np.float32]:
        stop.wait(300)
        return echo(inputs)

    def let_go() -> None:
        wait_until(lambda: read)
        # More would be read in this time. Counted before: once a batch has come back, more is read at any moment.
        time.sleep(0.3)
        seen.append(len(read))
        stop.set()

    found = staged(endless(), toy(stuck, batch=batch))
    threading.Thread(target=let_go).start()
    next(found)
    assert 0 < seen[0] <= most + 2
    found.close()
    total = len(read)
    time.sleep(0.05)
    assert len(read) == total


def test_a_fault_of_the_network_ends_the_run() -> None:
    def broken(inputs: Arrays) -> NDArray[np.float32]:
        raise DeepConsensusError("no such device")

    with pytest.raises(DeepConsensusError, match="no such device"):
        list(staged(map(molecule, range(1000)), toy(broken)))


def test_what_was_read_before_a_fault_comes_before_it() -> None:
    def truncated() -> Iterator[Encoded]:
        yield from map(molecule, range(7))
        raise DeepConsensusError("the file ends here")

    found: list[Pending] = []
    with pytest.raises(DeepConsensusError, match="ends here"):
        found.extend(staged(truncated(), toy(echo)))
    assert len(found) == 7


def test_no_thread_is_left_and_the_source_is_closed() -> None:
    closed = threading.Event()

    def source() -> Iterator[Encoded]:
        try:
            yield from map(molecule, range(10**6))
        finally:
            closed.set()

    before = threading.active_count()
    found = staged(source(), toy(echo))
    next(found)
    found.close()
    assert closed.is_set()
    assert threading.active_count() == before
