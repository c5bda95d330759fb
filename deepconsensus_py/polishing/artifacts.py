"""Reads that are no insert: palindromes, and reads with adapter sequence.

Source: PacBio BAM format, "Use of read tags for fail per-read information" (``ff``); the thresholds are ours.
"""

from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path

import edlib
import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.molecule import decode_bases, encode_bases, reverse_complement
from deepconsensus_py.pacbio.text_reads import text_reads


class FailFlag(IntFlag):
    """The bits of tag ``ff``."""

    LOW_QUALITY = 1
    CONTROL = 2
    SINGLE_STRAND = 4
    FULL_PASS = 8
    ADAPTER_CONCATENATE = 16
    PALINDROME = 32
    ADAPTER_NEAR_END = 64


_HEAD, _TAIL = 300, 450
"""Bases: a palindrome begins as the reverse complement of its end."""

_PALINDROME_EDITS, _ADAPTER_EDITS = 0.2, 0.2
"""Most edits per base. In 19 reads that are none, the head of a palindrome had 138 to 159 edits in 300 bases."""

_NEAR_END = 100
"""Bases."""


@dataclass(frozen=True, slots=True)
class ArtifactFilter:
    """Tests for reads that are no insert: they go to the fail reads.

    Attributes:
        adapters: letters of the run's adapters; without them no read is tested for adapters.
    """

    adapters: tuple[str, ...] = ()

    def found(self, bases: NDArray[np.uint8]) -> FailFlag:
        """What a read is taken for: bits 16, 32 and 64; 0 for a read without faults.

        Args:
            bases: ``uint8[n]`` base codes.
        """
        flags = FailFlag(0)
        if is_palindrome(bases):
            flags |= FailFlag.PALINDROME
        covered = adapters_in(bases, self.adapters)
        if covered[:_NEAR_END].any() or covered[-_NEAR_END:].any():
            flags |= FailFlag.ADAPTER_NEAR_END
        if len(bases) and 2 * int(covered.sum()) >= len(bases):
            flags |= FailFlag.ADAPTER_CONCATENATE
        return flags


def read_adapters(path: Path) -> tuple[str, ...]:
    """The adapter sequences of a FASTA file.

    Raises:
        InputError: it cannot be read, has no sequence, or one with other letters than A, C, G and T.
    """
    adapters = []
    for read in text_reads(path):
        letters = read.sequence.upper()
        if not letters or set(letters) - set("ACGT"):
            raise InputError(f"{path}: adapter {read.name} must consist of the letters A, C, G and T")
        adapters.append(letters)
    if not adapters:
        raise InputError(f"{path}: no adapter found; give FASTA")
    return tuple(adapters)


def is_palindrome(bases: NDArray[np.uint8]) -> bool:
    """Whether a read turns back at a missed adapter: its start is the reverse complement of its end.

    Args:
        bases: ``uint8[n]`` base codes.
    """
    head, tail = bases[:_HEAD], reverse_complement(bases[-_TAIL:])
    most = int(_PALINDROME_EDITS * len(head))
    found = edlib.align(decode_bases(head), decode_bases(tail), mode="HW", k=most)
    return bool(len(head) and found["editDistance"] >= 0)


def adapters_in(bases: NDArray[np.uint8], adapters: tuple[str, ...]) -> NDArray[np.bool_]:
    """``bool[n]``: which bases of a read are adapter, of either strand.

    Args:
        bases: ``uint8[n]`` base codes.
        adapters: letters of each.
    """
    covered = np.zeros(len(bases), np.bool_)
    letters = bytearray(decode_bases(bases), "ascii")
    for adapter in adapters if len(bases) else ():
        for strand in {adapter, decode_bases(reverse_complement(encode_bases(adapter)))}:
            most = int(_ADAPTER_EDITS * len(strand))
            # One distance at a time: what was found is masked, until no copy is left.
            while (found := edlib.align(strand, letters.decode("ascii"), "HW", "locations", most))["locations"]:
                for start, last in found["locations"]:
                    covered[start : last + 1] = True
                    letters[start : last + 1] = b"N" * (last + 1 - start)
    return covered
