"""How much of a file is stored for good, and its checksum: what is not as it was written is never continued."""

import zlib
from dataclasses import dataclass
from pathlib import Path

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.inputs import reading

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Stored:
    """The start of a file, or all of it.

    Attributes:
        size: bytes.
        crc: CRC-32 of them (RFC 1952, section 8); it grows with the file, so that nothing is read again to store more.
    """

    size: int = 0
    crc: int = 0

    def after(self, data: bytes | memoryview) -> "Stored":
        """What is stored once data has been appended."""
        return Stored(self.size + len(data), zlib.crc32(data, self.crc))

    def require(self, path: Path) -> None:
        """Read the start of a file, and refuse it where it is not what was written.

        Raises:
            InputError: it is missing, shorter, or its checksum is another.
        """
        found = stored(path, self.size) if path.exists() else None
        if found is None:
            fault = "is missing"
        elif found.size < self.size:
            fault = f"holds {found.size} of the {self.size} bytes that were written"
        elif found != self:
            fault = f"is damaged: its checksum is {found.crc:08x}, and {self.crc:08x} was written"
        else:
            return
        raise InputError(f"{path}: {fault}; delete {path.parent} to start over")


def stored(path: Path, size: int | None = None) -> Stored:
    """What a file holds, or at most its first bytes.

    Raises:
        InputError: it cannot be read.
    """
    found = Stored()
    with reading(path), path.open("rb") as file:
        while data := file.read(_CHUNK if size is None else min(_CHUNK, size - found.size)):
            found = found.after(data)
    return found
