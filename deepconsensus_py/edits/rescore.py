"""Evidence for an edited draft: parts near the edits are rescored, the rest is kept."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align.rows import merged
from deepconsensus_py.edits.aligned_pass import AlignedPass
from deepconsensus_py.edits.error_rates import PassModel
from deepconsensus_py.edits.evidence import EditScores, Scope, score_edits, score_scope
from deepconsensus_py.edits.repeats import Homopolymers, Repeats, ShortTandemRepeats

NEAR = 12
"""Bases on either side of an edit within which evidence changes."""

AROUND = 16
"""Flanking template bases of what is scored."""

FEW = 0.05
"""Share of a draft near edits above which all is rescored: so many edits change the error rates, and with evidence from
the old rates drafts of one strand keep 5 % more errors (1 % with this bound)."""

Flags = NDArray[np.bool_]


def rescore(
    before: EditScores,
    repeats: Repeats,
    draft_index: NDArray[np.int32],
    passes: Sequence[AlignedPass],
    rates: tuple[PassModel, PassModel],
    *,
    wanted: Flags,
    changed: Sequence[slice] = (),
) -> EditScores:
    """Score an edited draft.

    Args:
        before: evidence of the same passes for the draft before the edits.
        repeats: the edited draft.
        draft_index: ``int32[n]`` position of each base in the draft before, -1 for inserted ones.
        passes: aligned to it.
        rates: of the passes of each strand.
        wanted: ``bool[homopolymers]`` homopolymers to score, of those that are rescored.
        changed: stretches of the edited draft to which passes were aligned anew.
    """
    near = _widened(edited_places(draft_index, int(before.homopolymers.stop[-1])), NEAR)
    for stretch in changed:
        near[stretch] = True
    # The old evidence was scored with the old error rates.
    if near.mean() > FEW:
        return score_edits(repeats, passes, rates, wanted=wanted)
    homopolymers, tandem_repeats = repeats.homopolymers, repeats.tandem_repeats
    fresh_homopolymers, fresh_tandem = _touching(homopolymers, near), _touching(tandem_repeats, near)
    template = near.copy()
    for spans, fresh in ((homopolymers, fresh_homopolymers), (tandem_repeats, fresh_tandem)):
        template |= _inside_any(spans, fresh, len(repeats.bases))
    scope = Scope(fresh_homopolymers & wanted, fresh_tandem, _widened(template, AROUND))
    scores = score_scope(repeats, scope, passes, rates)
    same_homopolymers, same_tandem = ~fresh_homopolymers, ~fresh_tandem
    place = np.searchsorted(before.homopolymers.start, draft_index[homopolymers.start[same_homopolymers]])
    scores.covered[:, same_homopolymers] = before.covered[:, place]
    scored = scope.homopolymers.copy()
    scored[same_homopolymers] = before.scored[place]
    source = np.empty(np.count_nonzero(scored), np.int64)
    fresh_rows, same_rows = np.flatnonzero(fresh_homopolymers[scored]), np.flatnonzero(same_homopolymers[scored])
    rows_before = (np.cumsum(before.scored) - 1)[place[before.scored[place]]]
    source[fresh_rows], source[same_rows] = np.arange(len(fresh_rows)), -1 - rows_before
    ratios = merged(scores.ratios, before.ratios, source)
    pooled = np.empty(ratios.shape[1:])
    pooled[fresh_rows], pooled[same_rows] = scores.pooled, before.pooled[rows_before]
    # Tandem repeats overlap, so that a start alone does not identify one.
    number = dict(
        zip(
            _keys(before.tandem_repeats.start, before.tandem_repeats.unit),
            range(len(before.tandem_repeats)),
            strict=True,
        )
    )
    keys = _keys(draft_index[tandem_repeats.start[same_tandem]], tandem_repeats.unit[same_tandem])
    numbers = [number[key] for key in keys]
    scores.tandem_ratios[:, same_tandem] = before.tandem_ratios[:, numbers]
    scores.pooled_tandem[same_tandem] = before.pooled_tandem[numbers]
    return replace(scores, scored=scored, ratios=ratios, pooled=pooled)


def edited_places(draft_index: NDArray[np.int32], length: int) -> Flags:
    """Bases ``bool[n]`` of an edited draft that are new or have new neighbours.

    Args:
        draft_index: ``int32[n]`` position of each base in the draft before, -1 for inserted ones.
        length: of the draft before the edits.
    """
    places = draft_index < 0
    kept = np.flatnonzero(~places)
    steps = np.diff(draft_index[kept], prepend=-1, append=length) > 1
    places[kept[steps[:-1]]] = True
    places[kept[steps[1:]]] = True
    return places


def _widened(flags: Flags, by: int) -> Flags:
    """Flags ``bool[n]`` extended on both sides."""
    counts = np.cumsum(np.pad(flags, (by + 1, by)), dtype=np.int32)
    widened: Flags = counts[2 * by + 1 :] > counts[: -2 * by - 1]
    return widened


def _touching(spans: Homopolymers | ShortTandemRepeats, flags: Flags) -> Flags:
    """Which homopolymers or repeats contain a flagged base."""
    counts = np.append(0, np.cumsum(flags, dtype=np.int32))
    touching: Flags = counts[spans.stop] > counts[spans.start]
    return touching


def _inside_any(spans: Homopolymers | ShortTandemRepeats, chosen: Flags, length: int) -> Flags:
    """Bases ``bool[length]`` inside the chosen homopolymers or repeats."""
    edges = np.zeros(length + 1, np.int32)
    np.add.at(edges, spans.start[chosen], 1)
    np.add.at(edges, spans.stop[chosen], -1)
    inside: Flags = np.cumsum(edges[:-1]) > 0
    return inside


def _keys(start: NDArray[np.int32], unit: NDArray[np.int32]) -> list[tuple[int, int]]:
    return list(zip(start.tolist(), unit.tolist(), strict=True))
