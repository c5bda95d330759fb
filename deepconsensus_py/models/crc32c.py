"""The checksum of TensorFlow's files (CRC-32C, RFC 3720 appendix B.4, masked as in LevelDB's log format)."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

POLYNOMIAL = 0x82F63B78  # Castagnoli's, bits reversed
MASK_DELTA = 0xA282EAD8


def _table() -> NDArray[np.uint32]:
    crc = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        crc = np.where(crc & 1, crc >> 1 ^ np.uint32(POLYNOMIAL), crc >> 1)
    return crc


@njit(cache=True)
def _crc32c(data: NDArray[np.uint8], table: NDArray[np.uint32]) -> np.uint32:
    crc = np.uint32(0xFFFFFFFF)
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> np.uint32(8))
    return np.uint32(crc ^ np.uint32(0xFFFFFFFF))


def crc32c(data: bytes) -> int:
    """CRC-32C of bytes."""
    return int(_crc32c(np.frombuffer(data, np.uint8), _table()))


def masked_crc32c(data: bytes) -> int:
    """CRC-32C as it is stored beside the data it covers."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + MASK_DELTA) & 0xFFFFFFFF
