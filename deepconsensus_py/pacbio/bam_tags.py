"""Tags of BAM records, parsed from bytes; every length is checked before it is used.

pysam's ``get_tags`` trusts the counts inside a record: a wrong one ends the process or reads beyond the record.
"""

import re
import struct
from array import array
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

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
