"""A pass indexed by draft position, with its differences from the draft, from one walk of the CIGAR (compiled).

The edit method needs nothing else of an alignment: error counts and candidate edits come from the differences, the band
of the hidden Markov model from the number of bases before each draft base, and the alignment to an edited draft from
the pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar, mapping
from deepconsensus_py.align.cigar import left_normalise
from deepconsensus_py.kernels import kernel
from deepconsensus_py.pacbio.molecule import Pass

LONGEST_INSERTION = 6
"""Bases; longer insertions keep their first and last three, as they are not independent single-base errors."""

SUBSTITUTION, DELETION, INSERTION = range(3)
"""Types of differences."""

LONGEST_STEP = 9
"""Largest step of the smoothed path at one draft base; only the ends of poor passes exceed it."""

_SMOOTHED = 9
"""Template bases over which the path is averaged, which centres the band on an insertion or deletion."""

Codes = NDArray[np.uint8]
Integers = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Differences:
    """Where a pass differs from its draft.

    Attributes:
        kind: ``uint8[n]`` ``SUBSTITUTION``, ``DELETION`` or ``INSERTION``.
        place: ``int32[n]`` draft position of the base, or of the base after an insertion.
        letter: ``uint8[n]`` base code in the pass; 0 for a deletion.
    """

    kind: Codes
    place: Integers
    letter: Codes


@dataclass(frozen=True, slots=True, eq=False)
class AlignedPass:
    """A pass and its alignment to the draft; made by ``align_pass``.

    Attributes:
        source: the pass, its alignment left-normalised.
        start: draft position of the first covered base.
        pairs: ``int32[covered]`` position in the pass of the base aligned with each covered draft base, -1 for a
            deletion.
        bases: ``int32[n]`` positions in the pass that the model reads: the aligned part, with long insertions
            shortened.
        read: ``int32[covered + 1]`` number of these before each covered draft base, from 0 to ``n``.
        differences: from the draft, with long insertions shortened.
    """

    source: Pass
    start: int
    pairs: Integers
    bases: Integers
    read: Integers
    differences: Differences

    @property
    def stop(self) -> int:
        """One past the last covered draft position."""
        return self.start + len(self.pairs)

    @property
    def reverse(self) -> bool:
        """Whether it reads the opposite strand of the draft."""
        return self.source.reverse


def align_pass(p: Pass, draft: Codes) -> AlignedPass:
    """Index a pass by draft position.

    Args:
        p: aligned to the draft, gaps left-normalised.
        draft: ``uint8[n]`` base codes.
    """
    assert p.alignment is not None
    a = p.alignment
    pairs, bases, read, kind, place, letter = _walk((a.operations, a.lengths, a.start), p.bases, draft)
    return AlignedPass(p, a.start, pairs, bases, read, Differences(kind, place, letter))


def carried(
    aligned: AlignedPass, draft: Codes, draft_index: Integers, changed: Sequence[slice] = ()
) -> AlignedPass | None:
    """Transfer a pass to an edited draft: pairs stay, and insertions at inserted draft bases are paired with these.

    Args:
        aligned: to the draft before the edits.
        draft: ``uint8[m]`` base codes of the edited draft.
        draft_index: ``int32[m]`` position of each base in the draft before, -1 for inserted ones.
        changed: stretches of the edited draft to which the pass is aligned anew.

    Returns:
        The pass, gaps left-normalised, or None if no pair is left.
    """
    source = aligned.source
    in_pass = _moved(aligned.pairs, aligned.start, draft_index)
    for stretch in changed:
        _realign(in_pass, source.bases, draft, stretch)
    if in_pass.max(initial=-1) < 0:
        return None
    _take_inserted(in_pass, draft_index)
    in_draft = np.flatnonzero(in_pass >= 0).astype(np.int32)
    joined = cigar.of_pairs(in_pass[in_draft], in_draft, len(source.bases))
    alignment = left_normalise(joined, source.bases, draft)
    return align_pass(replace(source, alignment=alignment), draft)


def _realign(in_pass: Integers, bases: Codes, draft: Codes, stretch: slice) -> None:
    """Align the bases of a pass between its pairs at the ends of a stretch anew, if it has such pairs."""
    paired = np.flatnonzero(in_pass[stretch] >= 0) + stretch.start
    if len(paired) < 2:
        return
    first, last = int(paired[0]), int(paired[-1])
    at = int(in_pass[first])
    here, there = bases[at : in_pass[last] + 1], draft[first : last + 1]
    in_pass[first : last + 1] = -1
    for operation, length in mapping.end_to_end(here, there):
        on_pass, on_draft = cigar.ON_PASS[operation], cigar.ON_DRAFT[operation]
        if on_pass and on_draft:
            in_pass[first : first + length] = np.arange(at, at + length)
        at, first = at + length * on_pass, first + length * on_draft


def template_line(aligned: AlignedPass, kept: NDArray[np.bool_]) -> tuple[Integers, Integers]:
    """The alignment path of a pass over some draft bases, concatenated, and smoothed for the band to follow.

    Args:
        aligned: to the draft.
        kept: ``bool[n]`` draft bases to keep.

    Returns:
        ``AlignedPass.bases`` and ``read`` of the kept bases alone.
    """
    bases, read = _within(aligned.start, aligned.bases, aligned.read, kept)
    return bases, read


@kernel
def _walk(
    alignment: tuple[Codes, Integers, int], letters: Codes, draft: Codes
) -> tuple[Integers, Integers, Integers, Codes, Integers, Codes]:
    """The fields of ``AlignedPass`` and of its ``Differences``, in order."""
    operations, lengths, start = alignment
    covered, most = _sizes(operations, lengths)
    pairs, read, bases = np.empty(covered, np.int32), np.empty(covered + 1, np.int32), np.empty(len(letters), np.int32)
    kind, place, letter = np.empty(most, np.uint8), np.empty(most, np.int32), np.empty(most, np.uint8)
    half = LONGEST_INSERTION // 2
    position = column = count = found = 0
    for k in range(len(operations)):
        code, length = operations[k], lengths[k]
        on_pass, on_draft = cigar.ON_PASS[code], cigar.ON_DRAFT[code]
        for i in range(length if on_draft else 0):
            j, at = column + i, position + i
            pairs[j], read[j] = at if on_pass else -1, count
            if on_pass:
                bases[count] = at
                count += 1
            # Bases aligned as ``=``, most of a pass, are not compared.
            if code != cigar.EQUAL and not (on_pass and letters[at] == draft[start + j]):
                kind[found], place[found] = SUBSTITUTION if on_pass else DELETION, start + j
                letter[found] = letters[at] if on_pass else 0
                found += 1
        for i in range(length if code == cigar.INSERTION else 0):
            if i < half or i >= length - half:
                bases[count] = position + i
                kind[found], place[found], letter[found] = INSERTION, start + column, letters[position + i]
                count, found = count + 1, found + 1
        position, column = position + length * on_pass, column + length * on_draft
    read[column] = count
    return pairs, bases[:count], read, kind[:found], place[:found], letter[:found]


@kernel(inline="always")
def _sizes(operations: Codes, lengths: Integers) -> tuple[int, int]:
    """Draft bases that an alignment covers, and an upper bound on its differences."""
    covered = most = 0
    for k in range(len(operations)):
        covered += lengths[k] * cigar.ON_DRAFT[operations[k]]
        most += lengths[k] if operations[k] != cigar.EQUAL else 0
    return covered, most


@kernel
def _moved(pairs: Integers, start: int, draft_index: Integers) -> Integers:
    """Position in the pass of the base aligned with each base of an edited draft, -1 for none."""
    in_pass = np.full(len(draft_index), -1, np.int32)
    for j in range(len(draft_index)):
        before = draft_index[j] - start
        if draft_index[j] >= 0 and 0 <= before < len(pairs):
            in_pass[j] = pairs[before]
    return in_pass


@kernel
def _take_inserted(in_pass: Integers, draft_index: Integers) -> None:
    """Pair inserted draft bases with the bases that the pass had inserted there.

    This corrects as many errors as realigning.
    """
    last = -1
    for j in range(len(in_pass)):
        if in_pass[j] < 0:
            continue
        taken = 0
        if last >= 0:
            for k in range(last + 1, j):
                taken += draft_index[k] < 0
            taken = min(taken, in_pass[j] - in_pass[last] - 1)
        for k in range(1, taken + 1):
            in_pass[j - k] = in_pass[j] - k
        last = j


@kernel
def _within(start: int, bases: Integers, read: Integers, kept: NDArray[np.bool_]) -> tuple[Integers, Integers]:
    own, before = np.empty(len(bases), np.int32), np.empty(len(read), np.int32)
    count = column = 0
    for j in range(len(read) - 1):
        if kept[start + j]:
            before[column] = count
            column += 1
            for i in range(read[j], read[j + 1]):
                own[count] = bases[i]
                count += 1
    before[column] = count
    return own[:count], _smooth(before[: column + 1])


@kernel
def _smooth(read: Integers) -> Integers:
    """A moving average with the end points kept."""
    half, last = _SMOOTHED // 2, len(read) - 1
    smooth = np.empty_like(read)
    total = half
    for j in range(-half, half + 1):
        total += read[min(max(j, 0), last)]
    for j in range(last + 1):
        smooth[j] = total // _SMOOTHED
        total += read[min(j + half + 1, last)] - read[max(j - half, 0)]
    smooth[0], smooth[-1] = read[0], read[-1]
    for j in range(last):
        # Fixing the end points can make a step too long for the band; unsmoothed, a step is one base and a shortened
        # insertion.
        if smooth[j + 1] - smooth[j] > LONGEST_STEP:
            return read
    return smooth
