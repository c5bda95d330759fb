"""Fail reads: what PacBio keeps beside HiFi reads, each with the reasons in its tag ``ff``.

Source: PacBio BAM format, "Use of read tags for fail per-read information" (``ff``).
"""

from collections.abc import Sequence
from dataclasses import replace

from deepconsensus_py.align.draft import unpolished_draft
from deepconsensus_py.align.passes import oriented
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import Draft, Pass
from deepconsensus_py.pacbio.names import MoleculeId, parse_ccs
from deepconsensus_py.pacbio.zmws import Fault, Molecule, Undrafted
from deepconsensus_py.polishing.artifacts import FailFlag
from deepconsensus_py.polishing.qualities import mean_quality
from deepconsensus_py.polishing.read import PolishedRead

LEAST_QUALITY = 20
"""Predicted quality of a HiFi read, Phred, whatever ``--min-quality``."""


def fail_flags(read: PolishedRead, controls: frozenset[str]) -> FailFlag:
    """The tag ``ff`` of a read that goes to the fail reads.

    Args:
        read: with bases, or with a pass that stands for it.
        controls: read groups of the control.
    """
    flags = FailFlag(read.artifacts)
    if not len(read.bases):
        flags |= FailFlag.FULL_PASS
    elif mean_quality(read.qualities) < LEAST_QUALITY:
        flags |= FailFlag.LOW_QUALITY
    if read.draft.tag("RG") in controls:
        flags |= FailFlag.CONTROL
    molecule = parse_ccs(read.name)
    if molecule and molecule.strand:
        flags |= FailFlag.SINGLE_STRAND
    return flags


def full_pass(molecule: Molecule) -> Draft | None:
    """The full pass of median length of a ZMW, for the fail reads; None where no pass is full.

    Returns:
        As sequenced, with qualities of 10 and the tags ``ip`` and ``pw``, if it has them.
    """
    passes = [p for p in _passes(molecule) if p.is_full]
    if not passes:
        return None
    chosen = passes if isinstance(molecule, Undrafted) else [oriented(p, reverse=p.reverse) for p in passes]
    return replace(unpolished_draft(_zmw(molecule), chosen, kinetics=True), name=molecule.name)


def any_pass(molecule: Molecule, *, kinetics: bool) -> Draft | None:
    """The pass that stands for a ZMW without a CCS read (``align.draft.unpolished_draft``); None where there is none.

    Returns:
        As sequenced, with qualities of 10 and, with ``kinetics``, the tags ``ip`` and ``pw``, if it has them.
    """
    passes = _passes(molecule) if isinstance(molecule, Undrafted) else ()
    return unpolished_draft(_zmw(molecule), passes, kinetics=kinetics) if passes else None


def _passes(molecule: Molecule) -> Sequence[Pass]:
    if isinstance(molecule, Fault) or isinstance(molecule.passes, MoleculeError):
        return ()
    return molecule.passes


def _zmw(molecule: Molecule) -> MoleculeId:
    found = molecule.molecule if isinstance(molecule, Undrafted) else parse_ccs(molecule.name)
    assert found is not None, "drafts without the name of a CCS read have no passes"
    return found
