"""Damaged copies of sound files, each by one change that knows the file's structure; a random generator decides all."""

import gzip
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO
from random import Random
from typing import Any

EXTREMES = (0, 1, -1, 2, 127, 128, 255, 256, -128, 32767, 65535, -32768, 2**31 - 1, -(2**31), 2**32 - 1)
BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
FIXED = struct.Struct("<iiBBHHHiiii")
"""Of a record behind its size: reference, position, name length, MAPQ, bin, CIGAR operations, flag, length, mate."""

SIZES = {b"A": 1, b"c": 1, b"C": 1, b"s": 2, b"S": 2, b"i": 4, b"I": 4, b"f": 4}


def bgzf(data: bytes) -> bytes:
    """A BGZF file (SAM specification, section 4.1)."""
    blocks = []
    for start in range(0, len(data), 0xFF00):
        part = data[start : start + 0xFF00]
        packer = zlib.compressobj(1, zlib.DEFLATED, -15)
        packed = packer.compress(part) + packer.flush()
        head = bytes.fromhex("1f8b08040000000000ff060042430200") + struct.pack("<H", len(packed) + 25)
        blocks.append(head + packed + struct.pack("<II", zlib.crc32(part), len(part)))
    return b"".join(blocks) + BGZF_END


def records_of(data: bytes) -> tuple[bytes, list[bytes]]:
    """Of an uncompressed BAM file the header and the records, each behind its size."""
    place = 8 + struct.unpack_from("<i", data, 4)[0]
    references = struct.unpack_from("<i", data, place)[0]
    place += 4
    for _ in range(references):
        place += 8 + struct.unpack_from("<i", data, place)[0]
    header, records = data[:place], []
    while place < len(data):
        size = 4 + struct.unpack_from("<i", data, place)[0]
        records.append(data[place : place + size])
        place += size
    return header, records


def flipped(data: bytes, random: Random) -> bytes:
    """Bits turned, bytes replaced, cut out, doubled, or the end lost."""
    changed = bytearray(data)
    start = random.randrange(len(data) or 1)
    end = min(len(data), start + random.choice((1, 1, 2, 4, 16, 64)))
    kind = random.randrange(6)
    if kind == 0 and changed:
        changed[start] ^= 1 << random.randrange(8)
    elif kind == 1:
        changed[start:end] = random.randbytes(end - start)
    elif kind == 2:
        del changed[start:end]
    elif kind == 3:
        changed[start:start] = changed[start:end]
    elif kind == 4:
        del changed[start:]
    else:
        changed[start:end] = bytes([random.choice((0, 0xFF, 0x80, 0x20))]) * (end - start)
    return bytes(changed)


def field(record: bytes, random: Random) -> bytes:
    """A record with another number in one of its fixed fields, or another size."""
    values = list(FIXED.unpack_from(record, 4))
    formats = "iiBBHHHiiii"
    which = random.randrange(len(values) + 1)
    if which == len(values):
        return struct.pack("<I", random.choice(EXTREMES) % 2**32) + record[4:]
    bits = {"i": 32, "B": 8, "H": 16}[formats[which]]
    new = random.choice((*EXTREMES, values[which] + 1, values[which] - 1)) % 2**bits
    values[which] = new - 2**bits if formats[which] == "i" and new >= 2 ** (bits - 1) else new
    return record[:4] + FIXED.pack(*values) + record[4 + FIXED.size :]


def tags_of(record: bytes) -> tuple[bytes, list[bytes]]:
    """What stands before the tags, and the tags."""
    values = FIXED.unpack_from(record, 4)
    place = 36 + values[2] + 4 * values[5] + (values[7] + 1) // 2 + values[7]
    head, tags = record[:place], []
    while place < len(record):
        kind = record[place + 2 : place + 3]
        if kind in SIZES:
            size = SIZES[kind]
        elif kind == b"B":
            size = 5 + SIZES[record[place + 3 : place + 4]] * struct.unpack_from("<I", record, place + 4)[0]
        else:
            size = record.index(b"\0", place + 3) - place - 2
        tags.append(record[place : place + 3 + size])
        place += 3 + size
    return head, tags


def tag(record: bytes, random: Random) -> bytes:
    """A record with one tag changed, lost, doubled or moved."""
    head, tags = tags_of(record)
    which = random.randrange(len(tags))
    old = tags[which]
    kind = random.randrange(7)
    if kind == 0:
        new = old[:2] + random.choice(b"AcCsSiIfZHBdxq\0\xff").to_bytes(1, "little") + old[3:]
    elif kind == 1:
        new = random.randbytes(2) + old[2:]
    elif kind == 2:
        new = old[:3] + random.randbytes(len(old) - 3)
    elif kind == 3 and old[2:3] == b"B":
        new = old[:4] + struct.pack("<I", random.choice(EXTREMES) % 2**32) + old[8:]
    elif kind == 4:
        new = b""
    elif kind == 5:
        new = old + old
    else:
        new = flipped(old, random)
    tags[which] = new
    return sized(head + b"".join(tags))


def sized(record: bytes) -> bytes:
    return struct.pack("<i", len(record) - 4) + record[4:]


def content(record: bytes, random: Random) -> bytes:
    """A record with bytes changed in its name, CIGAR, bases, qualities or tags; its size is right."""
    return sized(record[:36] + flipped(record[36:], random))


def header(head: bytes, random: Random) -> bytes:
    """A BAM header with other bytes in its text, or other numbers."""
    size = struct.unpack_from("<i", head, 4)[0]
    text, rest = head[8 : 8 + size], head[8 + size :]
    kind = random.randrange(4)
    if kind == 0:
        size = random.choice((*EXTREMES, size + 1, size - 1))
        return head[:4] + struct.pack("<I", size % 2**32) + text + rest
    if kind == 1:
        rest = struct.pack("<I", random.choice(EXTREMES) % 2**32) + rest[4:]
    elif kind == 2:
        lines = text.split(b"\n")
        at = random.randrange(len(lines))
        lines[at : at + 1] = random.choice(([], [lines[at]] * 2, [flipped(lines[at], random)]))
        text = b"\n".join(lines)
    else:
        text = flipped(text, random)
    return head[:4] + struct.pack("<i", len(text)) + text + rest


def value(of: Any, random: Random) -> Any:
    """JSON with one value changed somewhere in it."""
    if isinstance(of, dict) and of and random.random() < 0.9:
        key = random.choice(sorted(of))
        kind = random.randrange(8)
        if kind == 0:
            return {name: one for name, one in of.items() if name != key}
        if kind == 1:
            return of | {key + "x": of[key]}
        return of | {key: value(of[key], random)}
    if isinstance(of, list) and of and random.random() < 0.9:
        at = random.randrange(len(of))
        return [*of[:at], value(of[at], random), *of[at + 1 :]]
    return random.choice((None, True, -1, 0, 1e308, 2**70, "", "\x00é", [], {}, [[]], {"a": 1}, "1", 0.5))


def as_json(data: bytes, random: Random) -> bytes:
    return json.dumps(value(json.loads(data), random)).encode()


def safetensors(data: bytes, random: Random) -> bytes:
    """A safetensors file with another header, or with other JSON in its metadata."""
    end = 8 + int.from_bytes(data[:8], "little")
    about = json.loads(data[8:end])
    if random.random() < 0.5 and "__metadata__" in about:
        name = random.choice(sorted(about["__metadata__"]))
        inner = as_json(about["__metadata__"][name].encode(), random)
        about["__metadata__"][name] = inner.decode()
    else:
        about = value(about, random)
    new = json.dumps(about).encode()
    return len(new).to_bytes(8, "little") + new + data[end:]


def zipped(data: bytes, random: Random, change: Callable[[bytes, Random], bytes]) -> bytes:
    """A zip archive with one member changed, its checksums right."""
    target = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(target, "w") as new:
        names = old.namelist()
        which = random.randrange(len(names))
        for number, name in enumerate(names):
            member = old.read(name)
            if number == which:
                member = as_json(member, random) if name.endswith(".json") else change(member, random)
            new.writestr(zipfile.ZipInfo(name), member)
    return target.getvalue()


def lines(data: bytes, random: Random) -> bytes:
    """Text with a line lost, doubled, exchanged with another or changed."""
    rows = data.split(b"\n")
    at, other = random.randrange(len(rows)), random.randrange(len(rows))
    kind = random.randrange(4)
    if kind == 0:
        del rows[at]
    elif kind == 1:
        rows.insert(at, rows[other])
    elif kind == 2:
        rows[at], rows[other] = rows[other], rows[at]
    else:
        rows[at] = flipped(rows[at], random)
    return b"\n".join(rows)


def regzipped(data: bytes, random: Random) -> bytes:
    """A compressed file with other content, its checksums right."""
    return bgzf(flipped(gzip.decompress(data), random))
