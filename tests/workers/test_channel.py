"""Values between processes come out as they went in, and leave nothing behind."""

import os
from collections.abc import Iterator
from multiprocessing import Pipe
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepconsensus_py.workers.channel import Channel, anonymous_memory

Ends = tuple[Channel, Channel]


@pytest.fixture
def ends() -> Iterator[Ends]:
    one, other = Pipe()
    memory = anonymous_memory()
    channels = Channel(one, memory), Channel(other, os.dup(memory))
    yield channels
    for channel in channels:
        channel.close()


def sent(value: object, ends: Ends) -> object:
    ends[0].send(value)
    return ends[1].receive()


@given(st.lists(st.tuples(st.integers(0, 30_000), st.sampled_from(["u1", "i2", "f4", "f8", "?"])), max_size=8))
def test_arrays_of_any_size_and_type_arrive(shapes: list[tuple[int, str]]) -> None:
    rng = np.random.default_rng(0)
    value = {n: rng.integers(0, 2, size).astype(dtype) for n, (size, dtype) in enumerate(shapes)}
    one, other = Pipe()
    memory = anonymous_memory()
    ends = Channel(one, memory), Channel(other, os.dup(memory))
    for _ in range(2):
        found = sent(("name", value), ends)
        assert found[0] == "name"
        for number, array in value.items():
            assert found[1][number].dtype == array.dtype
            assert np.array_equal(found[1][number], array)
            assert found[1][number].flags.writeable
            assert found[1][number].flags.aligned
        ends = ends[::-1]
    for end in ends:
        end.close()


def test_more_arrays_than_one_system_call_takes(ends: Ends) -> None:
    arrays = [np.full(5_000, number) for number in range(1500)]
    found = sent(arrays, ends)
    assert all(np.array_equal(one, other) for one, other in zip(arrays, found, strict=True))


def test_what_was_received_stays_when_more_comes(ends: Ends) -> None:
    first = sent(np.arange(10_000), ends)
    sent(np.zeros(20_000), ends)
    assert np.array_equal(first, np.arange(10_000))


def test_a_large_value_does_not_keep_its_memory() -> None:
    one, other = Pipe()
    memory = anonymous_memory()
    ends = Channel(one, memory), Channel(other, os.dup(memory))
    sent(np.ones(1 << 25, np.uint8), ends)
    assert os.fstat(memory).st_blocks == 0
    sent(np.ones(1 << 20, np.uint8), ends)
    assert os.fstat(memory).st_blocks > 0
    for end in ends:
        end.close()


def test_memory_without_memfd_has_no_name_either(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delattr(os, "memfd_create")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    memory = anonymous_memory()
    os.pwrite(memory, b"here", 0)
    assert os.pread(memory, 10, 0) == b"here"
    assert not list(tmp_path.iterdir())
    os.close(memory)


def test_an_end_that_is_gone_is_known(ends: Ends) -> None:
    ends[1].close()
    with pytest.raises(EOFError):
        ends[0].receive()
    with pytest.raises(OSError, match=r"[Bb]roken pipe"):
        ends[0].send(1)
