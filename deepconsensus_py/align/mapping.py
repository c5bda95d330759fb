"""Alignment of a sequence to a draft: seeds and affine gaps by minimap2, ends and difficult cases by edlib."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import edlib
import mappy
import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.pacbio.molecule import Alignment

Cigar = list[tuple[int, int]]
"""(CIGAR code, length) pairs."""

ERROR_COST = 1.5
"""Penalty of an error, with a match score of 1: stretches below 60 % identity have a negative score. Unit-cost
alignments of unrelated sequences reach about 55 %."""

_MOST_EDITS = 0.35
"""Most edits per base between sequences of one molecule. Unrelated ones need 0.45, and take edlib longest."""

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
    """Bases consumed by operations on one side (``cigar.ON_PASS`` or ``cigar.ON_DRAFT``)."""
    return sum(n for op, n in operations if on[op])


def equal_bases(operations: Cigar) -> int:
    """Pairs of equal bases."""
    return sum(n for op, n in operations if op == cigar.EQUAL)


def end_to_end(query: NDArray[np.uint8], target: NDArray[np.uint8]) -> Cigar:
    """Align two sequences ``uint8[n]`` of base codes from end to end, at the least edit distance."""
    return _parse(edlib.align(query.tobytes(), target.tobytes(), task="path")["cigar"], swapped=False)


def extension(query: str, target: str) -> Cigar:
    """Align from the common start of two sequences, up to the highest score.

    The rest of both sequences stays unaligned.
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
    """Align the shorter sequence within the longer one, and keep the stretch with the highest score.

    Returns:
        The stretch, or None if the sequences differ too much to be of one molecule.
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
    return np.array([n if op == cigar.EQUAL else -ERROR_COST * n for op, n in operations], np.float64)


def _parse(text: str, *, swapped: bool) -> Cigar:
    codes = _SWAPPED if swapped else _CODES
    return [(codes[op], int(n)) for n, op in _OPERATION.findall(text)]


_EQX = 0x4000000
"""minimap2's flag for ``=``/``X`` instead of ``M``."""

_SENSITIVE = {"k": 10, "w": 5, "min_cnt": 2, "min_chain_score": 10, "min_dp_score": 20}
"""Seeding for passes without longer seeds: two 10-mers on one diagonal, as in actc's second attempt."""

_CHANCE_SCORE = 10.0
"""Added to the logarithm of the product of the two lengths: a score that unrelated sequences do not reach (extreme
value distribution of local scores, Karlin and Altschul 1990)."""

_MOST_REPEATED = 150_000
"""Most seed matches within a draft for minimap2, which takes seconds per pass for more of them (600 bases of a
dinucleotide repeat); edlib takes its usual 50 ms."""

_MOST_UNALIGNED = 0.1
"""If pass and draft both have unaligned ends longer than this fraction of the shorter one, the hit may be wrong."""

MIN_COVERED = 0.1
"""Minimum fraction of the shorter one of pass and draft that an alignment must cover."""


@dataclass(frozen=True, slots=True)
class Hit:
    """An alignment of a sequence to a draft.

    Attributes:
        reverse: whether the reverse complement aligns; ``head`` and ``tail`` refer to the aligned orientation.
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


def _join(first: Hit, second: Hit) -> Hit | None:
    """Two hits as one, without the pairs of the second before the end of the first; None if less than half is left."""
    end_in_pass = first.head + length(first.operations, cigar.ON_PASS)
    in_pass, in_draft = _pairs(second)
    new = np.flatnonzero((in_pass >= end_in_pass) & (in_draft >= first.end))
    if 2 * len(new) < len(in_pass):
        return None
    inserted, deleted = int(in_pass[new[0]]) - end_in_pass, int(in_draft[new[0]]) - first.end
    gaps = [(code, n) for code, n in ((cigar.INSERTION, inserted), (cigar.DELETION, deleted)) if n]
    operations = [*first.operations, *gaps, *_from(second, int(in_draft[new[0]]))]
    return Hit(first.reverse, first.start, second.end, first.head, second.tail, equal_bases(operations), operations)


def _pairs(hit: Hit) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions in the pass and in the draft of the pairs of a hit."""
    operations, lengths = np.array(hit.operations).T
    in_pass, in_draft = cigar.paired_positions(Alignment(hit.start, operations, lengths.astype(np.int32)))
    return in_pass + hit.head, in_draft


def _from(hit: Hit, position: int) -> Cigar:
    """The operations of a hit from the pair of a draft position on."""
    kept: Cigar = []
    at = hit.start
    for code, size in hit.operations:
        stop = at + size * int(cigar.ON_DRAFT[code])
        if at > position:
            kept.append((code, size))
        elif stop > position:
            kept.append((code, stop - position))
        at = stop
    return kept


class DraftMap:
    """Aligns sequences to one draft.

    Args:
        draft: its bases as text.
        forward_only: for by-strand drafts: passes of the other strand do not belong to it.
    """

    def __init__(self, draft: str, *, forward_only: bool = False) -> None:
        self._draft = draft
        self.forward_only = forward_only

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
            hits += [*self._across_gaps(hits, sequence), *self._whole(sequence)]
        if not (hits or self._repetitive):
            hits = self._seeded(sequence, self._sensitive_index)
        hit = self._choose(hits)
        covers = hit is not None and len(sequence) - hit.head - hit.tail >= MIN_COVERED * shorter
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

    def _across_gaps(self, hits: Sequence[Hit], sequence: str) -> list[Hit]:
        """The best hit joined with hits of what it leaves unaligned, if there are any.

        minimap2 breaks an alignment at gaps of some 400 bases, such as several copies of a repeat that the draft lacks.
        """
        best = self._choose(list(hits))
        if best is None:
            return []
        oriented, whole = _oriented(sequence, reverse=best.reverse), best
        for begin, end in ((0, best.head), (len(sequence) - best.tail, len(sequence))):
            for part in self._seeded(oriented[begin:end], self._index):
                if not part.reverse:
                    tail = part.tail + len(sequence) - end
                    hit = replace(part, reverse=best.reverse, head=part.head + begin, tail=tail)
                    whole = _join(*sorted((whole, hit), key=lambda hit: hit.head)) or whole
        return [] if whole is best else [whole]

    def _whole(self, sequence: str) -> list[Hit]:
        """Unit-cost alignments of the whole shorter sequence, cut to the best stretch if it is better than chance.

        For short sequences and tandem repeats, where seeds fail.
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
        """The hit with the most equal bases; a pass with a missed adapter has hits on both strands."""
        return max((hit for hit in hits if not (self.forward_only and hit.reverse)), key=_equal, default=None)

    def _extended(self, hit: Hit, sequence: str) -> Hit:
        """Extend towards the ends of sequence and draft up to the highest score: minimap2 stops at its last chain."""
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
        """Unaligned bases at the ends that both pass and draft have."""
        return min(hit.head, hit.start) + min(hit.tail, len(self._draft) - hit.end)


def _equal(hit: Hit) -> int:
    return hit.equal


def _oriented(sequence: str, *, reverse: bool) -> str:
    return str(mappy.revcomp(sequence)) if reverse else sequence


_SEED = 15
"""Bases; minimap2's map-ont preset."""


def repeated_matches(sequence: str) -> int:
    """Matches of the sequence's 15-mers to its own 15-mers elsewhere: spurious seed matches of a pass.

    A homopolymer of n bases, or n bases of a short unit, has up to n^2.
    """
    letters = np.frombuffer(sequence.encode("ascii"), np.uint8).astype(np.uint64)
    if len(letters) < _SEED:
        return 0
    # Bits 1 and 2 of their ASCII codes distinguish A, C, G and T; N counts as one of them.
    codes = letters >> np.uint64(1) & np.uint64(3)
    words = np.zeros(len(codes) - _SEED + 1, np.uint64)
    for offset in range(_SEED):
        words = words << np.uint64(2) | codes[offset : offset + len(words)]
    _, copies = np.unique(words, return_counts=True)
    return int((copies.astype(np.int64) ** 2).sum() - len(words))
