"""Generated windows: a draft, noisy passes aligned to it, and the true bases.

There is one column per base of the draft, and the alignment has no errors: bases that a pass has between two bases of
the draft follow the first of them, so that a stretch that the draft lacks lies in one column, however long.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BASES = 4
"""Bases are 1 to 4; 0 is none."""

INSERTED = 3
"""Most inserted bases of a pass behind a column; further ones are dropped."""

DRAFT_SUBSTITUTIONS, DRAFT_INSERTIONS, DRAFT_GAPS = 0.01, 0.005, 0.01
"""Probabilities per base of the draft; of gaps, that one begins where none has just begun."""

GAP_LENGTHS = np.array([0.3, 0.4, 0.3])
"""Probabilities of gaps of 1, 2 and 3 bases in the draft."""

PASS_SUBSTITUTIONS, PASS_INSERTIONS, PASS_DELETIONS = 0.03, 0.06, 0.06
"""Probabilities per base of a pass."""


@dataclass(frozen=True, slots=True, eq=False)
class PassWindows:
    """Windows with their truth.

    Attributes:
        symbols: ``int64[count, columns, 1 + 4 passes]`` of 0 to 4: the base of the draft, then of each pass the base
            and up to three inserted ones behind it.
        mask: ``bool[count, columns]``, False behind the end of the draft.
        truth: ``int64[count, bases]`` of 1 to 4.
        aligned: ``int64[count, columns, 4]``, the truth in columns, as a pass.
    """

    symbols: NDArray[np.int64]
    mask: NDArray[np.bool_]
    truth: NDArray[np.int64]
    aligned: NDArray[np.int64]


def pass_windows(count: int, *, bases: int, passes: int, columns: int, seed: int) -> PassWindows:
    """Draw windows.

    Args:
        count: windows.
        bases: true bases of each.
        passes: passes of each.
        columns: columns of each; a longer draft is cut.
        seed: of the random generator.
    """
    generator = np.random.default_rng(seed)
    truth = generator.integers(1, BASES + 1, size=(count, bases))
    draft = _sequenced(truth, generator, DRAFT_SUBSTITUTIONS, DRAFT_INSERTIONS, _gaps(truth.shape, generator))
    tracks = [_laid_out(draft, draft, columns)[..., :1]]
    for _ in range(passes):
        deleted = generator.random(truth.shape) < PASS_DELETIONS
        read = _sequenced(truth, generator, PASS_SUBSTITUTIONS, PASS_INSERTIONS, deleted)
        tracks.append(_laid_out(read, draft, columns))
    whole = np.zeros_like(draft)
    whole[:, ::2] = truth
    mask = np.arange(columns) < (draft > 0).sum(1, keepdims=True)
    return PassWindows(np.concatenate(tracks, axis=-1), mask, truth, _laid_out(whole, draft, columns))


def majority(symbols: NDArray[np.int64]) -> NDArray[np.int64]:
    """The base that most passes have at each place of each column, in columns as a pass.

    The draft has a vote on its own bases, and decides ties; an inserted base needs a majority of the passes.
    """
    reads = symbols[..., 1:].reshape(*symbols.shape[:-1], -1, 1 + INSERTED)
    votes = (reads[..., None] == np.arange(BASES + 1)).sum(axis=-3).astype(np.float64)
    votes[..., 0, :] += 1.5 * (symbols[..., :1] == np.arange(BASES + 1))
    winners: NDArray[np.int64] = votes.argmax(axis=-1)
    return winners


def spelled(aligned: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """The bases of aligned columns without the gaps, ``int64[count, length]``, padded with 0."""
    flat = aligned.reshape(len(aligned), -1)
    order = np.argsort(flat == 0, axis=1, kind="stable")
    packed = np.take_along_axis(flat, order, axis=1)
    return np.pad(packed, ((0, 0), (0, max(0, length - packed.shape[1]))))[:, :length]


def _gaps(shape: tuple[int, int], generator: np.random.Generator) -> NDArray[np.bool_]:
    begins = generator.random(shape) < DRAFT_GAPS
    for back in range(1, INSERTED + 1):  # gaps must not touch, or a column would have too little room
        begins[:, back:] &= ~begins[:, :-back]
    lengths = np.where(begins, generator.choice(len(GAP_LENGTHS), size=shape, p=GAP_LENGTHS) + 1, 0)
    deleted = np.zeros(shape, dtype=np.bool_)
    for back in range(len(GAP_LENGTHS)):
        deleted[:, back:] |= lengths[:, : shape[1] - back] > back
    deleted[:, 0] = False  # so that every base has a column, or one before it
    return deleted


def _sequenced(
    truth: NDArray[np.int64],
    generator: np.random.Generator,
    substitutions: float,
    insertions: float,
    deleted: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """A read of the truth, ``int64[count, 2 bases]``: behind each base the one inserted there, or 0."""
    changed = np.where(generator.random(truth.shape) < substitutions, generator.integers(1, BASES, truth.shape), 0)
    read = np.where(deleted, 0, (truth - 1 + changed) % BASES + 1)
    more = generator.random(truth.shape) < insertions
    inserted = np.where(more, generator.integers(1, BASES + 1, truth.shape), 0)
    return np.stack([read, inserted], axis=-1).reshape(len(truth), -1)


def _laid_out(read: NDArray[np.int64], draft: NDArray[np.int64], columns: int) -> NDArray[np.int64]:
    """A read in the columns of the draft, ``int64[count, columns, 1 + INSERTED]``."""
    column = (draft > 0).cumsum(1) - 1
    between = (read > 0) & (draft == 0)
    seen = between.cumsum(1)
    rank = np.where(draft > 0, 0, seen - np.maximum.accumulate(np.where(draft > 0, seen, 0), axis=1))
    kept = (read > 0) & (rank <= INSERTED) & (column < columns)
    out = np.zeros((len(read), columns, 1 + INSERTED), dtype=np.int64)
    rows, slots = np.nonzero(kept)
    out[rows, column[rows, slots], rank[rows, slots]] = read[rows, slots]
    return out
