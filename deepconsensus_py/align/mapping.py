"""Where one sequence lies on a draft: seeds and affine gaps by minimap2, ends and hard cases by edlib."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import edlib
import mappy
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


_EQX = 0x4000000
"""minimap2's flag for ``=``/``X`` instead of ``M``."""

_SENSITIVE = {"k": 10, "w": 5, "min_cnt": 2, "min_chain_score": 10, "min_dp_score": 20}
"""Seeds for passes without longer ones: two 10-mers on one diagonal, as actc's second try."""

_CHANCE_SCORE = 10.0
"""With the logarithm of the two lengths' product, a score that unrelated sequences do not reach (extreme value
distribution of local scores, Karlin and Altschul 1990)."""

_MOST_REPEATED = 150_000
"""Seed matches within a draft: minimap2 takes seconds a pass for more of them (600 bases of a dinucleotide repeat),
where edlib takes its usual 50 ms."""

_MOST_UNALIGNED = 0.1
"""Unaligned ends that pass and draft both have, of more than this share of the shorter: perhaps a wrong diagonal."""

_MIN_COVERED = 0.1
"""An alignment covers at least this share of the pass or of the draft, whichever is shorter."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A sequence on a draft.

    Attributes:
        reverse: what aligns is the sequence's reverse complement; ``head`` and ``tail`` count on that.
        start: draft position of the first aligned base.
        end: draft position after the last aligned base.
        head: unaligned bases before the first aligned one.
        tail: unaligned bases after the last aligned one.
        equal: pairs of equal bases.
        operations: (CIGAR code, length) from ``start`` on, without clips.
    """

    reverse: bool
    start: int
    end: int
    head: int
    tail: int
    equal: int
    operations: Cigar


class DraftMap:
    """Finds sequences on one draft.

    Args:
        draft: its bases as text.
        forward_only: the draft was made from one strand; what reads the other strand does not belong to it.
    """

    def __init__(self, draft: str, *, forward_only: bool = False) -> None:
        self._draft = draft
        self._forward_only = forward_only

    def find(self, sequence: str) -> Hit | None:
        """The best alignment of a sequence, or None.

        Args:
            sequence: bases as text, in sequencing orientation.
        """
        shorter = min(len(sequence), len(self._draft))
        if not shorter:
            return None
        hits = [] if self._repetitive else self._seeded(sequence, self._index)
        if min(map(self._unaligned_ends, hits), default=shorter) > _MOST_UNALIGNED * shorter:
            hits += self._whole(sequence)
        if not (hits or self._repetitive):
            hits = self._seeded(sequence, self._sensitive_index)
        hit = self._choose(hits)
        covers = hit is not None and len(sequence) - hit.head - hit.tail >= _MIN_COVERED * shorter
        return hit if covers else None

    @cached_property
    def _repetitive(self) -> bool:
        return repeated_matches(self._draft) > _MOST_REPEATED

    @cached_property
    def _index(self) -> mappy.Aligner:
        return mappy.Aligner(seq=self._draft, preset="map-ont", best_n=1, extra_flags=_EQX)

    @cached_property
    def _sensitive_index(self) -> mappy.Aligner:
        return mappy.Aligner(seq=self._draft, preset="map-ont", best_n=1, extra_flags=_EQX, **_SENSITIVE)

    def _seeded(self, sequence: str, index: mappy.Aligner) -> list[Hit]:
        """Alignments of chains of shared k-mers, extended to the ends."""
        hits = []
        for found in index.map(sequence) if index else ():
            head, tail = found.q_st, len(sequence) - found.q_en
            reverse = found.strand < 0
            if reverse:
                head, tail = tail, head
            operations = [(code, length) for length, code in found.cigar]
            hit = Hit(reverse, found.r_st, found.r_en, head, tail, found.mlen, operations)
            hits.append(self._extended(hit, _oriented(sequence, reverse=reverse)))
        return hits

    def _whole(self, sequence: str) -> list[Hit]:
        """Unit-cost alignments of all of the shorter sequence, cut to the stretch that is better than chance.

        For what seeds do not serve: short sequences and tandem repeats.
        """
        chance = _CHANCE_SCORE + math.log(len(sequence) * len(self._draft))
        hits = []
        for reverse in (False, True):
            found = best_overlap(_oriented(sequence, reverse=reverse), self._draft)
            if found and score(found.operations) > chance:
                end = found.start + length(found.operations, cigar.ON_DRAFT)
                equal = equal_bases(found.operations)
                hits.append(Hit(reverse, found.start, end, found.head, found.tail, equal, found.operations))
        return hits

    def _choose(self, hits: list[Hit]) -> Hit | None:
        """The hit with most equal bases; a read through a missed adapter has hits on both strands."""
        return max((hit for hit in hits if not (self._forward_only and hit.reverse)), key=_equal, default=None)

    def _extended(self, hit: Hit, sequence: str) -> Hit:
        """Extend to the ends of sequence or draft as far as it pays: minimap2 stops at the last good stretch."""
        left = extension(sequence[: hit.head][::-1], self._draft[: hit.start][::-1])
        right = extension(sequence[len(sequence) - hit.tail :], self._draft[hit.end :])
        return Hit(
            reverse=hit.reverse,
            start=hit.start - length(left, cigar.ON_DRAFT),
            end=hit.end + length(right, cigar.ON_DRAFT),
            head=hit.head - length(left, cigar.ON_PASS),
            tail=hit.tail - length(right, cigar.ON_PASS),
            equal=hit.equal + equal_bases(left) + equal_bases(right),
            operations=[*reversed(left), *hit.operations, *right],
        )

    def _unaligned_ends(self, hit: Hit) -> int:
        """Bases at the ends that pass and draft both have and that are not aligned."""
        return min(hit.head, hit.start) + min(hit.tail, len(self._draft) - hit.end)


def _equal(hit: Hit) -> int:
    return hit.equal


def _oriented(sequence: str, *, reverse: bool) -> str:
    return str(mappy.revcomp(sequence)) if reverse else sequence


_SEED = 15
"""Bases; minimap2's map-ont preset."""


def repeated_matches(sequence: str) -> int:
    """Matches of the sequence's 15-mers to its own 15-mers elsewhere: what seeds of a copy of it would find in vain.

    A run of n equal bases, or n bases of a short unit, has up to n^2.
    """
    letters = np.frombuffer(sequence.encode("ascii"), np.uint8).astype(np.uint64)
    if len(letters) < _SEED:
        return 0
    # Two bits tell A, C, G and T apart (bits 1 and 2 of their ASCII codes); N counts as one of them.
    codes = letters >> np.uint64(1) & np.uint64(3)
    words = np.zeros(len(codes) - _SEED + 1, np.uint64)
    for offset in range(_SEED):
        words = words << np.uint64(2) | codes[offset : offset + len(words)]
    _, copies = np.unique(words, return_counts=True)
    return int((copies.astype(np.int64) ** 2).sum() - len(words))
