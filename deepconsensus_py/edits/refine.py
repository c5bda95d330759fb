"""A draft corrected by the evidence of its passes, edit by edit, until none asks for more."""

from dataclasses import dataclass

import numpy as np

from deepconsensus_py.edits.apply import Edit
from deepconsensus_py.edits.candidates import SHARE
from deepconsensus_py.edits.classes import class_edits
from deepconsensus_py.edits.evidence import UNIT_CHANGE
from deepconsensus_py.edits.state import TemplateState, first_state, next_state
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import Zmw

ROUNDS = 3
THRESHOLD = 1.0
"""Nats. Drafts are mostly right, and without a threshold rates and edits drive each other on (hmm.md)."""


def refine(zmw: Zmw, *, rounds: int = ROUNDS, threshold: float = THRESHOLD, share: float = SHARE) -> TemplateState:
    """Apply the edits of the draft that make its passes likelier, then look again near them.

    In each round error rates are counted anew, and of edits that are neighbours the better one is made.

    Args:
        zmw: a molecule with aligned passes.
        rounds: most times that edits are made.
        threshold: evidence of the passes together that an edit needs, nats (``evidence.pooled``).
        share: of the passes that must support a change of a run before its edits are scored
            (``candidates.find_candidates``).

    Raises:
        MoleculeError: the draft is empty, there is no pass, or an alignment does not fit.
    """
    state = first_state(zmw, share)
    for _ in range(rounds):
        edits = choose_edits(state, threshold)
        if not edits:
            break
        try:
            state = next_state(state, edits, share)
        except MoleculeError as fault:
            raise MoleculeError(f"{zmw.name}: {fault}", outcome=fault.outcome) from fault
    return state


def choose_edits(state: TemplateState, threshold: float) -> list[Edit]:
    """The edits of pooled evidence above a threshold; where two touch the same or neighbouring runs, the better one.

    Args:
        state: of the draft.
        threshold: in nats.
    """
    candidates = _run_edits(state, threshold) + _tract_edits(state, threshold)
    candidates.sort(key=lambda candidate: -candidate.evidence)
    taken = np.zeros(len(state.repeats.runs) + 2, np.bool_)
    edits = []
    for candidate in candidates:
        near = slice(candidate.first_run, candidate.last_run + 3)
        if not taken[near].any():
            taken[candidate.first_run + 1 : candidate.last_run + 2] = True
            edits.append(candidate.edit)
    return edits


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    """An edit, the runs that it changes, and the evidence for it (nats)."""

    edit: Edit
    first_run: int
    last_run: int
    evidence: float


def _run_edits(state: TemplateState, threshold: float) -> list[_Candidate]:
    runs, evidence = state.repeats.runs, state.scores.pooled
    rows = np.flatnonzero(evidence.max(axis=1, initial=-np.inf) > threshold)
    scored, best = np.flatnonzero(state.scores.scored)[rows], evidence[rows].argmax(axis=1)
    classes = np.zeros(len(runs), np.int64)
    classes[scored] = best + 1
    edits = class_edits(runs, classes)
    letters = np.split(edits.letters, np.cumsum(edits.sizes)[:-1])
    return [
        _Candidate(Edit(int(start), int(removed), new), int(run), int(run), float(nats))
        for start, removed, new, run, nats in zip(
            edits.start, edits.removed, letters, scored, evidence[rows, best], strict=False
        )
    ]


def _tract_edits(state: TemplateState, threshold: float) -> list[_Candidate]:
    tracts, runs, draft, evidence = state.repeats.tracts, state.repeats.runs, state.bases, state.scores.pooled_tracts
    best = evidence.argmax(axis=1)
    found = []
    for tract in np.flatnonzero(evidence.max(axis=1, initial=-np.inf) > threshold).tolist():
        start, unit = int(tracts.start[tract]), int(tracts.unit[tract])
        removed, new = (unit, draft[:0]) if UNIT_CHANGE[best[tract]] < 0 else (0, draft[start : start + unit])
        ends = np.array([start, int(tracts.stop[tract]) - 1])
        first, last = np.searchsorted(runs.start, ends, side="right") - 1
        found.append(_Candidate(Edit(start, removed, new), int(first), int(last), float(evidence[tract, best[tract]])))
    return found
