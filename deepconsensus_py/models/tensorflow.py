"""Read TensorFlow files without TensorFlow: checkpoints ("tensor bundles"), protocol buffers, checksums."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.errors import ModelError
from deepconsensus_py.kernels import kernel

POLYNOMIAL = 0x82F63B78  # Castagnoli's, bits reversed
MASK_DELTA = 0xA282EAD8


def _table() -> NDArray[np.uint32]:
    crc = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        crc = np.where(crc & 1, crc >> 1 ^ np.uint32(POLYNOMIAL), crc >> 1)
    return crc


@kernel
def _crc32c(data: NDArray[np.uint8], table: NDArray[np.uint32]) -> np.uint32:
    crc = np.uint32(0xFFFFFFFF)
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> np.uint32(8))
    return np.uint32(crc ^ np.uint32(0xFFFFFFFF))


def crc32c(data: bytes) -> int:
    """CRC-32C of bytes."""
    return int(_crc32c(np.frombuffer(data, np.uint8), _table()))


def masked_crc32c(data: bytes) -> int:
    """CRC-32C in its stored, masked form."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + MASK_DELTA) & 0xFFFFFFFF


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A base-128 varint, least significant group first, and where it ends.

    Raises:
        IndexError: the data end before it.
    """
    value, shift = 0, 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def message_fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Field numbers and raw values of a message: numbers, or bytes of what has a length.

    Raises:
        IndexError, ValueError: it is no message.
    """
    at = 0
    while at < len(message):
        tag, at = varint(message, at)
        wire = tag & 7
        if wire == 0:
            value: Any
            value, at = varint(message, at)
        elif wire == 2:
            size, at = varint(message, at)
            value, at = message[at : at + size], at + size
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
            value, at = int.from_bytes(message[at : at + size], "little"), at + size
        else:
            raise ValueError(f"wire type {wire}")
        yield tag >> 3, value


FOOTER_BYTES = 48
TABLE_MAGIC = 0xDB4775248B80FB57
BLOCK_TRAILER = struct.Struct("<BI")  # compression, masked CRC-32C of the contents and the compression byte
NO_COMPRESSION = 0

# tensorflow/core/framework/types.proto
DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 4: "|u1", 6: "|i1", 9: "<i8", 10: "|b1", 19: "<f2"}


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """Location of a tensor.

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
        ModelError: there is no such checkpoint, or it is damaged or not a tensor bundle.
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
            raise ModelError(f"{path}: truncated before {name}; copy the file again")
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
    """Keys share a prefix with the key before; restart points, needed for searching only, end the block."""
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


def _entry(message: bytes) -> TensorEntry:
    fields = dict(message_fields(message))
    if 7 in fields:
        raise ValueError("a partitioned variable")
    dimensions = [
        dict(message_fields(value)).get(1, 0) for number, value in message_fields(fields.get(2, b"")) if number == 2
    ]
    return TensorEntry(
        dtype=fields.get(1, 0),
        shape=tuple(dimensions),
        shard=fields.get(3, 0),
        offset=fields.get(4, 0),
        size=fields.get(5, 0),
        crc=fields.get(6),
    )
