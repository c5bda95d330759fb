"""The checksum, at the published check value and bit by bit."""

import random

from deepconsensus_py.models.tensorflow import crc32c, masked_crc32c


def bitwise(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def test_check_values() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, appendix B.4
    assert crc32c(b"") == 0


def test_equal_to_the_division_bit_by_bit() -> None:
    source = random.Random(0)
    for size in (1, 3, 64, 1000):
        data = source.randbytes(size)
        assert crc32c(data) == bitwise(data)


def test_the_mask_turns_and_adds() -> None:
    crc = crc32c(b"foo")
    turned = (masked_crc32c(b"foo") - 0xA282EAD8) & 0xFFFFFFFF
    assert (turned >> 17 | turned << 15) & 0xFFFFFFFF == crc
