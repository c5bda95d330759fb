"""Refine a draft: apply the edits that its passes support until none is left.

First those of single homopolymers and short repeats, in rounds; then those of any size that the passes propose
(``edits.segments``), each followed by rounds of the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align import cigar
from deepconsensus_py.align.cigar import left_normalise
from deepconsensus_py.align.disagreement import MARGIN, NO_DISAGREEMENT, Disagreement
from deepconsensus_py.align.rows import largest
from deepconsensus_py.edits.aligned_pass import AlignedPass, align_pass, carried
from deepconsensus_py.edits.candidates import SHARE, Candidates, find_candidates
from deepconsensus_py.edits.classes import Codes, Edit, Edits, apply_edits, class_edits
from deepconsensus_py.edits.error_rates import PassModel, estimate
from deepconsensus_py.edits.evidence import UNIT_CHANGE, EditScores, score_edits
from deepconsensus_py.edits.proposals import Proposal
from deepconsensus_py.edits.repeats import Repeats, find_repeats, in_long_repeats
from deepconsensus_py.edits.rescore import rescore
from deepconsensus_py.edits.segments import Segments, find_segments, no_segments, with_segments
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import Pass, Zmw


@dataclass(frozen=True, slots=True, eq=False)
class TemplateState:
    """A molecule with its current draft.

    Attributes:
        repeats: the current draft and its repeats.
        draft_index: ``int32[n]`` position of each base in the input draft, -1 for an inserted one.
        passes: aligned to the current draft.
        candidates: homopolymers with candidate edits.
        rates: error rates of the passes of the draft's strand and of the other one.
        scores: evidence for edits of the draft, by pass and pooled; that of ``segments`` only in the result of
            ``refine``.
        segments: edits that the passes propose; none before ``refine`` is done.
        disagreement: of the passes with the draft, likewise.
    """

    repeats: Repeats
    draft_index: NDArray[np.int32]
    passes: tuple[AlignedPass, ...]
    candidates: Candidates
    rates: tuple[PassModel, PassModel]
    scores: EditScores
    segments: Segments
    disagreement: Disagreement = NO_DISAGREEMENT

    @property
    def bases(self) -> Codes:
        """``uint8[n]`` base codes of the draft."""
        return self.repeats.bases

    def of_passes(self, rows: Sequence[int]) -> "TemplateState":
        """The state with the evidence of some passes only, by index; error rates stay."""
        return replace(
            self,
            passes=tuple(self.passes[row] for row in rows),
            candidates=replace(self.candidates, deviates=self.candidates.deviates[rows]),
            scores=self.scores.of_passes(rows),
            segments=self.segments.of_passes(rows),
        )


def first_state(zmw: Zmw, share: float) -> TemplateState:
    """The state of a molecule's input draft.

    Args:
        zmw: a molecule with aligned passes.
        share: of the spanning passes that must support a change before it is scored (``find_candidates``).

    Raises:
        MoleculeError: the draft is empty, there is no pass, or an alignment does not fit.
    """
    if not len(zmw.draft.bases):
        raise MoleculeError(f"{zmw.name}: the draft is empty; remove it from the drafts file")
    if not zmw.passes:
        raise MoleculeError(f"{zmw.name}: no pass aligns to the draft", outcome="no_aligned_pass")
    repeats = find_repeats(zmw.draft.bases)
    passes = tuple(align_pass(_normalised(p, repeats.bases), repeats.bases) for p in zmw.passes)
    candidates, rates = find_candidates(repeats, passes, share), estimate(repeats, passes)
    scores = score_edits(repeats, passes, rates, wanted=candidates.homopolymers)
    index = np.arange(len(repeats.bases), dtype=np.int32)
    return TemplateState(repeats, index, passes, candidates, rates, scores, no_segments(len(passes)))


def next_state(
    state: TemplateState, edits: Sequence[Edit], share: float, *, realigned: Sequence[slice] = ()
) -> TemplateState:
    """The state of the edited draft; evidence far from the edits is kept.

    Args:
        state: of the draft before the edits.
        edits: that do not overlap.
        share: as for ``first_state``.
        realigned: stretches of the draft before the edits around which passes are aligned anew.

    Raises:
        MoleculeError: no base is left.
    """
    bases, index = apply_edits(state.bases, Edits.of(edits))
    if not len(bases):
        raise MoleculeError("the passes support no base of the draft; align them to this draft")
    repeats = find_repeats(bases)
    draft_index = np.where(index < 0, -1, state.draft_index[index]).astype(np.int32)
    changed = _around(realigned, index)
    moved = [carried(p, bases, index, changed) for p in state.passes]
    passes = tuple(p for p in moved if p is not None)
    before = state.scores.of_passes([number for number, p in enumerate(moved) if p is not None])
    candidates, rates = find_candidates(repeats, passes, share), estimate(repeats, passes)
    scores = rescore(before, repeats, index, passes, rates, wanted=candidates.homopolymers, changed=changed)
    return TemplateState(repeats, draft_index, passes, candidates, rates, scores, no_segments(len(passes)))


def _around(stretches: Sequence[slice], index: NDArray[np.int32]) -> list[slice]:
    """The same stretches of an edited draft, wider by ``REALIGNED``; those that meet are one."""
    kept = np.flatnonzero(index >= 0)
    found: list[slice] = []
    for stretch in sorted(stretches, key=lambda stretch: stretch.start):
        first, last = np.searchsorted(index[kept], (stretch.start - REALIGNED, stretch.stop + REALIGNED))
        begin, end = int(kept[min(first, len(kept) - 1)]), int(kept[min(last, len(kept) - 1)]) + 1
        if found and found[-1].stop >= begin:
            found[-1] = slice(found[-1].start, max(found[-1].stop, end))
        else:
            found.append(slice(begin, end))
    return found


def _normalised(p: Pass, draft: Codes) -> Pass:
    a = p.alignment
    if a is None:
        raise MoleculeError(f"{p.name}: not aligned to the draft; align it first", outcome="no_aligned_pass")
    on_pass, on_draft = (side[a.operations] for side in (cigar.ON_PASS, cigar.ON_DRAFT))
    fits = a.start >= 0 and a.lengths @ on_pass == len(p.bases) and a.start + a.lengths @ on_draft <= len(draft)
    if not fits or not (on_pass & on_draft).any():
        raise MoleculeError(f"{p.name}: its alignment does not fit its bases and the draft; align it to this draft")
    return replace(p, alignment=left_normalise(a, p.bases, draft))


REALIGNED = 20
"""Draft bases on either side of a proposed edit within which passes are aligned anew."""

LARGE = 4
"""Bases gained or lost by proposed edits that come before all others."""

SEGMENT_ROUNDS = 5
SEGMENT_THRESHOLD = 3.0
"""Nats of proposed edits: of all the edits of any size that could be proposed, few are right."""

ROUNDS = 3
THRESHOLD = 1.0
"""Nats. Most of a draft is correct, and without a threshold error rates and edits reinforce each other (hmm.md)."""


def refine(zmw: Zmw, *, rounds: int = ROUNDS, threshold: float = THRESHOLD, share: float = SHARE) -> TemplateState:
    """Apply the edits that raise the likelihood of the passes, then rescore near them.

    Each round recounts the error rates; of adjacent edits only the best is applied.

    Args:
        zmw: a molecule with aligned passes.
        rounds: at most this many.
        threshold: pooled evidence that an edit needs, nats (``evidence.pooled``).
        share: of the spanning passes that must support a change before it is scored (``candidates.find_candidates``).

    Raises:
        MoleculeError: the draft is empty, there is no pass, or an alignment does not fit.
    """
    try:
        state = first_state(zmw, share)
        # Edits may lead in a circle, each against the evidence of the draft before it.
        seen = {zmw.draft.bases.tobytes()}
        state = _settle(_without_large_errors(state, share) if rounds else state, rounds, threshold, share, seen)
        segments, disagreement = _segments(state)
        for _ in range(SEGMENT_ROUNDS if rounds and len(disagreement.start) + len(segments) else 0):
            before = state
            chosen = _choose_segments(segments)
            if not (_leads_on(state, chosen, seen) if chosen else _may_hide_edits(disagreement)):
                break
            # Where the passes still disagree, their alignments may hide a simple edit.
            state = _settle(_edited(state, chosen, share, disagreement), rounds, threshold, share, seen)
            segments, disagreement = _segments(state)
            if np.array_equal(before.bases, state.bases):
                break
    except MoleculeError as fault:
        raise MoleculeError(f"{zmw.name}: {fault}", outcome=fault.outcome) from fault
    # Copies of repeats with less evidence stay as the draft has them; their lengths lower the qualities.
    segments = segments.without_repeats()
    scores = with_segments(state.scores, segments)
    return replace(state, scores=scores, segments=segments, disagreement=disagreement)


def _without_large_errors(state: TemplateState, share: float) -> TemplateState:
    """The state without errors of several bases, which alignments spread over edits of single homopolymers."""
    segments, _ = _segments(state)
    chosen = [one for one in _choose_segments(segments) if abs(len(one.edit.letters) - one.edit.removed) >= LARGE]
    return _edited(state, chosen, share, NO_DISAGREEMENT) if chosen else state


def _settle(state: TemplateState, rounds: int, threshold: float, share: float, seen: set[bytes]) -> TemplateState:
    """Apply edits of homopolymers and short repeats until none is left, or they lead back to an earlier draft."""
    for _ in range(rounds):
        edits = choose_edits(state, threshold)
        if not edits or not _leads_on(state, edits, seen):
            break
        state = _edited(state, edits, share, NO_DISAGREEMENT)
    return state


def _may_hide_edits(disagreement: Disagreement) -> bool:
    """Whether passes are so much longer or shorter somewhere that aligning them anew shows edits."""
    change = disagreement.size - (disagreement.stop - disagreement.start) - 2 * MARGIN
    return bool((abs(change) >= LARGE).any())


def _leads_on(state: TemplateState, chosen: Sequence[Proposal], seen: set[bytes]) -> bool:
    """Whether edits make a draft that has not been seen; it is added to those that have."""
    draft = apply_edits(state.bases, Edits.of([one.edit for one in chosen]))[0].tobytes()
    is_new = draft not in seen
    seen.add(draft)
    return is_new


def _edited(
    state: TemplateState, chosen: Sequence[Proposal], share: float, disagreement: Disagreement
) -> TemplateState:
    """The state of the edited draft, with passes aligned anew around large edits, in repeats and at disagreement."""
    both = zip(disagreement.start.tolist(), disagreement.stop.tolist(), strict=True)
    stretches = [one.stretch for one in chosen if one.stop or abs(len(one.edit.letters) - one.edit.removed) > 1]
    stretches += [slice(start, stop) for start, stop in both]
    return next_state(state, [one.edit for one in chosen], share, realigned=stretches)


def _segments(state: TemplateState) -> tuple[Segments, Disagreement]:
    return find_segments(state.repeats, state.passes, state.rates)


def _choose_segments(segments: Segments) -> list[Proposal]:
    """The proposed edits with enough evidence; of those at the same or adjacent homopolymers, the best."""
    chosen, taken = [], np.zeros(int(segments.last.max(initial=0)) + 3, np.bool_)
    for number in np.argsort(-segments.pooled, kind="stable").tolist():
        near = slice(segments.first[number], segments.last[number] + 3)
        if segments.pooled[number] > SEGMENT_THRESHOLD and not taken[near].any():
            taken[segments.first[number] + 1 : segments.last[number] + 2] = True
            chosen.append(segments.proposals[number])
    return chosen


def choose_edits(state: TemplateState, threshold: float) -> list[Proposal]:
    """The edits whose pooled evidence is above a threshold; of those at the same or adjacent homopolymers, the best.

    Args:
        state: of the draft.
        threshold: in nats.
    """
    candidates = _homopolymer_edits(state, threshold) + _tandem_edits(state, threshold)
    # Greedy: the best edit first, and none that shares or adjoins a homopolymer already edited, whose evidence has
    # changed.
    candidates.sort(key=lambda candidate: -candidate.evidence)
    taken = np.zeros(len(state.repeats.homopolymers) + 2, np.bool_)
    edits = []
    for candidate in candidates:
        near = slice(candidate.first, candidate.last + 3)
        if not taken[near].any():
            taken[candidate.first + 1 : candidate.last + 2] = True
            edits.append(candidate.proposal)
    return edits


LEAST_IN_REPEATS = 10.0
"""Nats that an edit of a single homopolymer inside a long tandem repeat needs beyond others: with less, right drafts of
such repeats lost a base in a hundred."""

LONGEST_IN_BAND = 100
"""Bases. In longer tandem repeats, all indels of a pass can exceed the band where its alignment collects them; their
copies are edits that the passes propose (``edits.segments``)."""


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    """An edit, the homopolymers that it changes, and its evidence (nats)."""

    proposal: Proposal
    first: int
    last: int
    evidence: float


def _homopolymer_edits(state: TemplateState, threshold: float) -> list[_Candidate]:
    homopolymers = state.repeats.homopolymers
    evidence = state.scores.pooled - LEAST_IN_REPEATS * in_long_repeats(state.repeats)[state.scores.scored, None]
    rows = np.flatnonzero(largest(evidence) > threshold)
    scored, best = np.flatnonzero(state.scores.scored)[rows], evidence[rows].argmax(axis=1)
    classes = np.zeros(len(homopolymers), np.int64)
    classes[scored] = best + 1
    edits = class_edits(homopolymers, classes)
    letters = np.split(edits.letters, np.cumsum(edits.sizes)[:-1])
    return [
        _Candidate(Proposal(Edit(int(start), int(removed), new)), int(homopolymer), int(homopolymer), float(nats))
        for start, removed, new, homopolymer, nats in zip(
            edits.start, edits.removed, letters, scored, evidence[rows, best], strict=False
        )
    ]


def _tandem_edits(state: TemplateState, threshold: float) -> list[_Candidate]:
    tandem_repeats, homopolymers, draft, evidence = (
        state.repeats.tandem_repeats,
        state.repeats.homopolymers,
        state.bases,
        state.scores.pooled_tandem,
    )
    best = evidence.argmax(axis=1)
    short = tandem_repeats.stop - tandem_repeats.start < LONGEST_IN_BAND
    found = []
    for repeat in np.flatnonzero((evidence.max(axis=1, initial=-np.inf) > threshold) & short).tolist():
        start, unit = int(tandem_repeats.start[repeat]), int(tandem_repeats.unit[repeat])
        removed, new = (unit, draft[:0]) if UNIT_CHANGE[best[repeat]] < 0 else (0, draft[start : start + unit])
        ends = np.array([start, int(tandem_repeats.stop[repeat]) - 1])
        first, last = np.searchsorted(homopolymers.start, ends, side="right") - 1
        found.append(
            _Candidate(
                Proposal(Edit(start, removed, new), int(tandem_repeats.stop[repeat])),
                int(first),
                int(last),
                float(evidence[repeat, best[repeat]]),
            )
        )
    return found
