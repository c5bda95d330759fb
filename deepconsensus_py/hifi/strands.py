"""Strands of a molecule: which passes were sequenced from which."""

from collections.abc import Sequence

from deepconsensus_py.align.mapping import DraftMap
from deepconsensus_py.pacbio.molecule import Pass, decode_bases


def split_by_strand(passes: Sequence[Pass]) -> tuple[tuple[Pass, ...], tuple[Pass, ...]]:
    """Divide the passes of a molecule by strand, as ``ccs --by-strand`` names them: ``fwd`` and ``rev``.

    The reference is the full pass of median length (of two middle ones the shorter, of equal ones the first), or, where
    none is full, the pass of median length. Passes that align to it as sequenced are of its strand, ``fwd``.

    Args:
        passes: unaligned, in sequencing orientation.

    Returns:
        The passes of ``fwd`` and those of ``rev``, in the order given. Those that do not align are in neither.
    """
    by_length = sorted([p for p in passes if p.is_full] or passes, key=lambda p: len(p.bases))
    if not by_length:
        return (), ()
    reference = by_length[(len(by_length) - 1) // 2]
    reference_map = DraftMap(decode_bases(reference.bases))
    forward, reverse = list[Pass](), list[Pass]()
    for p in passes:
        hit = reference_map.find(decode_bases(p.bases))
        if p is reference or (hit and not hit.reverse):
            forward.append(p)
        elif hit:
            reverse.append(p)
    return tuple(forward), tuple(reverse)
