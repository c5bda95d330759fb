"""A draft consensus of a molecule's passes, for runs where no CCS reads are at hand."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align.cigar import ON_DRAFT, identity
from deepconsensus_py.align.passes import align_passes
from deepconsensus_py.align.poa import window_consensus
from deepconsensus_py.align.votes import vote
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import Draft, Pass, Zmw, count_full
from deepconsensus_py.pacbio.names import MoleculeId, ccs_name, identity_tags

MIN_PASSES = 3
"""Two passes have no majority."""

MAX_PASSES = 20
"""Time grows with the passes, errors stop falling: in six molecules of 6 to 19 usable passes, at most 7 of them give
752 errors, 10 give 413, 15 give 276, and all of them 274."""

UNPOLISHED = -1.0
"""Tag ``rq`` of a read that is no consensus (``ccs --all``)."""

_PASS_QUALITY = 10
"""Phred of the bases of a pass, as ``ccs`` gives it."""

_SHORTEST, _LONGEST = 0.5, 2.0
"""Of the median length; ccs drops passes outside it too."""


def draft_zmw(molecule: MoleculeId, passes: Sequence[Pass]) -> Zmw:
    """Make the draft of a molecule from its passes.

    A pass of median length is the backbone; the passes, aligned to it, give a partial-order consensus in windows, and,
    aligned to that, a second one, on which they vote. Base qualities follow from that vote.

    Args:
        molecule: names the draft, ``movie/zmw/ccs``.
        passes: unaligned passes, in sequencing orientation.

    Returns:
        The draft, with tags ``RG zm np ec rq sn``, and the passes as they were given.

    Raises:
        MoleculeError: fewer than three passes are of about the median length and alike (``too_few_passes``).
    """
    name = ccs_name(molecule)
    chosen = _chosen(passes)
    if len(chosen) < MIN_PASSES:
        raise _too_few(name, len(chosen), len(passes))
    backbone = chosen[0].bases
    aligned = _aligned(name, backbone, chosen)
    if len(aligned) < MIN_PASSES:
        raise _too_few(name, len(aligned), len(passes))
    consensus = window_consensus(backbone, aligned)
    consensus = window_consensus(consensus, _aligned(name, consensus, chosen), backbone_leads=True)
    aligned = _aligned(name, consensus, chosen)
    bases, qualities = vote(consensus, aligned)
    others = _aligned(name, bases, [p for p in passes if all(p is not one for one in chosen)])
    tags = _tags(Draft(name, bases, qualities), aligned, _coverage(consensus, [*aligned, *others]))
    return Zmw(Draft(name, bases, qualities, (*identity_tags(name), *tags)), tuple(passes))


def unpolished_draft(molecule: MoleculeId, passes: Sequence[Pass]) -> Draft:
    """What stands for a molecule of which no consensus is made: one of its passes, as ``ccs --all`` writes it.

    Args:
        molecule: names the draft, ``movie/zmw/ccs``.
        passes: unaligned passes, in sequencing orientation.

    Returns:
        The full pass of median length, or of all passes where none is full; qualities of 10, tags ``RG zm np rq sn``
        with ``rq`` -1.
    """
    full = [p for p in passes if p.is_full]
    by_length = sorted(full or passes, key=lambda p: len(p.bases))
    chosen = by_length[(len(by_length) - 1) // 2]
    name = ccs_name(molecule)
    tags = (*identity_tags(name), ("np", len(full), "i"), ("rq", UNPOLISHED, "f"), *_snr(passes))
    return Draft(name, chosen.bases, np.full(len(chosen.bases), _PASS_QUALITY, np.uint8), tags)


def _chosen(passes: Sequence[Pass]) -> list[Pass]:
    """Passes of about the median length, the nearest to it first; the median is that of passes with both adapters."""
    full = [p for p in passes if p.is_full] or list(passes)
    if not full:
        return []
    median = float(np.median([len(p.bases) for p in full]))
    usable = [p for p in passes if _SHORTEST * median <= len(p.bases) <= _LONGEST * median and len(p.bases)]
    usable.sort(key=lambda p: abs(len(p.bases) - median))
    return usable[:MAX_PASSES]


def _aligned(name: str, bases: NDArray[np.uint8], passes: Sequence[Pass]) -> list[Pass]:
    """The passes that align, the best first."""
    aligned = [p for p in align_passes(Draft(name, bases, None), passes) if p is not None]
    return sorted(aligned, key=lambda p: identity(p.alignment) if p.alignment else 0.0, reverse=True)


def _coverage(bases: NDArray[np.uint8], aligned: Sequence[Pass]) -> float:
    """Mean number of passes on a base of the draft; short ones, which it was not made of, count as well (as in ccs)."""
    alignments = [p.alignment for p in aligned if p.alignment is not None]
    spans = sum(int(a.lengths @ ON_DRAFT[a.operations]) for a in alignments)
    return spans / max(1, len(bases))


def _tags(draft: Draft, aligned: Sequence[Pass], coverage: float) -> tuple[tuple[str, object, str], ...]:
    """Number of full passes, effective coverage, read quality and signal-to-noise."""
    assert draft.qualities is not None
    accuracy = 1 - float(np.mean(10 ** (draft.qualities / -10.0)))
    return (
        ("np", count_full(aligned), "i"),
        ("ec", coverage, "f"),
        ("rq", accuracy, "f"),
        *_snr(aligned),
    )


def _snr(passes: Sequence[Pass]) -> tuple[tuple[str, object, str], ...]:
    snr = next((p.snr for p in passes if p.snr is not None), None)
    return () if snr is None else (("sn", snr, "B"),)


def _too_few(name: str, usable: int, total: int) -> MoleculeError:
    return MoleculeError(
        f"{name}: {usable} of its {total} passes are of similar length and align; a draft takes {MIN_PASSES}",
        outcome="too_few_passes",
    )
