"""A draft and all that its passes say of it: one state, replaced as a whole whenever the draft is edited."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.align.normalise import left_normalise
from deepconsensus_py.edits.aligned_pass import AlignedPass, align_pass, carried
from deepconsensus_py.edits.apply import Codes, Edit, Edits, apply_edits
from deepconsensus_py.edits.candidates import Candidates, find_candidates
from deepconsensus_py.edits.error_rates import PassModel, estimate
from deepconsensus_py.edits.evidence import RunScores, score_runs
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
