"""Evidence of each pass for the edits that the passes propose: the last class of ``edits.classes``.

An edit of any size is scored by all alignments of a pass to the draft around it, with the edit and without; copies of a
tandem repeat by the length of the repeat in the pass, which does not depend on where an alignment places its gaps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align.disagreement import Disagreement, find_disagreement
from deepconsensus_py.corrector import Arrays
from deepconsensus_py.edits.aligned_pass import AlignedPass
from deepconsensus_py.edits.band import Template
from deepconsensus_py.edits.classes import EDITED, NONE, SEGMENT, Codes, Edits
from deepconsensus_py.edits.error_rates import PassModel
from deepconsensus_py.edits.evidence import POOLED_UNSUPPORTED, UNSUPPORTED, EditScores, pooled, reading_of, template_of
from deepconsensus_py.edits.proposals import Proposal, propose_edits
from deepconsensus_py.edits.repeats import Repeats, find_repeats
from deepconsensus_py.edits.scoring import MARGIN
from deepconsensus_py.edits.stretch_likelihood import log_likelihood

FLANK = 15
"""Draft bases on either side of an edit that are scored with it."""

_MOST_NATS = 20.0
"""Bound of log-likelihood ratios, as of those of homopolymers."""

_SHARED = 1e-3
"""Per pass and base of a tandem repeat: variance of the change in length that passes share (their rates in a repeat
differ from those elsewhere by about 1 %), over that by which they differ (0.1 a base)."""


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """Edits that passes propose, with evidence.

    Attributes:
        proposals: the edits, in the order of their homopolymers; they may overlap.
        first: ``int32[n]`` the homopolymer that each belongs to, the first that it changes; no two have the same.
        last: ``int32[n]`` the last homopolymer that it changes.
        ratios: ``float32[passes, n]`` log-likelihood ratios, nats; 0 for a pass that does not span it.
        pooled: ``float64[n]`` evidence pooled over all passes, nats.
    """

    proposals: tuple[Proposal, ...]
    first: NDArray[np.int32]
    last: NDArray[np.int32]
    ratios: NDArray[np.float32]
    pooled: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.proposals)

    def of_passes(self, rows: Sequence[int]) -> "Segments":
        """The evidence of some passes, by index."""
        ratios = self.ratios[rows]
        return replace(self, ratios=ratios, pooled=pooled(ratios))

    def without_repeats(self) -> "Segments":
        """Those that do not change the copies of a repeat."""
        rows = [row for row, proposal in enumerate(self.proposals) if not proposal.stop]
        proposals = tuple(self.proposals[row] for row in rows)
        return Segments(proposals, self.first[rows], self.last[rows], self.ratios[:, rows], self.pooled[rows])

    def layout(self) -> Mapping[str, NDArray[Any]]:
        """The edits, without evidence, as entries of a corrector's layout."""
        edits = Edits.of([one.edit for one in self.proposals])
        arrays = {name: getattr(edits, name) for name in Edits.__slots__}
        return {
            "segment_first": self.first,
            "segment_last": self.last,
            **{f"segment_{k}": v for k, v in arrays.items()},
        }


def chosen_edits(
    layout: Arrays, classes: NDArray[np.integer], certainty: NDArray[np.floating[Any]]
) -> tuple[NDArray[np.integer], Edits]:
    """Settle proposed edits: homopolymers that one changes keep no edit of their own; of overlapping ones, the surest.

    Args:
        layout: with ``Segments.layout``.
        classes: ``[homopolymers]`` indices into ``EDIT_CLASSES``.
        certainty: ``[homopolymers]`` probabilities of these classes.

    Returns:
        The classes, and the proposed edits chosen.
    """
    first, last = layout["segment_first"], layout["segment_last"]
    edits = Edits(*(layout[f"segment_{name}"] for name in Edits.__slots__))
    settled, held = classes.copy(), np.zeros(len(classes), np.bool_)
    chosen = []
    for row in sorted(np.flatnonzero(classes[first] == SEGMENT).tolist(), key=lambda row: -certainty[first[row]]):
        touched = slice(first[row], max(last[row], first[row]) + 1)
        if not held[touched].any():
            held[touched] = True
            chosen.append(row)
    settled[held | (classes == SEGMENT)] = NONE
    settled[first[chosen]] = SEGMENT
    return settled, edits.take(np.array(sorted(chosen), np.int64))


def no_segments(passes: int) -> Segments:
    """No proposal."""
    none = np.empty(0, np.int32)
    return Segments((), none, none, np.empty((passes, 0), np.float32), np.empty(0))


def find_segments(
    repeats: Repeats, passes: Sequence[AlignedPass], rates: tuple[PassModel, PassModel]
) -> tuple[Segments, Disagreement]:
    """Find and score the edits that the passes of a draft propose.

    Args:
        repeats: the draft.
        passes: aligned to it.
        rates: of the passes of each strand.

    Returns:
        The edits, the best one of each homopolymer, and the disagreement that they come from.
    """
    sources = [p.source for p in passes]
    disagreement = find_disagreement(repeats.bases, sources)
    proposals = propose_edits(repeats, disagreement)
    if not proposals:
        return no_segments(len(passes)), disagreement
    ratios = np.stack([_ratios(repeats.bases, passes, rates, one) for one in proposals], axis=1)
    return _best(repeats, proposals, ratios), disagreement


def _best(repeats: Repeats, proposals: Sequence[Proposal], ratios: NDArray[np.float32]) -> Segments:
    """The best edit of each homopolymer."""
    evidence = pooled(ratios)
    ends = len(repeats.bases) - 1
    edits = [one.edit for one in proposals]
    spans = np.array([(edit.start, max(edit.start, edit.start + edit.removed - 1)) for edit in edits])
    first, last = repeats.homopolymer_of[spans.clip(0, ends)].T
    chosen: dict[int, int] = {}
    for number in np.argsort(-evidence, kind="stable").tolist():
        chosen.setdefault(int(first[number]), number)
    homopolymers = np.array(sorted(chosen), np.int32)
    rows = [chosen[homopolymer] for homopolymer in homopolymers.tolist()]
    return Segments(
        tuple(proposals[row] for row in rows),
        homopolymers,
        last[rows].astype(np.int32),
        ratios[:, rows],
        evidence[rows],
    )


def with_segments(scores: EditScores, segments: Segments) -> EditScores:
    """Evidence of homopolymers with that of the proposed edits.

    Args:
        scores: of the draft.
        segments: of the same draft and passes.
    """
    if not len(segments):
        return scores
    scored = scores.scored.copy()
    scored[segments.first] = True
    same, rows = scores.scored[scored], (np.cumsum(scored) - 1)[segments.first]
    ratios = np.zeros((len(scores.ratios), len(same), EDITED), np.float32)
    # Of homopolymers that were not scored so far, no other edit is supported.
    evidence = np.full((len(same), EDITED), POOLED_UNSUPPORTED)
    ratios[:, ~same] = scores.covered[:, scored][:, ~same, None] * UNSUPPORTED
    ratios[:, same], evidence[same] = scores.ratios, scores.pooled
    ratios[:, rows, SEGMENT - 1], evidence[rows, SEGMENT - 1] = segments.ratios, segments.pooled
    return replace(scores, scored=scored, ratios=ratios, pooled=evidence)


def _ratios(
    draft: Codes, passes: Sequence[AlignedPass], rates: tuple[PassModel, PassModel], proposal: Proposal
) -> NDArray[np.float32]:
    """Log-likelihood ratios ``float32[passes]`` of an edit, by all alignments to the draft around it."""
    edit, stop = proposal.edit, proposal.edit.start + proposal.edit.removed
    begin, end = max(edit.start - FLANK, 0), min(max(stop, proposal.stop) + FLANK, len(draft))
    own = draft[begin:end]
    new = np.concatenate([draft[begin : edit.start], edit.letters, draft[stop:end]])
    whole = [find_repeats(bases) for bases in (own, new)]
    templates = [[_template(one, model, in_repeat=proposal.stop > 0) for one in whole] for model in rates]
    ratios = np.zeros(len(passes), np.float32)
    for number, p in enumerate(passes):
        positions = _positions(p, begin, end)
        if positions is not None:
            reading = reading_of(p, positions, rates[p.reverse])
            before, after = (log_likelihood(reading, template) for template in templates[p.reverse])
            # Where one of both is impossible, the other is as sure as can be; where both are, the pass has no say.
            ratios[number] = 0 if before == after else np.clip(after - before, -_MOST_NATS, _MOST_NATS)
    if proposal.stop:
        # All passes share what their rates in a repeat differ from those elsewhere; the longer the repeat and the more
        # passes, the more of the evidence is that.
        ratios /= 1 + np.count_nonzero(ratios) * (proposal.stop - edit.start) * _SHARED
    return ratios


def _template(repeats: Repeats, model: PassModel, *, in_repeat: bool) -> Template:
    """A stretch of draft with its rates.

    Cognate insertions are counted per base, but a homopolymer of n bases has n + 1 gaps for one. In a repeat of short
    units, where every base has such a neighbour on both sides, that would make passes of too few copies likely.
    """
    whole = template_of(repeats, np.ones(len(repeats.bases), np.bool_), model)
    if not in_repeat:
        return whole
    length = repeats.homopolymers.length[repeats.homopolymer_of]
    return whole._replace(gain=(whole.gain * length / (length + 1)).astype(whole.gain.dtype))


def _positions(p: AlignedPass, begin: int, end: int) -> NDArray[np.int32] | None:
    """Positions of the bases of a pass between its pairs with a stretch of the draft; None unless it spans that."""
    if begin < p.start + MARGIN or end > p.stop - MARGIN:
        return None
    pairs = p.pairs[begin - p.start : end - p.start]
    paired = pairs[pairs >= 0]
    return np.arange(paired[0], paired[-1] + 1, dtype=np.int32) if len(paired) else None
