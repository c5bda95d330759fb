"""CIGAR operations on arrays (SAM specification, section 1.4.6), and left-normalisation of gaps.

A gap in a homopolymer or a tandem repeat can be placed anywhere in it at the same score, and aligners differ in their
choice. Left-normalised, the same difference has the same position in every pass, so that it can be counted by position.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.kernels import kernel
from deepconsensus_py.pacbio.molecule import Alignment

MATCH, INSERTION, DELETION, SKIP, SOFT_CLIP, HARD_CLIP, PADDING, EQUAL, DIFFERENT = range(9)

ON_PASS = np.array([1, 1, 0, 0, 1, 0, 0, 1, 1], bool)
ON_DRAFT = np.array([1, 0, 1, 1, 0, 0, 0, 1, 1], bool)


def counts(alignment: Alignment) -> NDArray[np.int64]:
    """Bases of each operation, ``int64[9]``, indexed by CIGAR code."""
    return np.bincount(alignment.operations, alignment.lengths, minlength=9).astype(np.int64)


def identity(alignment: Alignment) -> float:
    """Equal bases over aligned, inserted and deleted ones; 0 if nothing is aligned."""
    n = counts(alignment)
    return float(n[EQUAL] / max(1, n[EQUAL] + n[DIFFERENT] + n[INSERTION] + n[DELETION]))


def paired_positions(alignment: Alignment) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The base pairs of an alignment.

    Returns:
        Positions in the pass (soft clips counted) and in the draft, ``int64[pairs]`` each.
    """
    operations, lengths = alignment.operations, alignment.lengths.astype(np.int64)
    on_pass, on_draft = ON_PASS[operations], ON_DRAFT[operations]
    paired = on_pass & on_draft
    spans = lengths[paired]
    offsets = np.arange(spans.sum()) - np.repeat(np.cumsum(spans) - spans, spans)
    in_pass = (np.cumsum(lengths * on_pass) - lengths)[paired]
    in_draft = (np.cumsum(lengths * on_draft) - lengths)[paired] + alignment.start
    return np.repeat(in_pass, spans) + offsets, np.repeat(in_draft, spans) + offsets


def reversed_alignment(alignment: Alignment, draft_length: int) -> Alignment:
    """The alignment of both sequences from their ends on, as of their reverse complements."""
    operations, lengths = alignment.operations, alignment.lengths
    stop = alignment.start + int(lengths @ ON_DRAFT[operations])
    return Alignment(draft_length - stop, operations[::-1].copy(), lengths[::-1].copy())


def of_pairs(in_pass: NDArray[np.int32], in_draft: NDArray[np.int32], bases: int) -> Alignment:
    """The alignment with some base pairs, all of them ``=``, mismatches included; insertions come before deletions.

    Args:
        in_pass: ``int32[pairs]`` positions in the pass, increasing.
        in_draft: ``int32[pairs]`` positions in the draft, increasing.
        bases: of the pass.
    """
    operations, lengths = _of_pairs(in_pass, in_draft, bases)
    return Alignment(int(in_draft[0]), operations, lengths)


@kernel
def _of_pairs(
    in_pass: NDArray[np.int32], in_draft: NDArray[np.int32], bases: int
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    # At most a pair, an insertion and a deletion each; clips at both ends.
    operations, lengths = np.empty(3 * len(in_pass) + 2, np.uint8), np.empty(3 * len(in_pass) + 2, np.int32)
    operations[0], lengths[0], operations[1], lengths[1] = SOFT_CLIP, in_pass[0], EQUAL, 1
    count = 1
    for k in range(1, len(in_pass)):
        inserted, deleted = in_pass[k] - in_pass[k - 1] - 1, in_draft[k] - in_draft[k - 1] - 1
        for code, length in ((INSERTION, inserted), (DELETION, deleted)):
            if length:
                count += 1
                operations[count], lengths[count] = code, length
        if operations[count] != EQUAL:
            count += 1
            operations[count], lengths[count] = EQUAL, 0
        lengths[count] += 1
    tail = bases - 1 - in_pass[-1]
    if tail:
        count += 1
        operations[count], lengths[count] = SOFT_CLIP, tail
    first = 0 if in_pass[0] else 1
    return operations[first : count + 1], lengths[first : count + 1]


_Codes = NDArray[np.uint8]
_Ints = NDArray[np.int64]
_Operations = tuple[NDArray[np.uint8], NDArray[np.int32]]


def left_normalise(alignment: Alignment, bases: _Codes, draft: _Codes) -> Alignment:
    """Move every gap as far left as possible without changing the alignment's letters, and join gaps that meet.

    A gap moves left by one base if that base equals the last base of the gap. The numbers of equal, different, inserted
    and deleted bases stay the same. The first column stays aligned, so that no gap moves into a clip. An insertion and
    a deletion that meet keep their order. Gaps before the first or after the last aligned pair are removed: insertions
    become soft clips. Hard clips are dropped.

    Args:
        alignment: of ``bases`` to ``draft``; ``M`` is accepted for ``=`` and ``X``.
        bases: ``uint8[n]`` base codes of the pass, in draft orientation.
        draft: ``uint8[m]`` base codes of the draft.

    Returns:
        The normalised alignment, with ``=`` and ``X`` told apart.

    Raises:
        ValueError: the alignment pairs no base.
    """
    start, operations, lengths = _normalise((alignment.operations, alignment.lengths), alignment.start, bases, draft)
    if not len(operations):
        raise ValueError("the alignment pairs no base")
    return Alignment(start, operations, lengths)


class _Layout(NamedTuple):
    """An alignment as blocks of aligned columns with a gap between every two.

    Attributes:
        head: clipped bases before the first block.
        start: draft position of the first block.
        tail: clipped bases after the last block.
        insertion: ``bool[gaps]``, False for a deletion.
        lengths: ``int64[gaps]``.
        blocks: ``int64[gaps + 1]`` columns.
    """

    head: int
    start: int
    tail: int
    insertion: NDArray[np.bool_]
    lengths: _Ints
    blocks: _Ints


@kernel
def _normalise(
    alignment: _Operations, start: int, bases: _Codes, draft: _Codes
) -> tuple[int, _Codes, NDArray[np.int32]]:
    layout = _read(alignment, start)
    gaps = len(layout.lengths)
    # Joined gaps are longer, and may move further: repeat until nothing moves or nothing is joined.
    while _shift(layout, gaps, bases, draft):
        joined = _join(layout, gaps)
        if joined == gaps:
            break
        gaps = joined
    operations, lengths = _write(layout, gaps, bases, draft)
    return layout.start, operations, lengths


@kernel
def _read(alignment: _Operations, start: int) -> _Layout:
    """Parse the operations; without a pair, all blocks are empty."""
    operations, spans = alignment
    insertion, lengths = np.empty(len(operations), np.bool_), np.empty(len(operations), np.int64)
    blocks = np.zeros(len(operations) + 1, np.int64)
    head = tail = gaps = 0
    for k in range(len(operations)):
        on_pass, on_draft, length = ON_PASS[operations[k]], ON_DRAFT[operations[k]], np.int64(spans[k])
        if on_pass and on_draft:
            blocks[gaps] += length
            tail = 0
        elif blocks[0] == 0:
            head, start = head + length * on_pass, start + length * on_draft
        elif on_pass or on_draft:
            insertion[gaps], lengths[gaps] = on_pass, length
            gaps += 1
            tail += length * on_pass
    # Gaps after the last block do not count.
    while gaps and blocks[gaps] == 0:
        gaps -= 1
    layout = _Layout(head, start, tail, insertion[:gaps], lengths[:gaps], blocks[: gaps + 1])
    joined = _join(layout, gaps)
    return _Layout(head, start, tail, insertion[:joined], lengths[:joined], blocks[: joined + 1])


@kernel
def _join(layout: _Layout, gaps: int) -> int:
    """Join gaps of the same kind that have no column between them; returns the number of gaps left."""
    insertion, lengths, blocks = layout.insertion, layout.lengths, layout.blocks
    kept = 0
    for i in range(gaps):
        if kept and blocks[i] == 0 and insertion[i] == insertion[kept - 1]:
            lengths[kept - 1] += lengths[i]
        else:
            insertion[kept], lengths[kept], blocks[kept] = insertion[i], lengths[i], blocks[i]
            kept += 1
    blocks[kept] = blocks[gaps]
    return kept


@kernel
def _shift(layout: _Layout, gaps: int, bases: _Codes, draft: _Codes) -> bool:
    """Move each gap left; returns whether any moved.

    From left to right: when a gap moves, the columns that it passes are added to the block after it, and the next gap
    can move over them in the same sweep.
    """
    blocks, moved, freed = layout.blocks, False, np.int64(-1)
    in_pass, in_draft = layout.head - 1, layout.start - 1
    for i in range(gaps):
        length = layout.lengths[i]
        in_pass, in_draft = in_pass + blocks[i], in_draft + blocks[i]
        if layout.insertion[i]:
            in_pass += length
            letters, last = bases, in_pass
        else:
            in_draft += length
            letters, last = draft, in_draft
        # ``freed`` is -1 for the first gap: the first column stays aligned.
        room, steps = blocks[i] + freed, 0
        while steps < room and letters[last - length - steps] == letters[last - steps]:
            steps += 1
        blocks[i] += (freed if i else 0) - steps
        freed, moved = np.int64(steps), moved or steps > 0
    if gaps:
        blocks[gaps] += freed
    return moved


@kernel
def _write(layout: _Layout, gaps: int, bases: _Codes, draft: _Codes) -> _Operations:
    columns = layout.blocks[: gaps + 1].sum()
    if not columns:
        return np.empty(0, np.uint8), np.empty(0, np.int32)
    operations, lengths = np.empty(columns + gaps + 2, np.uint8), np.zeros(columns + gaps + 2, np.int32)
    count, i, j = 0, layout.head, layout.start
    operations[0], lengths[0] = SOFT_CLIP, layout.head
    for gap in range(gaps + 1):
        for _ in range(layout.blocks[gap]):
            code = EQUAL if bases[i] == draft[j] else DIFFERENT
            if operations[count] != code:
                count += 1
                operations[count] = code
            lengths[count] += 1
            i, j = i + 1, j + 1
        if gap < gaps:
            count += 1
            length = layout.lengths[gap]
            if layout.insertion[gap]:
                operations[count], i = INSERTION, i + length
            else:
                operations[count], j = DELETION, j + length
            lengths[count] = length
    if layout.tail:
        count += 1
        operations[count], lengths[count] = SOFT_CLIP, layout.tail
    first = 0 if layout.head else 1
    return operations[first : count + 1].copy(), lengths[first : count + 1].copy()
