"""A draft corrected by the evidence of its passes, edit by edit, until none asks for more."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.align.normalise import left_normalise
from deepconsensus_py.edits.apply import Codes, Edit, apply_edits, carry_over
from deepconsensus_py.edits.candidates import SHARE, Doubts, find_doubts
from deepconsensus_py.edits.classes import CHANGE, FIRST, INSERTS, LAST
from deepconsensus_py.edits.error_rates import PassModel, estimate
from deepconsensus_py.edits.evidence import UNIT_CHANGE, RunScores, pooled, score_runs
from deepconsensus_py.edits.repeats import Runs, find_runs
from deepconsensus_py.edits.rescore import rescore
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import Pass, Zmw

ROUNDS = 3
THRESHOLD = 1.0
"""Nats. Drafts are mostly right, and without a threshold rates and edits drive each other on (hmm.md)."""


@dataclass(frozen=True, slots=True, eq=False)
class Refined:
    """A molecule with its refined draft.

    Attributes:
        bases: ``uint8[n]`` base codes of the refined draft.
        draft_index: ``int32[n]`` position of each base in the draft that was given, -1 for one that was put in.
        passes: the passes, aligned to the refined draft.
        scores: their evidence about edits of the refined draft.
        doubts: what their alignments say of it.
        models: error rates of the passes of the draft's strand and of the other one, given the refined draft.
    """

    bases: Codes
    draft_index: NDArray[np.int32]
    passes: tuple[Pass, ...]
    scores: RunScores
    doubts: Doubts
    models: tuple[PassModel, PassModel]


def refine(zmw: Zmw, *, rounds: int = ROUNDS, threshold: float = THRESHOLD, share: float = SHARE) -> Refined:
    """Apply the edits of the draft that make its passes likelier, then look again near them.

    In each round error rates are counted anew, and of edits that are neighbours the better one is made.

    Args:
        zmw: a molecule with aligned passes.
        rounds: most times that edits are made.
        threshold: evidence of the passes together that an edit needs, nats (``evidence.pooled``).
        share: of the passes that must speak against a run before its edits are scored (``doubts.find_doubts``).

    Raises:
        MoleculeError: the draft is empty, there is no pass, or an alignment does not fit.
    """
    bases, passes = zmw.draft.bases, _checked(zmw)
    draft_index = np.arange(len(bases), dtype=np.int32)
    doubts, models = find_doubts(bases, find_runs(bases), passes, share), estimate(bases, passes)
    scores = score_runs(bases, passes, models, wanted=doubts.runs)
    for _ in range(rounds):
        edits = choose_edits(bases, scores, threshold)
        if not edits:
            break
        bases, index = apply_edits(bases, edits)
        if not len(bases):
            raise MoleculeError(f"{zmw.name}: its passes leave no base of the draft; align them to this draft")
        draft_index = np.where(index < 0, -1, draft_index[index]).astype(np.int32)
        carried = [carry_over(p, bases, index) for p in passes]
        passes = tuple(p for p in carried if p is not None)
        scores = scores.of_passes([number for number, p in enumerate(carried) if p is not None])
        doubts, models = find_doubts(bases, find_runs(bases), passes, share), estimate(bases, passes)
        scores = rescore(scores, bases, index, passes, models, wanted=doubts.runs)
    return Refined(bases, draft_index, passes, scores, doubts, models)


def choose_edits(draft: Codes, scores: RunScores, threshold: float) -> list[Edit]:
    """The edits of pooled evidence above a threshold; where two touch the same or neighbouring runs, the better one.

    Args:
        draft: ``uint8[n]`` base codes.
        scores: evidence of its passes.
        threshold: in nats.
    """
    candidates = _run_edits(scores, threshold) + _tract_edits(draft, scores, threshold)
    candidates.sort(key=lambda candidate: -candidate.evidence)
    runs = len(scores.runs)
    taken = np.zeros(runs + 2, np.bool_)
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


def _run_edits(scores: RunScores, threshold: float) -> list[_Candidate]:
    runs, scored = scores.runs, np.flatnonzero(scores.scored)
    summed = pooled(scores.ratios)
    best = summed.argmax(axis=1)
    return [
        _Candidate(_run_edit(runs, scored[row], best[row] + 1), scored[row], scored[row], float(summed[row, best[row]]))
        for row in np.flatnonzero(summed.max(axis=1, initial=-np.inf) > threshold).tolist()
    ]


def _run_edit(runs: Runs, run: int, number: int) -> Edit:
    """The edit ``edits.classes.EDITS[number]`` of a run."""
    start, change, letter = int(runs.start[run]), int(CHANGE[number]), int(runs.base[run])
    if change:
        return Edit(start, max(-change, 0), np.full(max(change, 0), letter, np.uint8))
    if INSERTS[number]:
        return Edit(start, 0, INSERTS[number : number + 1])
    at = start if FIRST[number] else int(runs.stop[run]) - 1
    return Edit(at, 1, np.maximum(FIRST, LAST)[number : number + 1])


def _tract_edits(draft: Codes, scores: RunScores, threshold: float) -> list[_Candidate]:
    tracts, summed = scores.tracts, pooled(scores.tract_ratios)
    best = summed.argmax(axis=1)
    found = []
    for tract in np.flatnonzero(summed.max(axis=1, initial=-np.inf) > threshold).tolist():
        start, unit = int(tracts.start[tract]), int(tracts.unit[tract])
        removed, new = (unit, draft[:0]) if UNIT_CHANGE[best[tract]] < 0 else (0, draft[start : start + unit])
        ends = np.array([start, int(tracts.stop[tract]) - 1])
        first, last = np.searchsorted(scores.runs.start, ends, side="right") - 1
        found.append(_Candidate(Edit(start, removed, new), int(first), int(last), float(summed[tract, best[tract]])))
    return found


def _checked(zmw: Zmw) -> tuple[Pass, ...]:
    """The passes, gaps left-normalised."""
    if not len(zmw.draft.bases):
        raise MoleculeError(f"{zmw.name}: the draft has no bases; leave it out of the drafts file")
    if not zmw.passes:
        raise MoleculeError(f"{zmw.name}: no pass aligns to the draft", outcome="no_aligned_pass")
    return tuple(_normalised(p, zmw.draft.bases) for p in zmw.passes)


def _normalised(p: Pass, draft: Codes) -> Pass:
    a = p.alignment
    if a is None:
        raise MoleculeError(f"{p.name}: it is not aligned to the draft; align it first", outcome="no_aligned_pass")
    on_pass, on_draft = (side[a.operations] for side in (cigar.ON_PASS, cigar.ON_DRAFT))
    fits = a.start >= 0 and a.lengths @ on_pass == len(p.bases) and a.start + a.lengths @ on_draft <= len(draft)
    if not fits or not (on_pass & on_draft).any():
        raise MoleculeError(f"{p.name}: its alignment does not fit its bases and the draft; align it to this draft")
    return replace(p, alignment=left_normalise(a, p.bases, draft))
