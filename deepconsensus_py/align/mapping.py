"""Where one sequence lies on a draft: seeds and affine gaps by minimap2, ends and hard cases by edlib.

The choice of libraries was measured; the table is in ``docs/developers/alignment.md``.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import mappy
import numpy as np

from deepconsensus_py.align import cigar, unit_cost
from deepconsensus_py.align.unit_cost import Cigar

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

_LEFT_OUT = 0.1
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
        if min(map(self._left_out, hits), default=shorter) > _LEFT_OUT * shorter:
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
            found = unit_cost.best_overlap(_oriented(sequence, reverse=reverse), self._draft)
            if found and unit_cost.score(found.operations) > chance:
                end = found.start + unit_cost.length(found.operations, cigar.ON_DRAFT)
                equal = unit_cost.equal_bases(found.operations)
                hits.append(Hit(reverse, found.start, end, found.head, found.tail, equal, found.operations))
        return hits

    def _choose(self, hits: list[Hit]) -> Hit | None:
        """The hit with most equal bases; a read through a missed adapter has hits on both strands."""
        return max((hit for hit in hits if not (self._forward_only and hit.reverse)), key=_equal, default=None)

    def _extended(self, hit: Hit, sequence: str) -> Hit:
        """Extend to the ends of sequence or draft as far as it pays: minimap2 stops at the last good stretch."""
        left = unit_cost.extension(sequence[: hit.head][::-1], self._draft[: hit.start][::-1])
        right = unit_cost.extension(sequence[len(sequence) - hit.tail :], self._draft[hit.end :])
        return Hit(
            reverse=hit.reverse,
            start=hit.start - unit_cost.length(left, cigar.ON_DRAFT),
            end=hit.end + unit_cost.length(right, cigar.ON_DRAFT),
            head=hit.head - unit_cost.length(left, cigar.ON_PASS),
            tail=hit.tail - unit_cost.length(right, cigar.ON_PASS),
            equal=hit.equal + unit_cost.equal_bases(left) + unit_cost.equal_bases(right),
            operations=[*reversed(left), *hit.operations, *right],
        )

    def _left_out(self, hit: Hit) -> int:
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
