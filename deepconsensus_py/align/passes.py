"""Alignment of the passes of a molecule to its draft: what actc does, one molecule at a time."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.align.draft_letters import require_own_draft
from deepconsensus_py.align.mapping import DraftMap, Hit
from deepconsensus_py.align.normalise import left_normalise
from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.molecule import Alignment, Draft, Pass, Zmw, decode_bases, reverse_complement

_STRAND_SUFFIXES = ("/ccs/fwd", "/ccs/rev")


def align_passes(draft: Draft, passes: Sequence[Pass]) -> list[Pass | None]:
    """Align each pass to the draft of its molecule.

    Gaps are left-normalised. Passes are aligned end to end where that is better than chance; what lies outside the
    draft or reads through a missed adapter is soft clipped. To a draft made from one strand (``/ccs/fwd``,
    ``/ccs/rev``; each in the orientation of its own passes) only passes that align forward belong.

    Args:
        draft: the draft.
        passes: unaligned passes, in sequencing orientation.

    Returns:
        For each pass its aligned copy in draft orientation (bases, pulse widths and inter-pulse durations turned round
        where ``reverse``), or None where it does not align.

    Raises:
        ValueError: a pass is already aligned.
    """
    draft_map = DraftMap(decode_bases(draft.bases), forward_only=draft.name.endswith(_STRAND_SUFFIXES))
    return [_align(p, draft_map, draft.bases) for p in passes]


def align_zmw(zmw: Zmw) -> Zmw:
    """Align the passes of a molecule and leave out those that do not align; ``unaligned`` names them.

    Args:
        zmw: a molecule with unaligned passes.

    Returns:
        The molecule with its aligned passes, in the order given; with none where none aligns.

    Raises:
        ValueError: a pass is already aligned.
    """
    return replace(zmw, passes=tuple(p for p in align_passes(zmw.draft, zmw.passes) if p is not None))


def aligned_to_draft(zmw: Zmw) -> Zmw:
    """A molecule as it is, once its alignments are known to be to its draft; aligned where it is not.

    Raises:
        MoleculeError: the passes are aligned to another sequence.
    """
    if not zmw.aligned:
        return align_zmw(zmw)
    require_own_draft(zmw)
    return zmw


def unaligned(before: Zmw, after: Zmw) -> tuple[str, ...]:
    """Names of the passes that ``align_zmw`` left out."""
    kept = {p.name for p in after.passes}
    return tuple(p.name for p in before.passes if p.name not in kept)


def require_raw(name: str, passes: Sequence[Pass]) -> None:
    """Refuse passes that are aligned already.

    Raises:
        InputError: naming the molecule.
    """
    if any(p.alignment is not None for p in passes):
        raise InputError(f"{name}: its subreads are aligned already; give the subreads as they were sequenced")


def oriented(p: Pass, *, reverse: bool) -> Pass:
    """A pass turned round where ``reverse``: bases complemented, kinetics in the same new direction."""
    if not reverse:
        return p
    return replace(
        p,
        bases=reverse_complement(p.bases),
        pulse_widths=_turned(p.pulse_widths),
        inter_pulse_durations=_turned(p.inter_pulse_durations),
        reverse=not p.reverse,
    )


def _align(p: Pass, draft_map: DraftMap, draft_bases: NDArray[np.uint8]) -> Pass | None:
    if p.alignment is not None:
        raise ValueError(f"{p.name} is already aligned")
    hit = draft_map.find(decode_bases(p.bases))
    if hit is None:
        return None
    turned = oriented(p, reverse=hit.reverse)
    return replace(turned, alignment=left_normalise(_alignment(hit), turned.bases, draft_bases))


def _alignment(hit: Hit) -> Alignment:
    operations = [(cigar.SOFT_CLIP, hit.head), *hit.operations, (cigar.SOFT_CLIP, hit.tail)]
    kinds, lengths = np.array([item for item in operations if item[1]]).T
    return Alignment(hit.start, kinds.astype(np.uint8), lengths.astype(np.int32))


def _turned(values: NDArray[np.uint8] | None) -> NDArray[np.uint8] | None:
    return None if values is None else values[::-1]
