"""Which polished reads get kinetics, and where these come from: the passes, or else the draft."""

from typing import Any

from deepconsensus_py.corrector import Calls
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.hifi.carried import carried_kinetics, draft_kinetics, has_kinetics
from deepconsensus_py.hifi.kinetics import (
    Kinetics,
    Origin,
    PassKinetics,
    computed_kinetics,
    has_durations,
    pass_kinetics,
)
from deepconsensus_py.options import AUTO, ON
from deepconsensus_py.pacbio.drafts import first_drafts
from deepconsensus_py.pacbio.inputs import Paths
from deepconsensus_py.pacbio.molecule import Draft, Zmw
from deepconsensus_py.reports.outcomes import Outcome

LOOKED_AT = 100
"""CCS reads of each file that decide whether it has kinetics; with ``ccs --all``, some reads have none."""


def ccs_kinetics(ccs: Paths) -> bool:
    """Whether CCS reads have kinetics, by the first reads of each file.

    Raises:
        InputError: a file cannot be read.
    """
    return any(map(has_kinetics, first_drafts(ccs, LOOKED_AT)))


def kinetics_wanted(draft: Draft, mode: str) -> bool:
    """Whether the polished read of a draft gets kinetics.

    Args:
        draft: the draft.
        mode: one of ``options.KINETICS``.
    """
    return mode == ON or (mode == AUTO and has_kinetics(draft))


def require_kinetics(zmw: Zmw, mode: str) -> None:
    """Refuse a ZMW whose read must have kinetics if neither its passes nor its draft have any.

    Args:
        zmw: the ZMW.
        mode: one of ``options.KINETICS``.

    Raises:
        MoleculeError: ``missing_kinetics``.
    """
    if mode == ON and not any(map(has_durations, zmw.passes)) and not draft_kinetics(zmw.draft).arrays:
        raise MoleculeError(
            f"{zmw.name}: none of its subreads has both 'ip' and 'pw', which --kinetics on needs",
            outcome=Outcome.MISSING_KINETICS,
        )


def kinetics_of_passes(zmw: Zmw, mode: str) -> PassKinetics | None:
    """What the kinetics of a ZMW's read need of its passes; None if there are none or none are wanted.

    Args:
        zmw: a ZMW with aligned passes.
        mode: one of ``options.KINETICS``.
    """
    return pass_kinetics(zmw) if kinetics_wanted(zmw.draft, mode) else None


def read_kinetics(draft: Draft, passes: PassKinetics | None, calls: Calls, mode: str) -> Kinetics | None:
    """The kinetics of a polished read; None if there are none or none are wanted.

    Args:
        draft: the draft.
        passes: from ``kinetics_of_passes``.
        calls: the read.
        mode: one of ``options.KINETICS``.
    """
    if not kinetics_wanted(draft, mode):
        return None
    computed = None if passes is None else computed_kinetics(passes, draft, calls.bases, calls.draft_index)
    if computed is None and has_kinetics(draft):
        return carried_kinetics(draft, calls.bases, calls.draft_index)
    return computed


def unpolished_kinetics(draft: Draft, mode: str) -> tuple[tuple[str, Any, str], ...]:
    """The kinetics tags of a draft that is written unpolished.

    Args:
        draft: the draft.
        mode: one of ``options.KINETICS``.
    """
    return draft_kinetics(draft).tags if kinetics_wanted(draft, mode) else ()


def kinetics_counts(draft: Draft, kinetics: Kinetics | None) -> dict[str, int]:
    """1 for the origin of the kinetics of a read, by one of the report's names ``KINETICS_COUNTS``."""
    if kinetics is not None:
        return {f"kinetics_{kinetics.origin}": 1}
    return {"kinetics_dropped": 1} if has_kinetics(draft) else {}


KINETICS_COUNTS = tuple(f"kinetics_{what}" for what in (*Origin, "dropped"))
"""``kinetics_computed``, ``kinetics_carried``, ``kinetics_invalid``, ``kinetics_dropped``."""
