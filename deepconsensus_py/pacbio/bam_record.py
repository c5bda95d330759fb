"""BAM records, parsed from bytes; every length is checked before it is used."""

import re
import struct
from array import array
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.bam_tags import TagError, Tags, decode_tags, find_number
from deepconsensus_py.pacbio.molecule import HIGHEST_QUALITY, encode_bases

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
