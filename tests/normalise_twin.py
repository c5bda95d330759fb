"""Left-normalisation in NumPy, for all gaps at once: the twin of the compiled one."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from support import alignment_of

from deepconsensus_py.align import cigar
from deepconsensus_py.pacbio.molecule import Alignment

_Codes = NDArray[np.uint8]
_Ints = NDArray[np.int64]


def left_normalise(alignment: Alignment, bases: _Codes, draft: _Codes) -> Alignment:
    """As ``align.cigar.left_normalise``."""
    layout = _read(alignment)
    letters = np.concatenate((bases, draft))
    while True:
        shift = _shift(layout, letters, len(bases))
        if not shift.any():
            return _write(layout, bases, draft)
        moved = replace(layout, blocks=layout.blocks - np.append(shift, 0) + np.append(0, shift))
        layout = _join(moved)
        if len(layout.lengths) == len(moved.lengths):
            return _write(layout, bases, draft)


@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    """An alignment as blocks of aligned columns with a gap between each two.

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


def _read(alignment: Alignment) -> _Layout:
    operations, lengths = alignment.operations, alignment.lengths.astype(np.int64)
    on_pass, on_draft = cigar.ON_PASS[operations], cigar.ON_DRAFT[operations]
    aligned = np.flatnonzero(on_pass & on_draft)
    if not len(aligned):
        raise ValueError("the alignment pairs no base")
    first, end = aligned[0], aligned[-1] + 1
    inner = slice(first, end)
    gaps = np.flatnonzero(on_pass[inner] != on_draft[inner]) + first
    done = np.cumsum(lengths * (on_pass & on_draft))
    return _join(
        _Layout(
            head=int(lengths[:first] @ on_pass[:first]),
            start=int(alignment.start + lengths[:first] @ on_draft[:first]),
            tail=int(lengths[end:] @ on_pass[end:]),
            insertion=on_pass[gaps],
            lengths=lengths[gaps],
            blocks=np.diff(np.concatenate(([0], done[gaps], done[-1:]))),
        )
    )


def _join(layout: _Layout) -> _Layout:
    """Make one gap of neighbours of the same kind with no column between them."""
    insertion = layout.insertion
    met = np.flatnonzero((layout.blocks[1:-1] == 0) & (insertion[1:] == insertion[:-1])) + 1
    if not len(met):
        return layout
    kept = np.delete(np.arange(len(insertion)), met)
    return replace(
        layout,
        insertion=insertion[kept],
        lengths=np.add.reduceat(layout.lengths, kept),
        blocks=np.delete(layout.blocks, met),
    )


def _shift(layout: _Layout, letters: _Codes, passes_end: int) -> _Ints:
    """Columns by which each gap can move left, ``int64[gaps]``, were no two gaps to join.

    A gap moves over its own block and over what the gap before it frees:
    ``shift[i] = min(run[i], block[i] + shift[i-1])``, which a running minimum solves for all gaps at once.
    """
    before = np.cumsum(layout.blocks[:-1])
    room = before - 1
    inserted = np.cumsum(layout.lengths * layout.insertion)
    deleted = np.cumsum(layout.lengths * ~layout.insertion)
    last = np.where(layout.insertion, layout.head + before + inserted, passes_end + layout.start + before + deleted) - 1
    run = _equal_run(letters, last - layout.lengths, last, room)
    return np.minimum.accumulate(run - room) + room


def _equal_run(letters: _Codes, left: _Ints, right: _Ints, limit: _Ints) -> _Ints:
    """How many letters going left from ``left`` equal those going left from ``right``, at most ``limit``."""
    run = np.zeros_like(left)
    active = np.flatnonzero(limit > 0)
    step = 0
    while len(active):
        active = active[letters[left[active] - step] == letters[right[active] - step]]
        step += 1
        run[active] = step
        active = active[limit[active] > step]
    return run


def _write(layout: _Layout, bases: _Codes, draft: _Codes) -> Alignment:
    gaps = len(layout.lengths)
    kinds = np.full(2 * gaps + 1, cigar.EQUAL, np.uint8)
    kinds[1::2] = np.where(layout.insertion, cigar.INSERTION, cigar.DELETION)
    lengths = np.empty(2 * gaps + 1, np.int64)
    lengths[0::2], lengths[1::2] = layout.blocks, layout.lengths
    columns = np.repeat(kinds, lengths)
    pass_letters = bases[layout.head :][: np.count_nonzero(columns != cigar.DELETION)]
    draft_letters = draft[layout.start :][: np.count_nonzero(columns != cigar.INSERTION)]
    aligned = columns == cigar.EQUAL
    equal = pass_letters[aligned[columns != cigar.DELETION]] == draft_letters[aligned[columns != cigar.INSERTION]]
    columns[aligned] = np.where(equal, cigar.EQUAL, cigar.DIFFERENT)
    return alignment_of(columns, start=layout.start, head=layout.head, tail=layout.tail)
