"""Reads TensorFlow checkpoints ("tensor bundles") without TensorFlow.

A bundle is ``PREFIX.index``, a LevelDB table (tensorflow/core/lib/io/table_format.txt) from tensor names to
``BundleEntryProto`` messages (tensorflow/core/protobuf/tensor_bundle.proto), and data shards that the entries
point into. Only what checkpoints of weights contain is read: uncompressed blocks, whole numeric tensors.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.errors import ModelError
from deepconsensus_py.models.crc32c import masked_crc32c
from deepconsensus_py.models.protobuf import message_fields, varint

FOOTER_BYTES = 48
TABLE_MAGIC = 0xDB4775248B80FB57
BLOCK_TRAILER = struct.Struct("<BI")  # compression, masked CRC-32C of the contents and the compression byte
NO_COMPRESSION = 0

# tensorflow/core/framework/types.proto
DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 4: "|u1", 6: "|i1", 9: "<i8", 10: "|b1", 19: "<f2"}


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a tensor lies.

    Attributes:
        dtype: number in types.proto.
        shape: its dimensions.
        shard: data file.
        offset: first byte in the shard.
        size: bytes.
        crc: masked CRC-32C of the bytes, or None.
    """

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    crc: int | None


class Bundle:
    """The tensors of one checkpoint.

    Args:
        prefix: the path without ``.index``.

    Raises:
        ModelError: there is no such checkpoint, or it is damaged or of another kind.
    """

    def __init__(self, prefix: Path) -> None:
        self.prefix = prefix
        self._index = prefix.with_name(prefix.name + ".index")
        try:
            entries = dict(_table_entries(self._index.read_bytes()))
            header = dict(message_fields(entries.pop(b"")))
            self._shards = int(header.get(1, 0))
            self.entries = {key.decode(): _entry(value) for key, value in entries.items()}
        except OSError as error:
            raise ModelError(f"{self._index}: {error.strerror}; give a checkpoint's folder or PREFIX") from error
        except (KeyError, IndexError, ValueError, struct.error) as error:
            raise ModelError(
                f"{self._index}: not the index of a TensorFlow checkpoint, or damaged ({error})"
            ) from error

    def names(self) -> list[str]:
        """Names of all numeric tensors, optimiser slots among them."""
        return [name for name, entry in self.entries.items() if entry.dtype in DTYPES]

    def read(self, name: str) -> NDArray[Any]:
        """A tensor by its name.

        Raises:
            ModelError: the data file is missing, short or damaged.
        """
        entry = self.entries[name]
        path = self.prefix.with_name(f"{self.prefix.name}.data-{entry.shard:05d}-of-{self._shards:05d}")
        try:
            with path.open("rb") as shard:
                shard.seek(entry.offset)
                data = shard.read(entry.size)
        except OSError as error:
            raise ModelError(f"{path}: {error.strerror}; copy it beside {self._index.name}") from error
        if len(data) < entry.size:
            raise ModelError(f"{path}: ends before {name}; the file is truncated, copy it again")
        if entry.crc is not None and masked_crc32c(data) != entry.crc:
            raise ModelError(f"{path}: {name} is damaged (its checksum differs); copy the file again")
        return np.frombuffer(data, DTYPES[entry.dtype]).reshape(entry.shape)


def _table_entries(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    """All keys and values of a LevelDB table."""
    footer = table[-FOOTER_BYTES:]
    if len(footer) < FOOTER_BYTES or int.from_bytes(footer[-8:], "little") != TABLE_MAGIC:
        raise ValueError("no table footer")
    at = _handle(footer, 0)[2]  # past the handle of the metaindex
    for _, handle in _block_entries(_block(table, *_handle(footer, at)[:2])):
        yield from _block_entries(_block(table, *_handle(handle, 0)[:2]))


def _handle(data: bytes, at: int) -> tuple[int, int, int]:
    """Offset and size of a block, and where the handle ends."""
    offset, at = varint(data, at)
    size, at = varint(data, at)
    return offset, size, at


def _block(table: bytes, offset: int, size: int) -> bytes:
    compression, crc = BLOCK_TRAILER.unpack_from(table, offset + size)
    if compression != NO_COMPRESSION:
        raise ValueError("compressed blocks, which checkpoints are not written with")
    if masked_crc32c(table[offset : offset + size + 1]) != crc:
        raise ValueError("a block's checksum differs")
    return table[offset : offset + size]


def _block_entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys share the prefix of the key before; restart points, which only searching needs, end the block."""
    (restarts,) = struct.unpack_from("<I", block, len(block) - 4)
    end, at, key = len(block) - 4 * (restarts + 1), 0, b""
    while at < end:
        shared, at = varint(block, at)
        unshared, at = varint(block, at)
        length, at = varint(block, at)
        key = key[:shared] + block[at : at + unshared]
        at += unshared
        yield key, block[at : at + length]
        at += length


def _entry(message: bytes) -> Entry:
    fields = dict(message_fields(message))
    if 7 in fields:
        raise ValueError("a partitioned variable")
    dimensions = [
        dict(message_fields(value)).get(1, 0) for number, value in message_fields(fields.get(2, b"")) if number == 2
    ]
    return Entry(
        dtype=fields.get(1, 0),
        shape=tuple(dimensions),
        shard=fields.get(3, 0),
        offset=fields.get(4, 0),
        size=fields.get(5, 0),
        crc=fields.get(6),
    )
