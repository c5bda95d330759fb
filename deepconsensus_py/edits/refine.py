"""A draft and all that its passes say of it, corrected edit by edit until no evidence asks for more."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.align.cigar import left_normalise
from deepconsensus_py.edits.aligned_pass import AlignedPass, align_pass, carried
from deepconsensus_py.edits.candidates import SHARE, Candidates, find_candidates
from deepconsensus_py.edits.classes import Codes, Edit, Edits, apply_edits, class_edits
from deepconsensus_py.edits.error_rates import PassModel, estimate
from deepconsensus_py.edits.evidence import UNIT_CHANGE, RunScores, score_runs
from deepconsensus_py.edits.repeats import Repeats, find_repeats
from deepconsensus_py.edits.rescore import rescore
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import Pass, Zmw


@dataclass(frozen=True, slots=True, eq=False)
class TemplateState:
    """A molecule with its draft as it stands.

    Attributes:
        repeats: the draft and its repeats.
        draft_index: ``int32[n]`` position of each base in the draft that was given, -1 for one that was put in.
        passes: the passes, aligned to the draft as it stands.
        candidates: which of its runs have candidate edits.
        rates: error rates of the passes of the draft's strand and of the other one.
        scores: evidence about edits of the draft, of each pass and of all together.
    """

    repeats: Repeats
    draft_index: NDArray[np.int32]
    passes: tuple[AlignedPass, ...]
    candidates: Candidates
    rates: tuple[PassModel, PassModel]
    scores: RunScores

    @property
    def bases(self) -> Codes:
        """``uint8[n]`` base codes of the draft."""
        return self.repeats.bases

    def of_passes(self, rows: Sequence[int]) -> "TemplateState":
        """The same by the evidence of some of the passes, given by their numbers; error rates stay."""
        return replace(
            self,
            passes=tuple(self.passes[row] for row in rows),
            candidates=replace(self.candidates, deviates=self.candidates.deviates[rows]),
            scores=self.scores.of_passes(rows),
        )


def first_state(zmw: Zmw, share: float) -> TemplateState:
    """The state of a molecule's draft as it was given.

    Args:
        zmw: a molecule with aligned passes.
        share: of the passes that must support a change of a run before its edits are scored (``find_candidates``).

    Raises:
        MoleculeError: the draft is empty, there is no pass, or an alignment does not fit.
    """
    if not len(zmw.draft.bases):
        raise MoleculeError(f"{zmw.name}: the draft has no bases; leave it out of the drafts file")
    if not zmw.passes:
        raise MoleculeError(f"{zmw.name}: no pass aligns to the draft", outcome="no_aligned_pass")
    repeats = find_repeats(zmw.draft.bases)
    passes = tuple(align_pass(_normalised(p, repeats.bases), repeats.bases) for p in zmw.passes)
    candidates, rates = find_candidates(repeats, passes, share), estimate(repeats, passes)
    scores = score_runs(repeats, passes, rates, wanted=candidates.runs)
    index = np.arange(len(repeats.bases), dtype=np.int32)
    return TemplateState(repeats, index, passes, candidates, rates, scores)


def next_state(state: TemplateState, edits: Sequence[Edit], share: float) -> TemplateState:
    """The state of the edited draft; evidence is carried over where no edit is near.

    Args:
        state: of the draft before.
        edits: of stretches that do not overlap.
        share: as for ``first_state``.

    Raises:
        MoleculeError: no base is left.
    """
    bases, index = apply_edits(state.bases, Edits.of(edits))
    if not len(bases):
        raise MoleculeError("its passes leave no base of the draft; align them to this draft")
    repeats = find_repeats(bases)
    draft_index = np.where(index < 0, -1, state.draft_index[index]).astype(np.int32)
    moved = [carried(p, bases, index) for p in state.passes]
    passes = tuple(p for p in moved if p is not None)
    before = state.scores.of_passes([number for number, p in enumerate(moved) if p is not None])
    candidates, rates = find_candidates(repeats, passes, share), estimate(repeats, passes)
    scores = rescore(before, repeats, index, passes, rates, wanted=candidates.runs)
    return TemplateState(repeats, draft_index, passes, candidates, rates, scores)


def _normalised(p: Pass, draft: Codes) -> Pass:
    a = p.alignment
    if a is None:
        raise MoleculeError(f"{p.name}: it is not aligned to the draft; align it first", outcome="no_aligned_pass")
    on_pass, on_draft = (side[a.operations] for side in (cigar.ON_PASS, cigar.ON_DRAFT))
    fits = a.start >= 0 and a.lengths @ on_pass == len(p.bases) and a.start + a.lengths @ on_draft <= len(draft)
    if not fits or not (on_pass & on_draft).any():
        raise MoleculeError(f"{p.name}: its alignment does not fit its bases and the draft; align it to this draft")
    return replace(p, alignment=left_normalise(a, p.bases, draft))


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
