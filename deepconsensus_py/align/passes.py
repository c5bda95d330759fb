"""Alignment of passes to their draft, as in actc, and a check that existing alignments are to this draft."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.align.chained import along_chain
from deepconsensus_py.align.cigar import left_normalise, paired_positions
from deepconsensus_py.align.guides import Template
from deepconsensus_py.align.mapping import DraftMap, Hit
from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.kernels import kernel
from deepconsensus_py.pacbio.molecule import Alignment, Draft, N, Pass, Zmw, decode_bases, reverse_complement
from deepconsensus_py.pacbio.names import is_by_strand

LEAST_EQUAL = 0.7
"""Minimum fraction of equal pairs in an alignment with M operations. Passes have one mismatch in fifty; in unrelated
sequences a quarter of the bases are equal."""

_TELLS = {cigar.EQUAL: "a match (=)", cigar.DIFFERENT: "a mismatch (X)"}
_EQUAL, _MATCH = cigar.EQUAL, cigar.MATCH


def require_own_draft(zmw: Zmw) -> None:
    """Refuse alignments to another sequence than the draft, such as the result of another run of ``ccs``.

    Args:
        zmw: a ZMW with aligned passes.

    Raises:
        MoleculeError: a match or mismatch of a CIGAR contradicts the bases, or an alignment with M has too few matches.
    """
    for p in zmw.passes:
        # An alignment that does not fit is reported where it is used.
        if p.alignment is None or not _fits(p.alignment, len(p.bases), len(zmw.draft.bases)):
            continue
        a = p.alignment
        operation, at, equal, unsaid = _check((a.operations, a.lengths, a.start), p.bases, zmw.draft.bases)
        if operation in _TELLS:
            raise _another_draft(zmw, p, f"{_TELLS[operation]} at base {at + 1} of the draft is wrong")
        if unsaid and equal / unsaid < LEAST_EQUAL:
            raise _another_draft(zmw, p, f"only {equal / unsaid:.0%} of the aligned bases are equal")


@kernel
def _check(
    alignment: tuple[NDArray[np.uint8], NDArray[np.int32], int], bases: NDArray[np.uint8], draft: NDArray[np.uint8]
) -> tuple[int, int, int, int]:
    """Compare the pairs of an alignment with the bases, those with an N excepted.

    Returns:
        The operation and draft position of the first ``=`` at unequal bases or ``X`` at equal ones, -1 each if there is
        none; the number of equal pairs under ``M``, and of all pairs under ``M``.
    """
    operations, lengths, at = alignment
    position = equal = unsaid = 0
    for k in range(len(operations)):
        on_pass, on_draft = cigar.ON_PASS[operations[k]], cigar.ON_DRAFT[operations[k]]
        for i in range(lengths[k] if on_pass and on_draft else 0):
            if bases[position + i] != N and draft[at + i] != N:
                same = bases[position + i] == draft[at + i]
                if operations[k] == _MATCH:
                    equal, unsaid = equal + same, unsaid + 1
                elif same != (operations[k] == _EQUAL):
                    return int(operations[k]), at + i, equal, unsaid
        position += lengths[k] * on_pass
        at += lengths[k] * on_draft
    return -1, -1, equal, unsaid


def without_unknown_bases(zmw: Zmw) -> Zmw:
    """Replace each N of a draft by what most passes read there; an N without passes stays.

    Args:
        zmw: a ZMW with aligned passes.
    """
    unknown = np.flatnonzero(zmw.draft.bases == N)
    if not len(unknown):
        return zmw
    votes = np.zeros((len(zmw.draft.bases), N), np.int64)
    for letters, at in _all_pairs(zmw):
        known = letters != N
        np.add.at(votes, (at[known], letters[known]), 1)
    seen = unknown[votes[unknown].any(axis=1)]
    bases = zmw.draft.bases.copy()
    bases[seen] = votes[seen].argmax(axis=1)
    return replace(zmw, draft=replace(zmw.draft, bases=bases))


_Pairs = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""Of each pair: the letter of the pass, and the position in the draft."""


def _all_pairs(zmw: Zmw) -> Iterator[_Pairs]:
    found = (_pairs(p, len(zmw.draft.bases)) for p in zmw.passes)
    return (pairs for pairs in found if pairs is not None)


def _pairs(p: Pass, draft_length: int) -> _Pairs | None:
    """The pairs of a pass; None if its alignment does not fit, which is reported where it is used."""
    if p.alignment is None:
        return None
    if not _fits(p.alignment, len(p.bases), draft_length):
        return None
    in_pass, in_draft = paired_positions(p.alignment)
    return p.bases[in_pass], in_draft


def _fits(alignment: Alignment, bases: int, draft_length: int) -> bool:
    """Whether there are pairs, all of them within a pass and a draft of these lengths."""
    on_pass, on_draft = cigar.ON_PASS[alignment.operations], cigar.ON_DRAFT[alignment.operations]
    paired = np.flatnonzero(on_pass & on_draft & (alignment.lengths > 0))
    if not len(paired) or alignment.start < 0:
        return False
    own = slice(0, int(paired[-1]) + 1)
    read = alignment.lengths[own] @ on_pass[own]
    covered = alignment.lengths[own] @ on_draft[own]
    return bool(read <= bases and alignment.start + covered <= draft_length)


def _another_draft(zmw: Zmw, p: Pass, why: str) -> MoleculeError:
    return MoleculeError(
        f"{p.name}: is aligned to another sequence than the draft {zmw.name} ({why}); align the subreads to these "
        "CCS reads"
    )


def align_passes(draft: Draft, passes: Sequence[Pass]) -> list[Pass | None]:
    """Align each pass to the draft of its ZMW.

    Gaps are left-normalised. Passes are aligned end to end if that is better than chance; parts outside the draft or
    beyond a missed adapter are soft-clipped. A by-strand draft (``/ccs/fwd``, ``/ccs/rev``; each in the orientation of
    its own passes) takes only passes that align forward.

    Args:
        draft: the draft.
        passes: unaligned passes, in sequencing orientation.

    Returns:
        For each pass its aligned copy in draft orientation (bases, pulse widths and inter-pulse durations reversed if
        ``reverse``), or None if it does not align.

    Raises:
        ValueError: a pass is already aligned.
    """
    template, forward_only = Template(draft.bases), is_by_strand(draft.name)
    draft_map = DraftMap(decode_bases(draft.bases), forward_only=forward_only)
    return [_align(p, template, draft_map) for p in passes]


def align_zmw(zmw: Zmw) -> Zmw:
    """Align the passes of a ZMW and drop those that do not align; ``unaligned`` lists them.

    Args:
        zmw: a ZMW with unaligned passes.

    Returns:
        The ZMW with its aligned passes, in the order given; without passes if none aligns.

    Raises:
        ValueError: a pass is already aligned.
    """
    return replace(zmw, passes=tuple(p for p in align_passes(zmw.draft, zmw.passes) if p is not None))


def aligned_to_draft(zmw: Zmw) -> Zmw:
    """Align a ZMW, or check the alignments that it has.

    Raises:
        MoleculeError: the passes are aligned to another sequence.
    """
    if not zmw.aligned:
        return align_zmw(zmw)
    require_own_draft(zmw)
    return zmw


def unaligned(before: Zmw, after: Zmw) -> tuple[str, ...]:
    """Names of the passes that ``align_zmw`` dropped."""
    kept = {p.name for p in after.passes}
    return tuple(p.name for p in before.passes if p.name not in kept)


def require_raw(name: str, passes: Sequence[Pass]) -> None:
    """Refuse passes that are aligned already.

    Raises:
        InputError: naming the molecule.
    """
    if any(p.alignment is not None for p in passes):
        raise InputError(f"{name}: subreads are aligned already; give the raw subreads")


def oriented(p: Pass, *, reverse: bool) -> Pass:
    """A pass, reverse-complemented with its kinetics if ``reverse``."""
    if not reverse:
        return p
    return replace(
        p,
        bases=reverse_complement(p.bases),
        pulse_widths=_turned(p.pulse_widths),
        inter_pulse_durations=_turned(p.inter_pulse_durations),
        reverse=not p.reverse,
    )


def _align(p: Pass, template: Template, draft_map: DraftMap) -> Pass | None:
    if p.alignment is not None:
        raise ValueError(f"{p.name} is already aligned")
    found = along_chain(template, p.bases)
    if found is None or (found[1] and draft_map.forward_only):
        hit = draft_map.find(decode_bases(p.bases))
        if hit is None:
            return None
        found = _alignment(hit), hit.reverse
    alignment, reverse = found
    turned = oriented(p, reverse=reverse)
    return replace(turned, alignment=left_normalise(alignment, turned.bases, template.bases))


def _alignment(hit: Hit) -> Alignment:
    operations = [(cigar.SOFT_CLIP, hit.head), *hit.operations, (cigar.SOFT_CLIP, hit.tail)]
    # From single numbers: NumPy takes three times as long to find the shape of a list of pairs.
    pairs = np.fromiter(chain.from_iterable(operations), np.int32, 2 * len(operations)).reshape(-1, 2)
    kinds, lengths = pairs[pairs[:, 1] > 0].T
    return Alignment(hit.start, kinds.astype(np.uint8), lengths.copy())


def _turned(values: NDArray[np.uint8] | None) -> NDArray[np.uint8] | None:
    return None if values is None else values[::-1]
