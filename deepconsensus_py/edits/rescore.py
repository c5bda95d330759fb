"""Evidence about an edited draft: what is near a few edits is scored anew, the rest carried over."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.edits.aligned_pass import AlignedPass
from deepconsensus_py.edits.classes import EDITED
from deepconsensus_py.edits.error_rates import PassModel
from deepconsensus_py.edits.evidence import RunScores, Scope, score_runs, score_scope
from deepconsensus_py.edits.repeats import Repeats, Runs, Tracts

NEAR = 12
"""Bases to either side of an edit within which evidence changes."""

AROUND = 16
"""Bases of template to either side of what is scored."""

FEW = 0.05
"""Share of a draft near edits above which all is scored anew: with so many edits the error rates are others, and
drafts of one strand keep 5 % more errors with evidence of the rates before (1 % with this bound)."""

Flags = NDArray[np.bool_]


def rescore(
    before: RunScores,
    repeats: Repeats,
    draft_index: NDArray[np.int32],
    passes: Sequence[AlignedPass],
    rates: tuple[PassModel, PassModel],
    *,
    wanted: Flags,
) -> RunScores:
    """Score an edited draft.

    Args:
        before: of the same passes, about the draft before.
        repeats: the edited draft.
        draft_index: ``int32[n]`` position of each of its bases in the draft before, -1 for new ones.
        passes: aligned to it.
        rates: of the passes of each strand.
        wanted: ``bool[runs]`` which runs to score where they are scored anew.
    """
    near = _widened(edited_places(draft_index, int(before.runs.stop[-1])), NEAR)
    if near.mean() > FEW:
        return score_runs(repeats, passes, rates, wanted=wanted)
    runs, tracts = repeats.runs, repeats.tracts
    fresh_runs, fresh_tracts = _touching(runs, near), _touching(tracts, near)
    template = near.copy()
    for spans, fresh in ((runs, fresh_runs), (tracts, fresh_tracts)):
        template |= _inside_any(spans, fresh, len(repeats.bases))
    scope = Scope(fresh_runs & wanted, fresh_tracts, _widened(template, AROUND))
    scores = score_scope(repeats, scope, passes, rates)
    same_runs, same_tracts = ~fresh_runs, ~fresh_tracts
    place = np.searchsorted(before.runs.start, draft_index[runs.start[same_runs]])
    scores.covered[:, same_runs] = before.covered[:, place]
    scored = scope.runs.copy()
    scored[same_runs] = before.scored[place]
    ratios = np.empty((len(passes), np.count_nonzero(scored), EDITED), np.float32)
    pooled = np.empty(ratios.shape[1:])
    fresh_rows, same_rows = fresh_runs[scored], same_runs[scored]
    rows_before = (np.cumsum(before.scored) - 1)[place[before.scored[place]]]
    ratios[:, fresh_rows], pooled[fresh_rows] = scores.ratios, scores.pooled
    ratios[:, same_rows], pooled[same_rows] = before.ratios[:, rows_before], before.pooled[rows_before]
    number = dict(zip(_keys(before.tracts.start, before.tracts.unit), range(len(before.tracts)), strict=True))
    keys = _keys(draft_index[tracts.start[same_tracts]], tracts.unit[same_tracts])
    numbers = [number[key] for key in keys]
    scores.tract_ratios[:, same_tracts] = before.tract_ratios[:, numbers]
    scores.pooled_tracts[same_tracts] = before.pooled_tracts[numbers]
    return replace(scores, scored=scored, ratios=ratios, pooled=pooled)


def edited_places(draft_index: NDArray[np.int32], length: int) -> Flags:
    """Bases ``bool[n]`` of an edited draft that are new, or stood elsewhere next to others in the draft before.

    Args:
        draft_index: ``int32[n]`` position of each base in the draft before, -1 for new ones.
        length: of the draft before.
    """
    places = draft_index < 0
    kept = np.flatnonzero(~places)
    steps = np.diff(draft_index[kept], prepend=-1, append=length) > 1
    places[kept[steps[:-1]]] = True
    places[kept[steps[1:]]] = True
    return places


def _widened(flags: Flags, by: int) -> Flags:
    """Flags ``bool[n]`` spread to both sides."""
    counts = np.cumsum(np.pad(flags, (by + 1, by)), dtype=np.int32)
    widened: Flags = counts[2 * by + 1 :] > counts[: -2 * by - 1]
    return widened


def _touching(spans: Runs | Tracts, flags: Flags) -> Flags:
    """Which runs or tracts hold a flagged base."""
    counts = np.append(0, np.cumsum(flags, dtype=np.int32))
    touching: Flags = counts[spans.stop] > counts[spans.start]
    return touching


def _inside_any(spans: Runs | Tracts, chosen: Flags, length: int) -> Flags:
    """Bases ``bool[length]`` that lie in one of the chosen runs or tracts."""
    edges = np.zeros(length + 1, np.int32)
    np.add.at(edges, spans.start[chosen], 1)
    np.add.at(edges, spans.stop[chosen], -1)
    inside: Flags = np.cumsum(edges[:-1]) > 0
    return inside


def _keys(start: NDArray[np.int32], unit: NDArray[np.int32]) -> list[tuple[int, int]]:
    return list(zip(start.tolist(), unit.tolist(), strict=True))
