"""BAM records and their tags, parsed from bytes; every length is checked before it is used.

pysam's ``get_tags`` trusts the counts inside a record: a wrong one ends the process or reads beyond the record.
"""

import re
import struct
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import HIGHEST_QUALITY, encode_bases

Tags = tuple[tuple[str, Any, str], ...]
"""(tag, value, type code) in file order; arrays (``B``) are ``array.array``, which keep their element type."""

_NUMBERS = {ord(code): struct.Struct(f"<{form}") for code, form in zip("cCsSiIfd", "bBhHiIfd", strict=True)}
_ELEMENTS = {ord(code): (form, struct.calcsize(f"<{form}")) for code, form in zip("cCsSiIf", "bBhHiIf", strict=True)}
_CODE_OF_FORM = {form: code for code, (form, _) in _ELEMENTS.items()}
_OTHERS = b"AZHB"
_HEAD = 3
"""Bytes of a tag's name and type."""

_COUNT = struct.Struct("<BI")
_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9]")
_PRINTABLE = frozenset(bytes([code]) for code in range(ord("!"), ord("~") + 1))
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")


def in_order(tags: Iterable[tuple[str, Any, str]]) -> Tags:
    """Tags by name, capitals first, as ``ccs`` writes them: ``RG ac ec fi fn …``."""
    return tuple(sorted(tags, key=lambda entry: entry[0]))


class TagError(ValueError):
    """A record's tags cannot be parsed."""


def decode_tags(data: bytes) -> Tags:
    """The tags of a record.

    Args:
        data: all that follows the qualities in the record.

    Raises:
        TagError: a tag extends beyond the record or violates the specification.
    """
    tags: list[tuple[str, Any, str]] = []
    at, end = 0, len(data)
    while at < end:
        tag, code, number = _head(data[at : at + _HEAD])
        at += _HEAD
        if number is None:
            value, at = _value(tag, code, data, at)
        else:
            if at + number.size > end:
                raise TagError(f"tag '{tag}' extends beyond the record")
            value = number.unpack_from(data, at)[0]
            at += number.size
        tags.append((tag, value, code))
    if len({tag for tag, _, _ in tags}) < len(tags):
        twice = Counter(tag for tag, _, _ in tags).most_common(1)[0][0]
        raise TagError(f"tag '{twice}' occurs twice")
    return tuple(tags)


def find_number(data: bytes, tag: bytes) -> float | None:
    """The value of one numeric tag, without decoding the arrays before it; None if it is absent or no number.

    Args:
        data: as for ``decode_tags``.
        tag: its name.

    Raises:
        TagError: a tag before it extends beyond the record or violates the specification.
    """
    at, end = 0, len(data)
    while at < end:
        name, code, number = _head(data[at : at + _HEAD])
        found = data.startswith(tag, at)
        at += _HEAD
        if number is None:
            at = _array_end(name, data, at)[1] if code == "B" else _value(name, code, data, at)[1]
        else:
            at += number.size
        if at > end:
            raise TagError(f"tag '{name}' extends beyond the record")
        if found and number is not None:
            value: float = number.unpack_from(data, at - number.size)[0]
            return value
    return None


@lru_cache(maxsize=4096)
def _head(data: bytes) -> tuple[str, str, struct.Struct | None]:
    """Name and type of a tag, and the packing of a numeric value. Cached: files have only a few different ones."""
    if len(data) < _HEAD or not _NAME.fullmatch(data, 0, 2):
        raise TagError(f"found {_shown(data)} instead of a tag")
    tag, code = data[:2].decode("ascii"), data[2]
    if code not in _NUMBERS and code not in _OTHERS:
        raise TagError(f"tag '{tag}' has unknown type {_shown(data[2:])}")
    return tag, chr(code), _NUMBERS.get(code)


def _value(tag: str, code: str, data: bytes, at: int) -> tuple[Any, int]:
    """The value of a tag that is not a number, and the offset of the next tag."""
    if code == "B":
        return _array(tag, data, at)
    if code == "A":
        if data[at : at + 1] not in _PRINTABLE:
            raise TagError(f"tag '{tag}' is not a printable character ({_shown(data[at : at + 1])})")
        return chr(data[at]), at + 1
    stop = data.find(0, at)
    if stop < 0:
        raise TagError(f"tag '{tag}' extends beyond the record")
    return _text(tag, data[at:stop]), stop + 1


def _array(tag: str, data: bytes, at: int) -> "tuple[array[Any], int]":
    form, stop = _array_end(tag, data, at)
    return array(form, data[at + _COUNT.size : stop]), stop


def _array_end(tag: str, data: bytes, at: int) -> tuple[str, int]:
    """The element type of an array, and the offset of what follows it."""
    if at + _COUNT.size > len(data):
        raise TagError(f"tag '{tag}' extends beyond the record")
    code, count = _COUNT.unpack_from(data, at)
    if code not in _ELEMENTS:
        raise TagError(f"tag '{tag}' is an array of unknown type {_shown(bytes([code]))}")
    form, size = _ELEMENTS[code]
    stop: int = at + _COUNT.size + count * size
    if stop > len(data):
        raise TagError(f"tag '{tag}' has {count} values and extends beyond the record")
    return form, stop


def _text(tag: str, data: bytes) -> str:
    if _CONTROL.search(data):
        raise TagError(f"tag '{tag}' contains control characters")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TagError(f"tag '{tag}' is not UTF-8 text (byte {data[error.start]:#04x})") from error


def encode_tags(tags: Iterable[tuple[str, Any, str]]) -> bytes:
    """The bytes of tags, as ``decode_tags`` reads them.

    Args:
        tags: (tag, value, type code); integers must fit their type.
    """
    return b"".join(tag.encode("ascii") + _bytes(value, code) for tag, value, code in tags)


def _bytes(value: Any, code: str) -> bytes:
    number = _NUMBERS.get(ord(code))
    if number is not None:
        return code.encode("ascii") + number.pack(value)
    if isinstance(value, array):
        return b"B" + _COUNT.pack(_CODE_OF_FORM[value.typecode], len(value)) + value.tobytes()
    return code.encode("ascii") + str(value).encode("utf-8", "surrogateescape") + (b"" if code == "A" else b"\0")


def _shown(data: bytes) -> str:
    return repr(data)[1:]


_FIXED = struct.Struct("<iiBBHHHiiii")
"""refID, pos, l_read_name, mapq, bin, n_cigar_op, flag, l_seq, next_refID, next_pos, tlen."""

SMALLEST = _FIXED.size
"""Bytes of the fixed-size part of a record."""

_REVERSE = 0x10
_UNMAPPED = 0x4
_NOT_PRIMARY = 0x100 | 0x800
_FLAG_BITS = 12
_LETTERS = b"=ACMGRSVTWYHKDBN"
_PAIRS = np.array([[first, second] for first in _LETTERS for second in _LETTERS], np.uint8)
_LETTERS_OF_BYTE = _PAIRS.view(np.uint16).reshape(256)
_CODES_OF_BYTE = encode_bases(_PAIRS.tobytes().decode("ascii")).view(np.uint16)
_READ_NAME = re.compile(rb"[!-?A-~]+")
_NO_QUALITY = 0xFF
_SOFT_CLIP, _N_OPERATIONS = 4, 9
_ON_READ = np.array([1, 1, 0, 0, 1, 0, 0, 1, 1], bool)
_ON_REFERENCE = np.array([1, 0, 1, 1, 0, 0, 0, 1, 1], bool)
_LONG_CIGAR = "CG"


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """The file of records.

    Attributes:
        path: the file.
        references: names of its reference sequences.
        lengths: of these, bases.
    """

    path: Path
    references: Sequence[str]
    lengths: Sequence[int]


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """A record; bases, qualities, CIGAR and tags are decoded and checked on request.

    Attributes:
        origin: its file.
        name: read name; anything but printable ASCII is escaped, and is a fault.
        flag: bits of section 1.4.2 of the specification.
        reference_id: number of the reference, -1 for none.
        start: 0-based position on the reference, -1 for none.
        mapping_quality: MAPQ.
        mate: reference, position and distance of the mate.
        cigar: ``uint32`` operations as bytes.
        length: bases.
        packed: two bases in each byte.
        phred: a quality in each byte.
        tags: bytes of the tags.
        fault: why the record cannot be used; empty for a sound one.
    """

    origin: Origin
    name: str
    flag: int
    reference_id: int
    start: int
    mapping_quality: int
    mate: tuple[int, int, int]
    cigar: bytes
    length: int
    packed: bytes
    phred: bytes
    tags: bytes
    fault: str = ""

    @property
    def unmapped(self) -> bool:
        """Whether it is not aligned to a reference, by its flag or its reference number."""
        return bool(self.flag & _UNMAPPED) or self.reference_id < 0

    @property
    def reverse(self) -> bool:
        """Whether bases and qualities are reverse-complemented."""
        return bool(self.flag & _REVERSE)

    @property
    def primary(self) -> bool:
        """Whether it is neither a secondary nor a supplementary alignment."""
        return not self.flag & _NOT_PRIMARY

    @property
    def reference_name(self) -> str:
        """The reference that it is aligned to; empty for none."""
        return "" if self.reference_id < 0 else self.origin.references[self.reference_id]

    def error(self, reason: str) -> MoleculeError:
        """An error about this record: file, record and reason."""
        return MoleculeError(f"{self.origin.path}: record {self.name}: {reason}")

    def with_fault(self, reason: str) -> "Record":
        """The record with a fault, unless it has one already."""
        return self if self.fault else replace(self, fault=reason)

    def require_sound(self) -> None:
        """Refuse a damaged record.

        Raises:
            MoleculeError: it has a fault.
        """
        if self.fault:
            raise self.error(self.fault)

    def bases(self) -> NDArray[np.uint8]:
        """``uint8[n]`` base codes."""
        return _CODES_OF_BYTE[np.frombuffer(self.packed, np.uint8)].view(np.uint8)[: self.length]

    def letters(self) -> str:
        """The bases as IUPAC letters."""
        return _LETTERS_OF_BYTE[np.frombuffer(self.packed, np.uint8)].tobytes()[: self.length].decode("ascii")

    def qualities(self) -> NDArray[np.uint8] | None:
        """``uint8[n]`` Phred, or None if the record has none.

        Raises:
            MoleculeError: one is above 93.
        """
        phred = np.frombuffer(self.phred, np.uint8)
        if not len(phred) or phred[0] == _NO_QUALITY:
            return None
        if phred.max() > HIGHEST_QUALITY:
            raise self.error(f"base quality {phred.max()} is above the maximum, {HIGHEST_QUALITY}")
        return phred

    def read_tags(self) -> Tags:
        """All tags; arrays keep their element type as ``array.array``.

        Raises:
            MoleculeError: they cannot be read.
        """
        try:
            return decode_tags(self.tags)
        except TagError as error:
            raise self.error(str(error)) from error

    def hole(self) -> int | None:
        """The hole number in the tag ``zm``; None if it is absent or unreadable."""
        with suppress(TagError):
            value = find_number(self.tags, b"zm")
            return value if isinstance(value, int) else None
        return None

    def read_cigar(self) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """Operations ``uint8[k]`` (section 4.2) and their lengths ``int32[k]``.

        Raises:
            MoleculeError: they do not fit the bases, or extend beyond the reference.
        """
        packed = np.frombuffer(self.cigar, "<u4")
        if len(packed) == 2 and packed[0] == self.length << 4 | _SOFT_CLIP:
            packed = self._long_cigar(packed)
        operations, lengths = (packed & 0xF).astype(np.uint8), packed >> 4
        if (operations >= _N_OPERATIONS).any():
            raise self.error("unknown operation in the CIGAR")
        on_read, on_reference = (
            int(lengths[kind[operations]].sum(dtype=np.int64)) for kind in (_ON_READ, _ON_REFERENCE)
        )
        if self.length and len(packed) and on_read != self.length:
            raise self.error(f"CIGAR covers {on_read} bases, but the read has {self.length}")
        if not self.unmapped and not 0 <= self.start <= self.origin.lengths[self.reference_id] - on_reference:
            raise self.error(
                f"alignment extends beyond {self.reference_name} ({self.origin.lengths[self.reference_id]} bases)"
            )
        return operations, lengths.astype(np.int32)

    def _long_cigar(self, short: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """The CIGAR in tag ``CG``, used for more operations than the field can hold; without it, the field itself."""
        held = next((value for tag, value, _ in self.read_tags() if tag == _LONG_CIGAR), None)
        return np.frombuffer(held.tobytes(), "<u4") if isinstance(held, array) and held.typecode == "I" else short


def parse_record(data: bytes, origin: Origin) -> Record:
    """Parse a record from the bytes that follow its size.

    Args:
        data: ``SMALLEST`` bytes or more.
        origin: its file.

    Returns:
        The record; one with a fault lacks the parts that cannot be parsed.
    """
    reference, start, name_size, mapping_quality, _, n_operations, flag, length, *mate = _FIXED.unpack_from(data)
    at_cigar = SMALLEST + name_size
    at_bases = at_cigar + 4 * n_operations
    at_qualities = at_bases + (length + 1) // 2
    at_tags = at_qualities + length
    name, fault = parse_name(data[SMALLEST:at_cigar])
    if length < 0 or at_tags > len(data):
        fault, at_cigar, length = "name, CIGAR, bases and qualities exceed the size of the record", len(data), 0
        at_bases = at_qualities = at_tags = len(data)
    elif not (-1 <= reference < len(origin.references) and -1 <= mate[0] < len(origin.references)):
        fault = f"reference {reference} (mate: {mate[0]}) is not in the header, which has {len(origin.references)}"
    elif flag >> _FLAG_BITS:
        fault = f"invalid flag {flag} (more than {_FLAG_BITS} bits)"
    elif flag & _NOT_PRIMARY and reference < 0:
        fault = "flagged as secondary or supplementary, but not aligned"
    elif start < -1:
        fault = f"invalid position {start}"
    return Record(
        origin,
        name if not fault else parse_name(data[SMALLEST : data.find(b"\0", SMALLEST) + 1])[0],
        flag,
        -1 if fault else reference,
        start,
        mapping_quality,
        (mate[0], mate[1], mate[2]),
        data[at_cigar:at_bases],
        length,
        data[at_bases:at_qualities],
        data[at_qualities:at_tags],
        data[at_tags:],
        fault,
    )


def parse_name(data: bytes) -> tuple[str, str]:
    """A read name, escaped where it is not printable ASCII, and its fault; empty if there is none.

    Args:
        data: the name with its final NUL byte.
    """
    if data.endswith(b"\0") and _READ_NAME.fullmatch(data, 0, len(data) - 1):
        return data[:-1].decode("ascii"), ""
    shown = ascii(data.removesuffix(b"\0").decode("latin-1"))[1:-1]
    return shown or "without a name", "the read name is not printable ASCII ending with a NUL byte"
