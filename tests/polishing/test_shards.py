"""Feature shards: what goes in comes out, and a shard that is not whole is refused."""

import json
import resource
import signal
import tracemalloc
import zipfile
from array import array
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from deepconsensus_py.corrector import Features, Method
from deepconsensus_py.errors import InputError, ModelError, OutputError
from deepconsensus_py.pacbio.molecule import Draft, encode_bases
from deepconsensus_py.polishing.read import Encoded
from deepconsensus_py.polishing.shards import read_shard, write_shard
from deepconsensus_py.reports.zmw import ZmwFacts

HEADER = "@HD\tVN:1.6\n@RG\tID:231b5401\tDS:READTYPE=CCS\n"
TAGS = (
    ("RG", "231b5401", "Z"),
    ("np", 5, "C"),
    ("rq", 0.9946560263633728, "f"),
    ("zm", 4194375, "I"),
    ("sn", array("f", [6.97, 12.97, 5.72, 9.7]), "B"),
    ("fi", array("B", [0, 255, 7]), "B"),
    ("sa", array("I", [2**32 - 1, 0]), "B"),
    ("ML", array("B"), "B"),
)


def method(name: str = "vote", **spec: Any) -> Method:
    return cast("Method", SimpleNamespace(name=name, spec={"max_passes": 20, "rows": ("bases", "pw"), **spec}))


def molecule(number: int, windows: int = 3) -> Encoded:
    random = np.random.default_rng(number)
    draft = Draft(f"m1/{number}/ccs", encode_bases("ACGTN"), np.array([1, 2, 3, 4, 93], np.uint8), TAGS)
    inputs = {
        "bases": random.integers(0, 6, (windows, 5, 10), np.uint8),
        "strand": random.integers(0, 2, (windows, 10, 5), np.int8).swapaxes(1, 2),
    }
    layout = {"index": np.arange(20, dtype=np.int32)[::2], "kept": np.array([True, False]), "none": np.empty(0, "f4")}
    return Encoded(draft, Features(inputs, layout), passes=9, counts={"barcodes_differ": number}, facts=FACTS)


FACTS = ZmwFacts(full_passes=8, median_length=5, polymerase_length=60, wall_start=1, wall_end=99)
FAILED = Encoded(Draft("m1/7/ccs", encode_bases("AC"), None), None, "missing_kinetics", "m1/7: no 'pw' tag", 4)


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    path = tmp_path / "a.shard"
    write_shard(path, [molecule(1), FAILED, molecule(2)], method(), HEADER)
    return path


def assert_same_arrays(one: Any, other: Any) -> None:
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].dtype == other[name].dtype
        np.testing.assert_array_equal(one[name], other[name])


def test_molecules_come_back_as_they_were_in_order(shard: Path) -> None:
    info, molecules = read_shard(shard)
    assert (info.model, info.header, info.molecules) == ("vote", HEADER, 3)
    for written, read in zip([molecule(1), FAILED, molecule(2)], molecules, strict=True):
        assert (read.outcome, read.reason, read.passes) == (written.outcome, written.reason, written.passes)
        assert (read.counts, read.facts) == (written.counts, written.facts)
        assert (read.draft.name, read.draft.tags) == (written.draft.name, written.draft.tags)
        np.testing.assert_array_equal(read.draft.bases, written.draft.bases)
        if written.features is None:
            assert read.features is None
            assert read.draft.qualities is None
        else:
            assert read.features is not None
            assert_same_arrays(read.features.inputs, written.features.inputs)
            assert_same_arrays(read.features.layout, written.features.layout)


def test_element_types_of_tag_arrays_survive(shard: Path) -> None:
    _, molecules = read_shard(shard)
    types = {tag: value.typecode for tag, value, _ in next(molecules).draft.tags if isinstance(value, array)}
    assert types == {"sn": "f", "fi": "B", "sa": "I", "ML": "B"}


def test_equal_molecules_make_equal_shards(shard: Path, tmp_path: Path) -> None:
    again = tmp_path / "b.shard"
    write_shard(again, [molecule(1), FAILED, molecule(2)], method(), HEADER)
    assert shard.read_bytes() == again.read_bytes()


def test_every_molecule_is_counted_once(tmp_path: Path) -> None:
    counts = write_shard(tmp_path / "a.shard", [molecule(1), FAILED, molecule(2)], method(), HEADER)
    assert counts == {"encoded": 2, "missing_kinetics": 1}


def test_a_shard_without_molecules_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "empty.shard"
    write_shard(path, [], method(), "")
    info, molecules = read_shard(path)
    assert info.molecules == 0
    assert list(molecules) == []


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9, 0.99])
def test_a_truncated_shard_is_refused_at_once(shard: Path, kept: float) -> None:
    shard.write_bytes(shard.read_bytes()[: int(shard.stat().st_size * kept)])
    with pytest.raises(InputError, match="truncated"):
        read_shard(shard)


def test_a_changed_byte_is_found_in_its_molecule(shard: Path) -> None:
    with zipfile.ZipFile(shard) as archive:
        place = archive.getinfo("00000002.safetensors").header_offset + 200
    data = bytearray(shard.read_bytes())
    data[place] ^= 0xFF
    shard.write_bytes(data)
    _, molecules = read_shard(shard)
    assert next(molecules).draft.name == "m1/1/ccs"
    next(molecules)
    with pytest.raises(InputError, match=r"a\.shard: member 00000002\.safetensors: is damaged"):
        next(molecules)


@pytest.mark.parametrize("content", [b"", b"BAM\1", None], ids=["empty", "other file", "no file"])
def test_other_files_are_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.shard"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"x\.shard"):
        read_shard(path)


@pytest.mark.parametrize(
    ("about", "message"),
    [({"format": "other"}, "not a feature shard"), ({"version": 99}, "has shard version 99")],
)
def test_other_formats_and_versions_are_refused(shard: Path, about: dict[str, Any], message: str) -> None:
    with zipfile.ZipFile(shard) as archive:
        written = json.loads(archive.read("shard.json"))
    with zipfile.ZipFile(shard, "w") as archive:
        archive.writestr("shard.json", json.dumps(written | about))
    with pytest.raises(InputError, match=message):
        read_shard(shard)


def test_any_corrector_of_the_same_spec_fits(shard: Path) -> None:
    info, _ = read_shard(shard)
    info.require_fit(method("another"))


def test_a_corrector_of_another_spec_is_refused_by_both_names(shard: Path) -> None:
    info, _ = read_shard(shard)
    with pytest.raises(ModelError, match=r"model vote, .* model wide \(max_passes is 20, not 30\)"):
        info.require_fit(method("wide", max_passes=30))


def test_a_run_that_fails_leaves_no_file(tmp_path: Path) -> None:
    def failing() -> Iterator[Encoded]:
        yield molecule(1)
        raise InputError("the subreads file is truncated")

    with pytest.raises(InputError, match="truncated"):
        write_shard(tmp_path / "a.shard", failing(), method(), HEADER)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_no_file(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, limits[1]))
    try:
        with pytest.raises(OutputError, match=r"a\.shard: cannot be written|disk is full"):
            write_shard(tmp_path / "a.shard", map(molecule, range(50)), method(), HEADER)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, previous)
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"nowhere/a\.shard: output directory"):
        write_shard(tmp_path / "nowhere" / "a.shard", [], method(), HEADER)


def test_memory_does_not_grow_with_the_number_of_molecules(tmp_path: Path) -> None:
    path = tmp_path / "many.shard"
    tracemalloc.start()
    write_shard(path, (molecule(number, windows=5_000) for number in range(40)), method(), HEADER)
    for _ in read_shard(path)[1]:
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    one_molecule = 2 * 5_000 * 50
    assert peak < 8 * one_molecule
