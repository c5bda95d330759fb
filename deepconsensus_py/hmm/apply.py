"""Edited drafts: their bases, and the passes' alignments carried over from the draft before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.align.normalise import left_normalise
from deepconsensus_py.pacbio.molecule import Pass

Codes = NDArray[np.uint8]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Edit:
    """Bases of the draft replaced by others.

    Attributes:
        start: draft position of the first one.
        removed: how many are taken out from there on.
        letters: ``uint8[n]`` base codes put in their place.
    """

    start: int
    removed: int
    letters: Codes


def apply_edits(draft: Codes, edits: Sequence[Edit]) -> tuple[Codes, NDArray[np.int32]]:
    """Edit a draft.

    Args:
        draft: ``uint8[n]`` base codes.
        edits: of stretches that do not overlap.

    Returns:
        ``uint8[m]`` base codes, and ``int32[m]`` the draft position of each base, -1 for one that was put in.
    """
    removed = np.zeros(len(draft), np.bool_)
    for edit in edits:
        removed[edit.start : edit.start + edit.removed] = True
    letters = [edit.letters for edit in edits]
    at = np.repeat([edit.start for edit in edits], [len(new) for new in letters])
    new = np.concatenate((*letters, np.empty(0, np.uint8)))
    kept = ~np.insert(removed, at.astype(np.int64), False)
    index = np.insert(np.arange(len(draft), dtype=np.int32), at.astype(np.int64), -1)
    return np.insert(draft, at.astype(np.int64), new)[kept], index[kept]


def carry_over(p: Pass, draft: Codes, draft_index: NDArray[np.int32]) -> Pass | None:
    """The alignment of a pass to an edited draft.

    Pairs stay. Bases of the pass that were inserted where the edit puts bases into the draft are paired with these.

    Args:
        p: aligned to the draft before.
        draft: ``uint8[m]`` base codes of the edited draft.
        draft_index: ``int32[m]`` position of each of its bases in the draft before, -1 for new ones.

    Returns:
        The pass, gaps left-normalised, or None where no pair is left.
    """
    assert p.alignment is not None
    in_pass, in_old = cigar.paired_positions(p.alignment)
    old = np.flatnonzero(draft_index >= 0)
    new_of_old = np.full(max(in_old.max(initial=0), draft_index.max(initial=0)) + 1, -1)
    new_of_old[draft_index[old]] = old
    in_draft = new_of_old[in_old]
    in_pass, in_draft = in_pass[in_draft >= 0], in_draft[in_draft >= 0]
    if not len(in_pass):
        return None
    in_pass, in_draft = _with_new_pairs(in_pass, in_draft, np.cumsum(draft_index < 0))
    inserted, deleted = np.diff(in_pass) - 1, np.diff(in_draft) - 1
    kinds = np.tile(np.array([cigar.EQUAL, cigar.INSERTION, cigar.DELETION], np.uint8), len(in_pass))
    counts = np.stack([np.ones_like(in_pass), np.append(inserted, 0), np.append(deleted, 0)], axis=1).ravel()
    tail = len(p.bases) - 1 - int(in_pass[-1])
    alignment = cigar.alignment_of(np.repeat(kinds, counts), start=in_draft[0], head=int(in_pass[0]), tail=tail)
    return replace(p, alignment=left_normalise(alignment, p.bases, draft))


def _with_new_pairs(in_pass: Integers, in_draft: Integers, new_bases: Integers) -> tuple[Integers, Integers]:
    """Pairs, and those of the last inserted bases of a gap with the new bases of the draft there.

    ``new_bases`` is how many bases of the draft up to each one, itself included, are new.
    """
    inserted = np.diff(in_pass) - 1
    pairs = np.minimum(inserted, new_bases[in_draft[1:] - 1] - new_bases[in_draft[:-1]])
    gaps = np.flatnonzero(pairs > 0)
    back = np.repeat(np.cumsum(pairs[gaps]), pairs[gaps]) - np.arange(pairs[gaps].sum())
    after = np.repeat(gaps + 1, pairs[gaps])
    return np.insert(in_pass, after, in_pass[after] - back), np.insert(in_draft, after, in_draft[after] - back)
