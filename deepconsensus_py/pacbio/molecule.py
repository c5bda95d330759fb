"""A ZMW with its draft and its passes, as frozen records of NumPy arrays: the data that all stages work on.

Base codes are those of DeepConsensus (``" ATCG"``) plus N: 0 gap, 1 A, 2 T, 3 C, 4 G, 5 any other letter.
Pulse widths and inter-pulse durations are codec V1 codes (``uint8``), one for each base.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BASES = " ATCGN"
GAP, A, T, C, G, N = range(6)

_CODE_OF_BYTE = np.full(256, N, np.uint8)
for _code, _letter in enumerate(BASES):
    _CODE_OF_BYTE[[ord(_letter), ord(_letter.lower())]] = _code
_BYTE_OF_CODE = np.frombuffer(BASES.encode(), np.uint8)
_COMPLEMENT = np.array([GAP, T, A, G, C, N], np.uint8)

_BOTH_ADAPTERS = 3
"""Bits of tag ``cx`` (PacBio BAM format, local context flags): adapter before, adapter after."""

HIGHEST_QUALITY = 93
"""The highest quality that FASTQ can encode, Phred (SAM specification, section 1.4)."""


def encode_bases(sequence: str) -> NDArray[np.uint8]:
    """Base codes ``uint8[n]`` of a sequence."""
    return _CODE_OF_BYTE[np.frombuffer(sequence.encode("ascii"), np.uint8)]


def decode_bases(codes: NDArray[np.uint8]) -> str:
    """The sequence of base codes; a gap is a blank."""
    return _BYTE_OF_CODE[codes].tobytes().decode("ascii")


def reverse_complement(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Base codes of the opposite strand."""
    return _COMPLEMENT[codes[::-1]]


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """Alignment of a pass to its draft.

    Attributes:
        start: 0-based draft position of the first aligned base.
        operations: ``uint8[k]`` BAM CIGAR codes (1 I, 2 D, 4 S, 5 H, 7 =, 8 X; SAM specification, section 4.2).
        lengths: ``int32[k]`` bases of each operation.
    """

    start: int
    operations: NDArray[np.uint8]
    lengths: NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """One pass of the polymerase over the molecule (a subread).

    Bases and kinetics have the same orientation: that of sequencing while ``alignment`` is None, that of the draft once
    the pass is aligned (with ``reverse`` True if the two differ).

    Attributes:
        name: ``movie/zmw/qStart_qEnd``.
        bases: ``uint8[n]`` base codes.
        pulse_widths: ``uint8[n]`` codec V1 codes (tag ``pw``), or None.
        inter_pulse_durations: ``uint8[n]`` codec V1 codes (tag ``ip``), or None.
        snr: ``float32[4]`` signal-to-noise of A, C, G, T (tag ``sn``), or None.
        alignment: the alignment to the draft, or None.
        reverse: whether the pass is from the strand opposite to the draft.
        tags: other BAM tags as (tag, value, type code), e.g. ``cx``, ``qs``, ``qe``, ``rq``, ``RG``.
    """

    name: str
    bases: NDArray[np.uint8]
    pulse_widths: NDArray[np.uint8] | None
    inter_pulse_durations: NDArray[np.uint8] | None
    snr: NDArray[np.float32] | None
    alignment: Alignment | None = None
    reverse: bool = False
    tags: tuple[tuple[str, Any, str], ...] = ()

    def tag(self, name: str) -> Any:
        """The value of a tag, or None."""
        return next((value for tag, value, _ in self.tags if tag == name), None)

    @property
    def is_full(self) -> bool:
        """Whether the pass has an adapter on both sides (tag ``cx``); True without the tag."""
        context = self.tag("cx")
        return context is None or bool(context & _BOTH_ADAPTERS == _BOTH_ADAPTERS)


def count_full(passes: Iterable[Pass]) -> int:
    """Number of full passes."""
    return sum(p.is_full for p in passes)


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """The draft consensus of a molecule (a CCS read).

    Attributes:
        name: ``movie/zmw/ccs`` or, by strand, ``movie/zmw/ccs/fwd`` and ``/rev``.
        bases: ``uint8[n]`` base codes.
        qualities: ``uint8[n]`` Phred, or None.
        tags: all BAM tags as (tag, value, type code) in file order; for FASTQ and FASTA, ``RG`` and ``zm`` from the
            read name.
    """

    name: str
    bases: NDArray[np.uint8]
    qualities: NDArray[np.uint8] | None
    tags: tuple[tuple[str, Any, str], ...] = ()

    def tag(self, name: str) -> Any:
        """The value of a tag, or None."""
        return next((value for tag, value, _ in self.tags if tag == name), None)


@dataclass(frozen=True, slots=True, eq=False)
class Zmw:
    """A ZMW (or one strand of it): a draft and its passes, all of them aligned or none.

    Attributes:
        draft: the draft; its name is the ZMW's.
        passes: the passes in file order; empty if there are no subreads.
    """

    draft: Draft
    passes: tuple[Pass, ...]

    @property
    def name(self) -> str:
        """The draft's name."""
        return self.draft.name

    @property
    def aligned(self) -> bool:
        """Whether the passes are aligned to the draft."""
        return all(p.alignment is not None for p in self.passes)


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """The true sequence of a molecule, aligned to its draft, and its position in the genome.

    Attributes:
        name: the draft's name.
        contig: contig of the truth assembly.
        begin: 0-based contig position of the first base that is not clipped.
        end: one past the contig position of the last base that is not clipped.
        split: ``"train"``, ``"eval"`` or ``"test"``, by chromosome.
        bases: ``uint8[n]`` base codes in the draft's orientation, soft-clipped ones included.
        alignment: the alignment to the draft.
    """

    name: str
    contig: str
    begin: int
    end: int
    split: str
    bases: NDArray[np.uint8]
    alignment: Alignment
