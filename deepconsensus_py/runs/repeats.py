"""Whole repeat units too many or too few: what no run and no column shows.

Alignments place a missing AT of an (AT)n tract differently in every pass. So the passes' bases across the tract are
compared with the draft as it is, with one copy less and with one more, wherever the gaps may fall.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import edlib
import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.pacbio.molecule import Pass, Zmw, decode_bases
from deepconsensus_py.runs.spans import checked, draft_columns
from deepconsensus_py.runs.tracts import Tracts, find_tracts

_FLANK = 12
"""Bases to both sides that are compared with the tract; alignments settle within them."""

_NEAR = 3
"""Bases to both sides of a tract where its gaps may lie, for a quick look at lengths."""

_FEWEST_PASSES = 3

_ROUNDS = 3
"""Changes that overlap, and a second copy of the same tract, are judged once more after the first."""

_COPIES = (-1, 1)

Span = tuple[int, int]

# Chosen on fourteen Sequel molecules with 503 errors: of 7 changes that the rule makes there, all are right.
_WORTH_A_LOOK = 0.15
"""Share of passes longer (or shorter) by a unit that makes it worth while to compute distances."""

_SLACK = 0.25
"""Support against a change of the draft that other corrections beside it may still turn."""

_LEAST_SUPPORT = {-1: 0.0, 1: 0.2}
"""Edits saved for each pass and base of the unit; more to put a copy in, for passes insert more than they lose."""


@dataclass(frozen=True, slots=True, eq=False)
class RepeatEvidence:
    """What the passes have across the tracts of the draft where a copy may be missing or too many.

    Attributes:
        start: ``int32[tracts]`` draft position of each tract's first base.
        stop: ``int32[tracts]`` one past the draft position of its last base.
        unit: ``int32[tracts]`` bases of its unit.
        owner: ``int32[pieces]`` the tract that each piece of a pass lies across.
        reverse: ``bool[pieces]`` whether the pass read the strand opposite to the draft.
        ends: ``int32[pieces]`` where each piece ends in ``bases``; it starts where the one before ends.
        bases: ``uint8[n]`` base codes of the pieces, laid end to end, with the flanks.
    """

    start: NDArray[np.int32]
    stop: NDArray[np.int32]
    unit: NDArray[np.int32]
    owner: NDArray[np.int32]
    reverse: NDArray[np.bool_]
    ends: NDArray[np.int32]
    bases: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Piece:
    """The bases of a pass across a tract."""

    bases: NDArray[np.uint8]
    reverse: bool


@dataclass(frozen=True, slots=True)
class _Change:
    """One copy less or more of the unit at ``at``.

    ``support`` is the edits that it saves, for each pass and base of the unit; ``opposed``: one strand loses by it.
    """

    at: int
    unit: int
    copies: int
    support: float
    opposed: bool


def gather_repeats(zmw: Zmw) -> RepeatEvidence:
    """Cut the passes' bases across the tracts that may have a copy too many or too few.

    Args:
        zmw: molecule with aligned passes.

    Raises:
        MoleculeError: an alignment does not fit.
    """
    draft = zmw.draft.bases
    at = np.array([_positions(p, len(draft)) for p in zmw.passes], np.int64).reshape(len(zmw.passes), len(draft))
    tracts = find_tracts(draft)
    tracts = tracts.take(np.flatnonzero((tracts.start >= _FLANK) & (tracts.stop + _FLANK < len(draft))))
    likely = _likely_changes(tracts, at)
    worthy = np.flatnonzero(likely.any(axis=1))
    tracts, likely = tracts.take(worthy), likely[worthy]
    pieces = [_pieces(zmw.passes, at[:, [start - _FLANK, stop + _FLANK]]) for start, stop, _ in tracts.rows()]
    kept = []
    for number, (start, stop, unit) in enumerate(tracts.rows()):
        window = draft[start - _FLANK : stop + _FLANK]
        copies = [change for change, may in zip(_COPIES, likely[number], strict=True) if may]
        changes = _changes(pieces[number], window, _FLANK, unit, copies)
        if any(change.support > -_SLACK for change in changes):
            kept.append(number)
    return _evidence(tracts.take(np.array(kept, np.intp)), [pieces[number] for number in kept])


def _positions(p: Pass, length: int) -> NDArray[np.int64]:
    """Position in a pass ``int64[length]`` of each draft base, -1 where the pass does not cover it."""
    columns = draft_columns(checked(p, length))
    positions = np.full(length, -1, np.int64)
    positions[columns.start : columns.stop] = columns.before
    return positions


def _likely_changes(tracts: Tracts, at: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which changes enough passes agree with in their lengths: ``bool[tracts, 2]``, in the order of ``_COPIES``."""
    begin, end = at[:, tracts.start - _NEAR], at[:, tracts.stop + _NEAR]
    spans = (at[:, tracts.start - _FLANK] >= 0) & (at[:, tracts.stop + _FLANK] >= 0)
    difference = end - begin - (tracts.stop - tracts.start + 2 * _NEAR)
    passes = spans.sum(axis=0)
    agree = np.stack([(spans & (copies * difference >= tracts.unit)).sum(axis=0) for copies in _COPIES], axis=1)
    likely: NDArray[np.bool_] = (agree >= _WORTH_A_LOOK * passes[:, None]) & (passes >= _FEWEST_PASSES)[:, None]
    return likely


def _pieces(passes: tuple[Pass, ...], edges: NDArray[np.int64]) -> list[_Piece]:
    """The passes' bases between positions ``int64[passes, 2]``."""
    spanning = np.flatnonzero((edges >= 0).all(axis=1))
    return [_Piece(passes[p].bases[slice(*edges[p])], passes[p].reverse) for p in spanning]


def _evidence(tracts: Tracts, pieces: list[list[_Piece]]) -> RepeatEvidence:
    laid = [piece for own in pieces for piece in own]
    return RepeatEvidence(
        start=tracts.start,
        stop=tracts.stop,
        unit=tracts.unit,
        owner=np.repeat(np.arange(len(pieces), dtype=np.int32), [len(own) for own in pieces]),
        reverse=np.array([piece.reverse for piece in laid], np.bool_),
        ends=np.cumsum([len(piece.bases) for piece in laid], dtype=np.int32),
        bases=np.concatenate([np.empty(0, np.uint8), *(piece.bases for piece in laid)]),
    )


def correct_repeats(
    evidence: RepeatEvidence, bases: NDArray[np.uint8], draft_index: NDArray[np.int32]
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Take out or put in repeat units where that brings the passes nearer.

    Args:
        evidence: of the molecule.
        bases: ``uint8[n]`` the draft with its runs corrected: an error beside a tract would speak for a wrong change.
        draft_index: ``int32[n]`` draft position of each base, -1 for an inserted one.

    Returns:
        ``uint8[m]`` base codes, and ``int32[m]`` the position in ``bases`` of each, -1 for one that was put in.
    """
    origin: NDArray[np.int32] = np.arange(len(bases), dtype=np.int32)
    corrected = bases
    for _ in range(_ROUNDS):
        index = np.where(origin >= 0, draft_index[origin], np.int32(-1))
        changes = _apart(_supported(evidence, corrected, index), len(corrected))
        if not changes:
            break
        corrected, moved = _changed(corrected, changes)
        origin = np.where(moved >= 0, origin[moved], np.int32(-1))
    return corrected, origin


def _apart(found: Iterable[tuple[_Change, Span]], length: int) -> list[_Change]:
    """Of changes in tracts that overlap, the one that saves most edits: they may speak of the same bases."""
    taken = np.zeros(length, np.bool_)
    chosen = []
    for change, (start, stop) in sorted(found, key=lambda c: -c[0].support * c[0].unit):
        if not taken[start:stop].any():
            taken[start:stop] = True
            chosen.append(change)
    return chosen


def _changed(bases: NDArray[np.uint8], changes: list[_Change]) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """A sequence after changes, and the position in it that each base had, -1 for new ones."""
    origin: NDArray[np.int32] = np.arange(len(bases), dtype=np.int32)
    changed = bases
    for change in sorted(changes, key=lambda c: -c.at):
        copy = slice(change.at, change.at + change.unit)
        if change.copies < 0:
            changed, origin = np.delete(changed, copy), np.delete(origin, copy)
        else:
            changed = np.insert(changed, change.at, bases[copy])
            origin = np.insert(origin, change.at, np.full(change.unit, -1, np.int32))
    return changed, origin


def _supported(
    evidence: RepeatEvidence, bases: NDArray[np.uint8], draft_index: NDArray[np.int32]
) -> Iterator[tuple[_Change, Span]]:
    """Changes that the passes support, each with the tract in ``bases`` that it is to be made in."""
    kept = np.flatnonzero(draft_index >= 0)
    if not len(kept):
        return
    pieces = [
        _Piece(*piece) for piece in zip(np.split(evidence.bases, evidence.ends)[:-1], evidence.reverse, strict=True)
    ]
    for number, (start, stop, unit) in enumerate(Tracts(evidence.start, evidence.stop, evidence.unit).rows()):
        edges = np.searchsorted(draft_index[kept], [start - _FLANK, start, stop, stop + _FLANK])
        begin, first, behind, end = kept[np.minimum(edges, len(kept) - 1)].tolist()
        tract = _most_overlapping(find_tracts(bases[begin:end]), unit, first - begin, behind - begin)
        if tract is None:
            continue
        own = [pieces[p] for p in np.flatnonzero(evidence.owner == number)]
        for change in _changes(own, bases[begin:end], tract[0], unit):
            # Errors of a tract often are of one strand alone.
            if change.support > _LEAST_SUPPORT[change.copies] and not change.opposed:
                yield replace(change, at=begin + change.at), (begin + tract[0], begin + tract[1])


def _most_overlapping(tracts: Tracts, unit: int, start: int, stop: int) -> Span | None:
    """The tract of a unit that shares most bases with a span."""
    shared = (np.minimum(tracts.stop, stop) - np.maximum(tracts.start, start)) * (tracts.unit == unit)
    if not len(shared) or shared.max() <= 0:
        return None
    best = int(shared.argmax())
    return int(tracts.start[best]), int(tracts.stop[best])


def _changes(
    pieces: list[_Piece], window: NDArray[np.uint8], at: int, unit: int, copies: Sequence[int] = _COPIES
) -> list[_Change]:
    """Changes of a sequence with their support.

    Args:
        pieces: of passes across the window; at least one.
        window: ``uint8[n]`` base codes of the sequence.
        at: where the tract starts in the window.
        unit: bases of its unit.
        copies: which of ``_COPIES``.
    """
    now = decode_bases(window)
    changed = {-1: now[:at] + now[at + unit :], 1: now[: at + unit] + now[at:]}
    sequences = [decode_bases(piece.bases) for piece in pieces]
    reverse = np.array([piece.reverse for piece in pieces], np.bool_)
    before = _distances(sequences, now)
    changes = []
    for change in copies:
        saved = before - _distances(sequences, changed[change])
        opposed = min(saved[reverse].sum(), saved[~reverse].sum()) < 0
        changes.append(_Change(at, unit, change, float(saved.sum() / (len(pieces) * unit)), bool(opposed)))
    return changes


def _distances(sequences: list[str], other: str) -> NDArray[np.int64]:
    """Edit distances ``int64[sequences]`` from another sequence."""
    return np.array([edlib.align(sequence, other)["editDistance"] for sequence in sequences], np.int64)
