"""Unit-cost alignments by edlib, cut to the stretches that pay."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import edlib
import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar

Cigar = list[tuple[int, int]]
"""(CIGAR code, length) pairs."""

_ERROR_COST = 1.5
"""What an error costs where an equal base brings 1: stretches under 60 % identity cost more than they bring.
Unit-cost alignments of unrelated sequences reach about 55 %."""

_MOST_EDITS = 0.35
"""Edits per base of whole sequences of one molecule; unrelated ones need 0.45, and it takes edlib longest to say so."""

_OPERATION = re.compile(r"(\d+)([=XID])")
_CODES = {"=": cigar.EQUAL, "X": cigar.DIFFERENT, "I": cigar.INSERTION, "D": cigar.DELETION}
_SWAPPED = {"=": cigar.EQUAL, "X": cigar.DIFFERENT, "I": cigar.DELETION, "D": cigar.INSERTION}


@dataclass(frozen=True, slots=True)
class Overlap:
    """Part of one sequence aligned to part of another.

    Attributes:
        start: position of the first aligned base in the target.
        head: bases of the query before the first aligned one.
        tail: bases of the query after the last aligned one.
        operations: from ``start`` on.
    """

    start: int
    head: int
    tail: int
    operations: Cigar


def score(operations: Cigar) -> float:
    """Equal bases less the cost of errors."""
    return float(_gains(operations).sum())


def length(operations: Cigar, on: NDArray[np.bool_]) -> int:
    """Bases that operations take on one side (``cigar.ON_PASS`` or ``cigar.ON_DRAFT``)."""
    return sum(n for op, n in operations if on[op])


def equal_bases(operations: Cigar) -> int:
    """Pairs of equal bases."""
    return sum(n for op, n in operations if op == cigar.EQUAL)


def extension(query: str, target: str) -> Cigar:
    """Align from the common start of two sequences on, as far as it pays.

    The shorter sequence may run out; what is left of either stays unaligned.
    """
    shorter, longer = sorted((query, target), key=len)
    if not shorter:
        return []
    reach = len(shorter) + len(shorter) // 2 + 32
    found = edlib.align(shorter, longer[:reach], mode="SHW", task="path")
    operations = _parse(found["cigar"], swapped=len(query) > len(target))
    total = np.cumsum(_gains(operations))
    return operations[: int(total.argmax()) + 1] if total.max() > 0 else []


def best_overlap(query: str, target: str) -> Overlap | None:
    """Align all of the shorter sequence within the longer, and keep the stretch with the highest score.

    Returns:
        The stretch, or None where the sequences differ too much to be of one molecule.
    """
    swapped = len(query) > len(target)
    shorter, longer = (target, query) if swapped else (query, target)
    found = edlib.align(shorter, longer, mode="HW", task="path", k=int(_MOST_EDITS * len(shorter)))
    if found["editDistance"] < 0:
        return None
    operations = _parse(found["cigar"], swapped=swapped)
    at = found["locations"][0][0]
    first, end = _best_stretch(_gains(operations))
    before, kept = operations[:first], operations[first:end]
    head = length(before, cigar.ON_PASS) + at * swapped
    start = length(before, cigar.ON_DRAFT) + at * (not swapped)
    return Overlap(start, head, len(query) - head - length(kept, cigar.ON_PASS), kept)


def _best_stretch(gains: NDArray[np.float64]) -> tuple[int, int]:
    """The half-open interval with the largest sum."""
    total = np.concatenate(([0.0], np.cumsum(gains)))
    lowest = np.minimum.accumulate(total)
    end = int((total - lowest).argmax())
    return int(total[: end + 1].argmin()), end


def _gains(operations: Sequence[tuple[int, int]]) -> NDArray[np.float64]:
    return np.array([n if op == cigar.EQUAL else -_ERROR_COST * n for op, n in operations], np.float64)


def _parse(text: str, *, swapped: bool) -> Cigar:
    codes = _SWAPPED if swapped else _CODES
    return [(codes[op], int(n)) for n, op in _OPERATION.findall(text)]
