"""Read names: ``movie/zmw/qStart_qEnd`` (subreads) and ``movie/zmw/ccs[/fwd|/rev]`` (CCS reads).

Source: PacBio BAM format, section "QNAME convention"; the strand suffix is that of ``ccs --by-strand``.
"""

import hashlib
import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

# Movies are printable ASCII without the backslash of an escape, and no number has more digits than 32 bits can hold.
_CCS = re.compile(r"([!-.0-\[\]-~]+)/(\d{1,10})/ccs(?:/(fwd|rev))?", re.ASCII)
_SUBREAD = re.compile(r"([!-.0-\[\]-~]+)/(\d{1,10})/(\d{1,10})_(\d{1,10})", re.ASCII)
_STRAND_SUFFIXES = ("/ccs/fwd", "/ccs/rev")
MAX_HOLE = 2**31 - 1
_SHOWN = 100
_ID_DIGITS = 8


class Strand(Enum):
    """The strand of a by-strand CCS read; the value is its name's suffix."""

    FORWARD = "fwd"
    REVERSE = "rev"


@dataclass(frozen=True, slots=True)
class MoleculeId:
    """Movie, hole number and strand, by which drafts and subreads are matched.

    Attributes:
        movie: e.g. ``m64011_190228_190319``.
        hole: ZMW hole number.
        strand: the strand of a by-strand CCS read; None for other CCS reads and for raw subreads.
    """

    movie: str
    hole: int
    strand: Strand | None = None

    @property
    def zmw(self) -> "MoleculeId":
        """The ZMW, whatever the strand."""
        return self if self.strand is None else MoleculeId(self.movie, self.hole)

    def __str__(self) -> str:
        """The common prefix of its read names: ``movie/zmw``, or ``movie/zmw/ccs/fwd`` by strand."""
        return f"{self.movie}/{self.hole}" + (f"/ccs/{self.strand.value}" if self.strand else "")


def parse_ccs(name: str) -> MoleculeId | None:
    """The molecule of a CCS read, or None if the name is not ``movie/zmw/ccs[/fwd|/rev]``."""
    match = _CCS.fullmatch(name)
    if match is None or int(match[2]) > MAX_HOLE:
        return None
    return MoleculeId(match[1], int(match[2]), Strand(match[3]) if match[3] else None)


def parse_subread(name: str) -> MoleculeId | None:
    """The ZMW of a subread, or None if the name is not ``movie/zmw/qStart_qEnd``."""
    match = _SUBREAD.fullmatch(name)
    if match is None or int(match[2]) > MAX_HOLE:
        return None
    return MoleculeId(match[1], int(match[2]))


def is_by_strand(name: str) -> bool:
    """Whether a CCS read is of one strand only, by its name."""
    return name.endswith(_STRAND_SUFFIXES)


def subread_span(name: str) -> tuple[int, int]:
    """Start and end of a subread in its polymerase read, in bases; (0, 0) if the name is not a subread's."""
    match = _SUBREAD.fullmatch(name)
    return (int(match[3]), int(match[4])) if match else (0, 0)


def ccs_name(molecule: MoleculeId) -> str:
    """The name of a molecule's CCS read: ``movie/zmw/ccs`` or, by strand, ``movie/zmw/ccs/fwd``."""
    return str(molecule) if molecule.strand else f"{molecule}/ccs"


def whole_number(text: str) -> int | None:
    """Parse ASCII digits; None for anything else, and for more than 18 digits."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


def printable(name: str) -> str:
    """A name for messages and tables, with anything but printable ASCII escaped."""
    if name.isascii() and name.isprintable():
        return name
    return ascii(name.encode("utf-8", "surrogateescape").decode("latin-1"))[1:-1]


def read_group_id(molecule: MoleculeId, read_type: str = "CCS") -> str:
    """The id of a read group: 8 hexadecimal digits of the MD5 of ``movie//READTYPE[//fwd|//rev]``.

    Args:
        molecule: any of the read group.
        read_type: ``CCS`` or ``SUBREAD``.
    """
    strand = f"//{molecule.strand.value}" if molecule.strand else ""
    digest = hashlib.md5(
        f"{molecule.movie}//{read_type}{strand}".encode(errors="surrogateescape"), usedforsecurity=False
    )
    return digest.hexdigest()[:_ID_DIGITS]


def identity_tags(name: str) -> tuple[tuple[str, Any, str], ...]:
    """The tags ``RG`` and ``zm`` of a CCS read, from its name; none for other names."""
    molecule = parse_ccs(name)
    return (("RG", read_group_id(molecule), "Z"), ("zm", molecule.hole, "i")) if molecule else ()


def shortened(name: str) -> str:
    """A name for messages, cut to 100 characters: names in text files have no limit."""
    return name if len(name) <= _SHOWN else f"{name[: _SHOWN - 1]}…"
