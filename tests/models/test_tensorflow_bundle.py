"""Checkpoints written here by the format's own description are read back, and damaged ones are refused."""

import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from deepconsensus_py.errors import ModelError
from deepconsensus_py.models.tensorflow import TABLE_MAGIC, Bundle, masked_crc32c

KINDS = {"float32": 1, "float64": 2, "int32": 3, "int64": 9}
RESTART, PER_BLOCK = 3, 5


def varint(value: int) -> bytes:
    groups = b""
    while value >= 0x80:
        groups += bytes([value & 0x7F | 0x80])
        value >>= 7
    return groups + bytes([value])


def block(entries: list[tuple[bytes, bytes]]) -> bytes:
    data, restarts, before = b"", [], b""
    for i, (key, value) in enumerate(entries):
        if i % RESTART == 0:
            restarts.append(len(data))
            before = b""
        shared = next(
            (n for n, (a, b) in enumerate(zip(before, key, strict=False)) if a != b), min(len(before), len(key))
        )
        data += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    return data + struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))


def table(entries: list[tuple[bytes, bytes]], compression: int = 0) -> bytes:
    out = b""

    def append(contents: bytes) -> bytes:
        nonlocal out
        handle = varint(len(out)) + varint(len(contents))
        kind = bytes([compression])
        out += contents + kind + struct.pack("<I", masked_crc32c(contents + kind))
        return handle

    parts = [entries[i : i + PER_BLOCK] for i in range(0, len(entries), PER_BLOCK)]
    index = [(part[-1][0], append(block(part))) for part in parts]
    footer = append(block([])) + append(block(index))
    return out + footer.ljust(40, b"\0") + struct.pack("<Q", TABLE_MAGIC)


def entry(array: NDArray[np.generic], shard: int, offset: int, checksum: bool) -> bytes:
    sizes = b"".join(b"\x12" + varint(len(d)) + d for d in (b"\x08" + varint(n) for n in array.shape))
    message = b"\x08" + varint(KINDS[array.dtype.name]) + b"\x12" + varint(len(sizes)) + sizes
    message += b"\x18" + varint(shard) + b"\x20" + varint(offset) + b"\x28" + varint(array.nbytes)
    return message + (b"\x35" + struct.pack("<I", masked_crc32c(array.tobytes())) if checksum else b"")


def write(
    prefix: Path, tensors: Mapping[str, NDArray[np.generic]], *, compression: int = 0, checksum: bool = True
) -> None:
    entries = [(b"", b"\x08\x02")]  # the header: two shards
    shards = [b"", b""]
    for i, name in enumerate(sorted(tensors)):
        entries.append((name.encode(), entry(tensors[name], i % 2, len(shards[i % 2]), checksum)))
        shards[i % 2] += tensors[name].tobytes()
    prefix.with_name(prefix.name + ".index").write_bytes(table(entries, compression))
    for i, data in enumerate(shards):
        prefix.with_name(f"{prefix.name}.data-{i:05d}-of-00002").write_bytes(data)


@pytest.fixture
def tensors() -> dict[str, NDArray[np.generic]]:
    random = np.random.default_rng(0)
    arrays: dict[str, NDArray[np.generic]] = {
        f"model/layers/{i}/{part}/kernel": random.normal(size=(i, 3)).astype(np.float32)
        for i in range(12)
        for part in ("a", "ab", "b")
    }
    return {**arrays, "step": np.array(300, np.int64), "rate": np.array(0.5), "ids": np.arange(5, dtype=np.int32)}


@pytest.mark.parametrize("checksum", [True, False])
def test_everything_is_read_back(tmp_path: Path, tensors: dict[str, NDArray[np.generic]], checksum: bool) -> None:
    write(tmp_path / "model-7", tensors, checksum=checksum)
    bundle = Bundle(tmp_path / "model-7")
    assert sorted(bundle.names()) == sorted(tensors)
    for name, tensor in tensors.items():
        read = bundle.read(name)
        assert read.dtype == tensor.dtype
        np.testing.assert_array_equal(read, tensor)


def damage(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


def test_damage_is_noticed(tmp_path: Path, tensors: dict[str, NDArray[np.generic]]) -> None:
    write(tmp_path / "m", tensors)
    bundle = Bundle(tmp_path / "m")
    shard = tmp_path / "m.data-00000-of-00002"
    damage(shard, 0)
    with pytest.raises(ModelError, match=r"m\.data-00000-of-00002: .* is damaged .*; copy the file again"):
        [bundle.read(name) for name in tensors]
    shard.write_bytes(shard.read_bytes()[:5])
    with pytest.raises(ModelError, match="truncated before"):
        [bundle.read(name) for name in tensors]
    shard.unlink()
    with pytest.raises(ModelError, match=r"No such file or directory; copy it beside m\.index"):
        [bundle.read(name) for name in tensors]
    damage(tmp_path / "m.index", 30)
    with pytest.raises(ModelError, match=r"m\.index: .*checksum differs"):
        Bundle(tmp_path / "m")


@pytest.mark.parametrize("contents", [b"", b"not a table at all", bytes(100), struct.pack("<5xQ", TABLE_MAGIC) * 4])
def test_other_files_are_refused(tmp_path: Path, contents: bytes) -> None:
    (tmp_path / "m.index").write_bytes(contents)
    with pytest.raises(ModelError, match=r"m\.index: not the index of a TensorFlow checkpoint, or damaged"):
        Bundle(tmp_path / "m")


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"m\.index: No such file or directory; give a checkpoint's folder or PREFIX"):
        Bundle(tmp_path / "m")


def test_compressed_tables_are_refused(tmp_path: Path, tensors: dict[str, NDArray[np.generic]]) -> None:
    write(tmp_path / "m", tensors, compression=1)
    with pytest.raises(ModelError, match="compressed blocks"):
        Bundle(tmp_path / "m")


@pytest.mark.real
def test_equal_to_the_tensors_that_tensorflow_reads(golden: Path) -> None:
    for case in ("rezero", "bq", "layernorm", "fullattn", "nopos", "win3_heads4"):
        reference = np.load(golden / f"model_tiny_{case}_golden.npz")
        expected = {name.removeprefix("CK/"): reference[name] for name in reference.files if name.startswith("CK/")}
        bundle = Bundle(golden / f"ckpt_tiny_{case}" / "checkpoint-1")
        assert sorted(bundle.names()) == sorted(expected)
        for name, tensor in expected.items():
            np.testing.assert_array_equal(bundle.read(name), tensor)
