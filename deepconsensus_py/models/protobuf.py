"""The wire format of protocol buffers (protobuf.dev, "Encoding"), as far as files of TensorFlow need it."""

from collections.abc import Iterator
from typing import Any


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A base-128 number, least significant group first, and where it ends.

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
