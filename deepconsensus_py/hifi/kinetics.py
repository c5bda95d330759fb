"""Kinetics of a polished read: means of the durations of its passes, by strand (compiled).

Source of the tags: PacBio BAM format, section "Use of read tags for HiFi per-read-base kinetic information". How
``ccs`` averages is not documented; of all rules tried, these agree best with its reads (docs/methylation.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, auto

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.kernels import kernel
from deepconsensus_py.pacbio.bam_tags import Tags, in_order
from deepconsensus_py.pacbio.codec import CODE_OF_FRAMES, FRAMES_OF_CODE
from deepconsensus_py.pacbio.molecule import Draft, Pass, Zmw
from deepconsensus_py.pacbio.names import is_by_strand

FORWARD, REVERSE, SINGLE = ("fi", "fp"), ("ri", "rp"), ("ip", "pw")
"""Tags of the inter-pulse durations and pulse widths of a read's own strand, of the opposite strand, and of a read of
one strand only. Those of the opposite strand run from the last base of the read to the first."""

ARRAY_TAGS = (*FORWARD, *REVERSE, *SINGLE)
COUNT_TAGS = ("fn", "rn")
"""Numbers of passes of the two strands."""

KINETICS_TAGS = frozenset((*ARRAY_TAGS, *COUNT_TAGS))

MOST_CELLS = 1 << 26
"""Where an inserted stretch of the read and the bases of a pass there have a larger product of lengths, the pass does
not count: aligning them would take too much memory."""

REALIGNED = 5
"""Bases on either side of an edit of the draft within which passes are aligned anew. Compared with passes that are all
aligned to the read, it halves the differences there; 10 are no better."""

Codes = NDArray[np.uint8]
Integers = NDArray[np.int32]


class Origin(StrEnum):
    """Where the kinetics of a read come from."""

    COMPUTED = auto()
    CARRIED = auto()
    INVALID = auto()


@dataclass(frozen=True, slots=True, eq=False)
class Kinetics:
    """Kinetics of a polished read.

    Attributes:
        origin: computed from the passes, carried over from the draft, or absent because the draft's are invalid.
        arrays: codec V1 codes by tag, ``uint8[n]`` for the n bases of the read, or ``uint8[0]`` for a strand without
            passes; 0 where no pass has data. ``fi fp ri rp``, or ``ip pw`` for a read of one strand.
        counts: ``fn`` and ``rn``, numbers of passes of the two strands.
    """

    origin: Origin
    arrays: Mapping[str, Codes] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def tags(self) -> Tags:
        """The BAM tags, by name; arrays are NumPy's."""
        arrays = ((tag, values, "B") for tag, values in self.arrays.items())
        return in_order((*arrays, *((tag, count, "i") for tag, count in self.counts.items())))


@dataclass(frozen=True, slots=True, eq=False)
class PassKinetics:
    """The aligned parts of passes, one after the other in few arrays, as they travel between processes.

    All run against the direction of their sequencing, without being complemented: passes of the draft's strand from its
    last base to its first, the others as they are aligned.

    Attributes:
        letters: ``uint8[3, n]`` base codes (in draft orientation), inter-pulse durations and pulse widths (codec V1).
        operations: ``uint8[k]`` CIGAR codes without clips.
        lengths: ``int32[k]`` bases of each.
        starts: ``int32[passes]`` position of the first aligned base in the draft, or in the draft turned round.
        ends: ``int64[passes, 2]`` end of each pass in ``letters`` and in ``operations``.
        reverse: ``bool[passes]`` whether the pass is from the strand opposite to the draft.
    """

    letters: Codes
    operations: Codes
    lengths: Integers
    starts: Integers
    ends: NDArray[np.int64]
    reverse: NDArray[np.bool_]


def pass_kinetics(zmw: Zmw) -> PassKinetics | None:
    """What the kinetics of a read need of its passes; None if none has both durations.

    Args:
        zmw: a ZMW with aligned passes; those without pulse widths or inter-pulse durations do not count.
    """
    parts = [_aligned_part(p, len(zmw.draft.bases)) for p in zmw.passes if has_durations(p)]
    if not parts:
        return None
    letters, operations, lengths, starts, reverse = zip(*parts, strict=True)
    sizes = [[len(part[0]), len(own)] for part, own in zip(letters, operations, strict=True)]
    joined = np.empty((3, sum(size for size, _ in sizes)), np.uint8)
    for row, parts_of_row in zip(joined, zip(*letters, strict=True), strict=True):
        np.concatenate(parts_of_row, out=row)
    return PassKinetics(
        joined,
        np.concatenate(operations),
        np.concatenate(lengths),
        np.array(starts, np.int32),
        np.cumsum(sizes, axis=0, dtype=np.int64),
        np.array(reverse, np.bool_),
    )


def has_durations(p: Pass) -> bool:
    """Whether a pass has both pulse widths and inter-pulse durations."""
    return p.pulse_widths is not None and p.inter_pulse_durations is not None


def _aligned_part(p: Pass, draft_length: int) -> tuple[tuple[Codes, ...], Codes, Integers, int, bool]:
    a, ip, pw = p.alignment, p.inter_pulse_durations, p.pulse_widths
    assert a is not None
    assert ip is not None
    assert pw is not None
    on_pass, on_draft = (a.lengths * side[a.operations] for side in (cigar.ON_PASS, cigar.ON_DRAFT))
    kept = np.flatnonzero(on_draft)
    within = slice(kept[0], kept[-1] + 1) if len(kept) else slice(0)
    first = int(on_pass[: within.start].sum())
    inner, step = slice(first, first + int(on_pass[within].sum())), 1 if p.reverse else -1
    letters = tuple(own[inner][::step] for own in (p.bases, ip, pw))
    start = a.start if p.reverse else draft_length - a.start - int(on_draft.sum())
    return letters, a.operations[within][::step], a.lengths[within][::step].astype(np.int32), start, p.reverse


def computed_kinetics(passes: PassKinetics, draft: Draft, bases: Codes, draft_index: Integers) -> Kinetics | None:
    """Kinetics of a polished read from its passes.

    At each base, the mean of the durations (frames) of the passes of a strand that have a base aligned to it, whatever
    that base is. Between covered bases, the mean of the nearest two; before the first and after the last, 0. Passes are
    put onto the read by the positions that its bases have in the draft; around edits, they are
    aligned anew. In a repeat, what a pass lacks or has too much is at the end that was sequenced last, which agrees
    best with ``ccs``.

    Args:
        passes: aligned to the draft.
        draft: the draft; by its name, it is of one strand only, and passes of the other do not count, or of both.
        bases: ``uint8[n]`` base codes of the read.
        draft_index: ``int32[n]`` position of each base in the draft, increasing; -1 for an inserted base.

    Returns:
        The kinetics; None if the draft is of one strand, and no pass is.
    """
    sums, counts, spans = _summed(
        (passes.letters, passes.operations, passes.lengths, passes.starts, passes.ends, passes.reverse),
        bases,
        draft_index,
        len(draft.bases),
    )
    # The sums of a strand run against its direction.
    own, other = ([_means(sums[strand, kind], counts[strand])[::-1] for kind in range(2)] for strand in range(2))
    if is_by_strand(draft.name):
        return Kinetics(Origin.COMPUTED, dict(zip(SINGLE, own, strict=True))) if len(own[0]) else None
    numbers = [_rounded(int(span), max(len(bases), 1)) for span in spans]
    return Kinetics(
        Origin.COMPUTED,
        dict(zip((*FORWARD, *REVERSE), (*own, *other), strict=True)),
        dict(zip(COUNT_TAGS, numbers, strict=True)),
    )


_Passes = tuple[Codes, Codes, Integers, Integers, NDArray[np.int64], NDArray[np.bool_]]


@kernel
def _summed(
    passes: _Passes, bases: Codes, draft_index: Integers, draft_length: int
) -> tuple[Integers, Integers, NDArray[np.int64]]:
    """Sums of the frames of the passes by strand, ``int32[strands, durations, n]``.

    With the number of summands ``int32[strands, n]``, and the bases of the read that the passes of each strand span,
    ``int64[strands]``. The first strand, the read's own, is turned round.
    """
    letters, operations, lengths, starts, ends, reverse = passes
    n = len(bases)
    both, places = np.empty((2, n), np.uint8), np.full((2, draft_length), -1, np.int32)
    anew = _near_edits(draft_index)
    for j in range(n):
        both[0, n - 1 - j], both[1, j] = bases[j], bases[j]
        if draft_index[j] >= 0 and not anew[j]:
            places[0, draft_length - 1 - draft_index[j]], places[1, draft_index[j]] = n - 1 - j, j
    sums, counts = np.zeros((2, 2, n), np.int32), np.zeros((2, n), np.int32)
    spans, pairs = np.zeros(2, np.int64), np.empty(n, np.int32)
    letter = operation = 0
    for row in range(len(starts)):
        strand = 1 if reverse[row] else 0
        own = letters[:, letter : ends[row, 0]]
        alignment = operations[operation : ends[row, 1]], lengths[operation : ends[row, 1]], starts[row]
        letter, operation = ends[row, 0], ends[row, 1]
        first, last = _pair(alignment, places[strand], pairs)
        _settle(both[strand], own[0], pairs, first, last)
        spans[strand] += last - first
        _add(own, pairs[first:last], sums[strand, :, first:last], counts[strand, first:last])
    return sums, counts, spans


@kernel
def _near_edits(draft_index: Integers) -> NDArray[np.bool_]:
    """Which bases of a read are near an edit of the draft, ``bool[n]``; the first and the last are never."""
    n = len(draft_index)
    found = np.zeros(n, np.bool_)
    for j in range(1, n):
        inserted = draft_index[j] < 0 or draft_index[j - 1] < 0
        if inserted or draft_index[j] > draft_index[j - 1] + 1:
            found[max(j - REALIGNED, 1) : min(j + REALIGNED, n - 1)] = True
    return found


@kernel
def _pair(alignment: tuple[Codes, Integers, int], places: Integers, pairs: Integers) -> tuple[int, int]:
    """Put a pass onto the read through the draft.

    Args:
        alignment: operations, lengths, and draft position of the first aligned base.
        places: ``int32[draft]`` position in the read of each base of the draft, or -1.
        pairs: ``int32[n]`` gets the position in the pass of the base aligned to each base of the read, or -1.

    Returns:
        First and one past the last base of the read that has a pair; both 0 if none has.
    """
    operations, lengths, column = alignment
    position = 0
    pairs[:] = -1
    for k in range(len(operations)):
        on_pass, on_draft = cigar.ON_PASS[operations[k]], cigar.ON_DRAFT[operations[k]]
        for i in range(lengths[k] if on_pass and on_draft else 0):
            j = places[column + i]
            if j >= 0:
                pairs[j] = position + i
        position, column = position + lengths[k] * on_pass, column + lengths[k] * on_draft
    first, last = 0, len(pairs)
    while last and pairs[last - 1] < 0:
        last -= 1
    while first < last and pairs[first] < 0:
        first += 1
    return first, last


@kernel
def _add(own: Codes, pairs: Integers, sums: Integers, counts: Integers) -> None:
    """Add the frames of a pass where it has a pair."""
    for j in range(len(pairs)):
        i = pairs[j]
        if i >= 0:
            sums[0, j] += FRAMES_OF_CODE[own[1, i]]
            sums[1, j] += FRAMES_OF_CODE[own[2, i]]
            counts[j] += 1


@kernel
def _settle(bases: Codes, own: Codes, pairs: Integers, first: int, last: int) -> None:
    """Complete the pairs of a pass, and move its gaps as far left as they can be at the same score.

    Args:
        bases: of the read.
        own: of the pass.
        pairs: changed in place.
        first: base of the read with the first pair, which stays.
        last: one past that with the last.
    """
    before = first
    at = pairs[before] if first < last else 0
    for j in range(first + 1, last):
        if pairs[j] < 0:
            continue
        missing, extra, at = j - before > 1, pairs[j] - at > 1, pairs[j]
        if missing and extra:
            _align(bases, own, pairs, (before + 1, j), (pairs[before] + 1, pairs[j]))
            for inner in range(before + 1, j + 1):
                if pairs[inner] >= 0:
                    _move_gap(bases, own, pairs, first, (before, inner))
                    before = inner
        elif missing or extra:
            _move_gap(bases, own, pairs, first, (before, j))
        before = j


@kernel
def _move_gap(bases: Codes, own: Codes, pairs: Integers, first: int, gap: tuple[int, int]) -> None:
    """Move the gap between the pairs at two bases of the read left, together with the gaps that it meets."""
    before, after = gap
    while before > first:
        missing, extra = after - before - 1, pairs[after] - pairs[before] - 1
        if missing and not extra and bases[before] == bases[after - 1]:
            pairs[after - 1], pairs[before] = pairs[before], -1
            after -= 1
        elif extra and not missing and own[pairs[before]] == own[pairs[after] - 1]:
            pairs[before] = pairs[after] - 1
            after = before
        else:
            return
        before -= 1
        while pairs[before] < 0:
            before -= 1


@kernel
def _align(bases: Codes, own: Codes, pairs: Integers, here: tuple[int, int], there: tuple[int, int]) -> None:
    """Align a stretch of the read to one of a pass at the least edit distance, gaps to the left.

    Args:
        bases: of the read.
        own: of the pass.
        pairs: gets the pairs.
        here: first and one past the last base of the stretch of the read.
        there: of that of the pass.
    """
    n, m = here[1] - here[0], there[1] - there[0]
    if n * m > MOST_CELLS:
        return
    # 0 a pair, 1 a base of the read alone, 2 a base of the pass alone.
    steps, row = np.empty((n + 1, m + 1), np.uint8), np.arange(m + 1)
    steps[0] = 2
    for i in range(1, n + 1):
        corner, row[0], steps[i, 0] = row[0], i, 1
        for j in range(1, m + 1):
            best, step = corner + (bases[here[0] + i - 1] != own[there[0] + j - 1]), 0
            if row[j] + 1 < best:
                best, step = row[j] + 1, 1
            if row[j - 1] + 1 < best:
                best, step = row[j - 1] + 1, 2
            corner, row[j], steps[i, j] = row[j], best, step
    # From the end: where a pair is as good as a gap it comes first, so that gaps are as far left as they can be.
    i, j = n, m
    while i > 0 and j > 0:
        step = steps[i, j]
        i, j = i - (step != 2), j - (step != 1)
        if step == 0:
            pairs[here[0] + i] = there[0] + j


@kernel
def _means(sums: Integers, counts: Integers) -> Codes:
    """Codes ``uint8[n]`` of the mean durations; empty if there is no data at all.

    0 means no data to the readers of these tags, so that a mean of 0 is written as 1.
    """
    codes, before = np.zeros(len(sums), np.uint8), -1
    for j in range(len(sums)):
        if not counts[j]:
            continue
        codes[j] = CODE_OF_FRAMES[max(_rounded(sums[j], counts[j]), 1)]
        if 0 <= before < j - 1:
            # In 64 bits, as which compiled code takes int: of many passes the products are large.
            left, right = int(counts[before]), int(counts[j])
            mean = _rounded(sums[before] * right + sums[j] * left, 2 * left * right)
            codes[before + 1 : j] = CODE_OF_FRAMES[max(mean, 1)]
        before = j
    return codes if before >= 0 else codes[:0]


@kernel
def _rounded(numerator: int, denominator: int) -> int:
    """A quotient of positive numbers, rounded half to even: what is near a half in floats is one."""
    return int(np.rint(numerator / denominator))
