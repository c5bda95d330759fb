"""Draft consensus from a ZMW's passes, for runs without CCS reads: a vote on one of them, then edits."""

from array import array
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align.editing import edit_windows, weak_windows
from deepconsensus_py.align.guides import Placed, Template
from deepconsensus_py.align.pass_tags import snr_tag
from deepconsensus_py.align.repeat_lengths import with_repeat_lengths
from deepconsensus_py.align.traces import carried, trace
from deepconsensus_py.align.votes import count_votes, margin, piled, vote
from deepconsensus_py.align.zmw_filter import is_usable, median_length
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import Draft, Pass, Zmw
from deepconsensus_py.pacbio.names import MoleculeId, ccs_name
from deepconsensus_py.pacbio.read_groups import tags_of_identity

MIN_PASSES = 3
"""Two passes have no majority."""

MAX_PASSES = 20
"""Those of about the median length first: more of them leave as many errors after polishing."""

UNPOLISHED = -1.0
"""Tag ``rq`` of a read that is not a consensus (``ccs --all``)."""

_PASS_QUALITY = 10
"""Phred of the bases of a pass, as in ``ccs``."""

_CANDIDATES = 3
"""Passes that are tried as the template."""

_STEP, _LONG_INSERTION = 50, 30
"""Bases of the template, and by how many most passes are longer there if it lacks an insertion."""

_WEAK = (0.35, 0.25)
"""Share of the passes that differ from the template where it may be edited, in each round."""


def draft_zmw(molecule: MoleculeId, passes: Sequence[Pass]) -> Zmw:
    """Build the draft of a ZMW from its passes.

    The passes vote on the bases of one of them, which is of median length. Where they disagree with the result, it is
    edited as long as that brings the sum of its distances from them down. Base qualities follow from a vote on that.

    Args:
        molecule: names the draft, ``movie/zmw/ccs``.
        passes: unaligned passes, in sequencing orientation.

    Returns:
        The draft, with tags ``RG zm rq``, and the passes as they were given. The tags that follow from all passes, not
        only from those that the draft is made from, are added once these are aligned to it (``pass_tags``).

    Raises:
        MoleculeError: fewer than three passes are of about the median length (``too_few_passes``), or align
            (``draft_failure``).
    """
    name = ccs_name(molecule)
    chosen = _chosen(passes)
    if len(chosen) < MIN_PASSES:
        raise _too_few(name, len(chosen), len(passes), "too_few_passes")
    template, placed = _template(chosen)
    if len(placed) < MIN_PASSES:
        raise _too_few(name, len(placed), len(passes), "draft_failure")
    bases, qualities = _consensus(template, placed)
    accuracy = 1 - float(np.mean(10 ** (qualities / -10.0))) if len(bases) else 0.0
    return Zmw(Draft(name, bases, qualities, (*_identity(name, passes), ("rq", accuracy, "f"))), tuple(passes))


def _template(passes: Sequence[Pass]) -> tuple[NDArray[np.uint8], list[Placed]]:
    """A pass along which most others can be placed, with what most of them have more; and all passes along it."""
    template, placed = passes[0].bases, list[Placed]()
    for candidate in passes[:_CANDIDATES]:
        found = _placed(candidate.bases, passes)
        if len(found) > len(placed):
            template, placed = candidate.bases, found
        if 2 * len(placed) > len(passes):
            break
    longer = _lengthened(template, placed) if len(placed) >= MIN_PASSES else template
    return (template, placed) if longer is template else (longer, _placed(longer, passes))


def _placed(template: NDArray[np.uint8], passes: Sequence[Pass]) -> list[Placed]:
    along = Template(template)
    return [one for one in (along.place(p.bases) for p in passes) if one is not None]


def _lengthened(template: NDArray[np.uint8], placed: Sequence[Placed]) -> NDArray[np.uint8]:
    """The template with long insertions that most passes have, from one of them; votes do not find these."""
    n = len(template)
    # Steps of no bases before and behind: what passes have beyond the ends of the template.
    places = np.array([0, *range(0, n, _STEP), n, n])
    before = np.stack([_before(one, places) for one in placed])
    gained = np.diff(before, axis=1) - np.diff(places)
    long = np.sort(gained, axis=0)[(len(placed) - 1) // 2] > _LONG_INSERTION
    # Guides may spread an insertion over the steps beside it.
    long |= np.append(long[1:], False) | np.append(False, long[:-1])
    edges = np.flatnonzero(np.diff(long, prepend=False, append=False)).reshape(-1, 2)
    parts, done = list[NDArray[np.uint8]](), 0
    for begin, end in edges.tolist():
        row = np.argsort(gained[:, begin:end].sum(axis=1), kind="stable")[(len(placed) - 1) // 2]
        parts += [template[done : places[begin]], placed[row].bases[before[row, begin] : before[row, end]]]
        done = places[end]
    return np.concatenate([*parts, template[done:]]) if parts else template


def _before(one: Placed, places: NDArray[np.int64]) -> NDArray[np.int32]:
    """Bases of a pass before some places of a template, all of them at the last if it reaches the end."""
    first, stop, guide = one.guide
    before = guide[places]
    if first == 0:
        before[0] = 0
    if stop == places[-1]:
        before[-1] = len(one.bases)
    return before


def _consensus(template: NDArray[np.uint8], placed: Sequence[Placed]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The consensus of some passes and its qualities, from one of them."""
    for share in (None, *_WEAK):
        traces = [trace(template, one) for one in placed]
        pile = piled(traces)
        votes = count_votes(template, pile)
        if share is not None:
            template, index = edit_windows(template, pile, weak_windows(template, votes, share))
        else:
            template, index = vote(template, votes)
        placed = [carried(one, index) for one in traces]
    traces = [trace(template, one) for one in placed]
    repeated, index = with_repeat_lengths(template, traces)
    if not np.array_equal(repeated, template):
        template, traces = repeated, [trace(repeated, carried(one, index)) for one in traces]
    votes = count_votes(template, piled(traces))
    return template, _phred(margin(template, votes))


def unpolished_draft(molecule: MoleculeId, passes: Sequence[Pass], *, kinetics: bool = False) -> Draft:
    """A stand-in for a ZMW without a consensus: one of its passes, as in ``ccs --all``.

    Args:
        molecule: names the draft, ``movie/zmw/ccs``.
        passes: unaligned passes, in sequencing orientation.
        kinetics: add the tags ``ip`` and ``pw`` of the pass, if it has them.

    Returns:
        The full pass of median length, or the longest pass where none is full; qualities of 10, tags ``RG zm np rq sn``
        with ``rq`` -1. Full passes outside 50 to 200 % of the median length do not count.
    """
    by_length = sorted(passes, key=lambda p: len(p.bases))
    median = median_length(passes)
    full = [p for p in by_length if p.is_full and is_usable(p, median)]
    chosen = full[(len(full) - 1) // 2] if full else by_length[-1]
    name = ccs_name(molecule)
    tags = (*_identity(name, passes), ("np", len(full), "i"), ("rq", UNPOLISHED, "f"), *snr_tag(passes))
    if kinetics:
        tags += tuple(_codes("ip", chosen.inter_pulse_durations)) + tuple(_codes("pw", chosen.pulse_widths))
    return Draft(name, chosen.bases, np.full(len(chosen.bases), _PASS_QUALITY, np.uint8), tags)


def _codes(tag: str, codes: NDArray[np.uint8] | None) -> Iterator[tuple[str, object, str]]:
    if codes is not None:
        yield tag, array("B", codes.tobytes()), "B"


def _chosen(passes: Sequence[Pass]) -> list[Pass]:
    """Passes of about the median length of full passes, closest first."""
    if not passes:
        return []
    median = median_length(passes)
    usable = [p for p in passes if is_usable(p, median)]
    return sorted(usable, key=lambda p: abs(len(p.bases) - median))[:MAX_PASSES]


def _identity(name: str, passes: Sequence[Pass]) -> tuple[tuple[str, Any, str], ...]:
    return tags_of_identity(name, [p.tag("RG") for p in passes])


def _too_few(name: str, usable: int, total: int, outcome: str) -> MoleculeError:
    return MoleculeError(
        f"{name}: {usable} of {total} subreads have similar lengths and align; a draft takes at least {MIN_PASSES}",
        outcome=outcome,
    )


_HIGHEST_PHRED = 40
"""The fit below was not validated beyond it."""

_INTERCEPT, _SLOPE = -0.88, -2.50
"""Log-odds of an error against the margin of the vote (``votes.margin``), fitted on 0.7 million bases of drafts of 3 to
20 passes, Sequel and Sequel II."""


def _phred(margin: NDArray[np.float64]) -> NDArray[np.uint8]:
    quality = np.log1p(np.exp(-_INTERCEPT - _SLOPE * margin)) * (10 / np.log(10))
    phred: NDArray[np.uint8] = np.clip(np.rint(quality), 1, _HIGHEST_PHRED).astype(np.uint8)
    return phred
