"""Letters of a draft beside those that its aligned passes read: is it their draft, and what are its unknown bases?"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.align.cigar import paired_positions
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import N, Pass, Zmw

LEAST_EQUAL = 0.7
"""Of the pairs of an alignment that does not tell matches from mismatches: passes have one mismatch in fifty, and a
quarter of the letters of unrelated sequences are equal."""

_TELLS = {cigar.EQUAL: "a match (=)", cigar.DIFFERENT: "a mismatch (X)"}


def require_own_draft(zmw: Zmw) -> None:
    """Refuse alignments that were made to another sequence than the draft, as after a second run of ``ccs``.

    Args:
        zmw: a molecule with aligned passes.

    Raises:
        MoleculeError: what a CIGAR calls a match is none, or a mismatch is none; or one with M has too few matches.
    """
    for p in zmw.passes:
        pairs = _pairs(p, len(zmw.draft.bases))
        if pairs is None:
            continue
        of_pass, at, operations = pairs
        of_draft = zmw.draft.bases[at]
        known = (of_pass != N) & (of_draft != N)
        equal = of_pass == of_draft
        for operation, called in _TELLS.items():
            wrong = known & (operations == operation) & (equal != (operation == cigar.EQUAL))
            if wrong.any():
                raise _another_draft(zmw, p, f"{called} at base {at[np.argmax(wrong)] + 1} of the draft is none")
        unsaid = known & (operations == cigar.MATCH)
        if unsaid.any() and equal[unsaid].mean() < LEAST_EQUAL:
            raise _another_draft(zmw, p, f"{equal[unsaid].mean():.0%} of the aligned bases are equal")


def without_unknown_bases(zmw: Zmw) -> Zmw:
    """Put what most passes read in the place of each N of a draft; it stays where no pass reads anything.

    Args:
        zmw: a molecule with aligned passes.
    """
    unknown = np.flatnonzero(zmw.draft.bases == N)
    if not len(unknown):
        return zmw
    votes = np.zeros((len(zmw.draft.bases), N), np.int64)
    for letters, at, _ in _all_pairs(zmw):
        known = letters != N
        np.add.at(votes, (at[known], letters[known]), 1)
    seen = unknown[votes[unknown].any(axis=1)]
    bases = zmw.draft.bases.copy()
    bases[seen] = votes[seen].argmax(axis=1)
    return replace(zmw, draft=replace(zmw.draft, bases=bases))


_Pairs = tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8]]
"""Of each pair: the letter of the pass, the position in the draft, and the operation of the CIGAR."""


def _all_pairs(zmw: Zmw) -> Iterator[_Pairs]:
    found = (_pairs(p, len(zmw.draft.bases)) for p in zmw.passes)
    return (pairs for pairs in found if pairs is not None)


def _pairs(p: Pass, draft_length: int) -> _Pairs | None:
    """The pairs of a pass; None where its alignment does not fit, which those say who use it."""
    if p.alignment is None:
        return None
    in_pass, in_draft = paired_positions(p.alignment)
    if not len(in_pass) or in_pass[-1] >= len(p.bases) or in_draft[0] < 0 or in_draft[-1] >= draft_length:
        return None
    operations = p.alignment.operations
    paired = cigar.ON_PASS[operations] & cigar.ON_DRAFT[operations]
    return p.bases[in_pass], in_draft, np.repeat(operations[paired], p.alignment.lengths[paired])


def _another_draft(zmw: Zmw, p: Pass, why: str) -> MoleculeError:
    return MoleculeError(
        f"{p.name}: its alignment is to another sequence than the draft {zmw.name} ({why}); align the subreads to the "
        "drafts that are given"
    )
