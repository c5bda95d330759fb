"""BAM files put together byte by byte, so that a test can make any of them wrong."""

import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

import pysam

_LETTERS = "=ACMGRSVTWYHKDBN"


def tag(name: str, code: str, value: bytes) -> bytes:
    """A tag of any type and value."""
    return name.encode("latin-1") + code.encode("latin-1") + value


def array_tag(name: str, code: str, values: Sequence[float], *, count: int | None = None) -> bytes:
    """A tag of numbers, which may claim to hold another count of them."""
    form = {"C": "B", "c": "b", "S": "H", "s": "h", "I": "I", "i": "i", "f": "f"}[code]
    size = struct.pack("<I", len(values) if count is None else count)
    return tag(name, "B", code.encode() + size + struct.pack(f"<{len(values)}{form}", *values))


def record(
    name: bytes,
    bases: str = "ACGT",
    tags: bytes = b"",
    *,
    flag: int = 4,
    reference: int = -1,
    start: int = -1,
    cigar: Sequence[tuple[int, str]] = (),
    qualities: bytes | None = None,
    length: int | None = None,
    name_size: int | None = None,
    size: int | None = None,
    mate: int = -1,
) -> bytes:
    """A record; sizes are what they should be, or what is given."""
    packed = [_LETTERS.index(letter) for letter in bases] + [0] * (len(bases) % 2)
    body = b"".join(
        (
            struct.pack("<ii", reference, start),
            struct.pack("<BBHHH", len(name) + 1 if name_size is None else name_size, 255, 4680, len(cigar), flag),
            struct.pack("<iiii", len(bases) if length is None else length, mate, -1, 0),
            name + b"\0",
            *(struct.pack("<I", n << 4 | "MIDNSHP=X".index(operation)) for n, operation in cigar),
            bytes(first << 4 | second for first, second in zip(packed[::2], packed[1::2], strict=True)),
            b"\xff" * len(bases) if qualities is None else qualities,
            tags,
        )
    )
    return struct.pack("<i", len(body) if size is None else size) + body


def header(text: bytes, references: Iterable[tuple[bytes, int]] = (), *, count: int | None = None) -> bytes:
    """A header; its text need not agree with its references."""
    listed = [struct.pack("<i", len(name) + 1) + name + b"\0" + struct.pack("<i", n) for name, n in references]
    size = struct.pack("<i", len(listed) if count is None else count)
    return b"BAM\1" + struct.pack("<i", len(text)) + text + size + b"".join(listed)


def write(path: Path, *parts: bytes) -> Path:
    """A BGZF file of some bytes."""
    with pysam.BGZFile(str(path), "wb") as file:
        file.write(b"".join(parts))
    return path


def parts(path: Path) -> tuple[bytes, list[bytes]]:
    """A file's header and its records."""
    with pysam.BGZFile(str(path), "rb") as file:
        data = file.read()
    at = 12 + struct.unpack_from("<i", data, 4)[0]
    for _ in range(struct.unpack_from("<i", data, at - 4)[0]):
        at += 8 + struct.unpack_from("<i", data, at)[0]
    head, records = data[:at], []
    while at < len(data):
        end = at + 4 + struct.unpack_from("<i", data, at)[0]
        records.append(data[at:end])
        at = end
    return head, records


def resized(record: bytes) -> bytes:
    """A record that has been made longer or shorter, with the size that it has."""
    return struct.pack("<i", len(record) - 4) + record[4:]
