"""Draft consensus reads: the truth with the errors and base qualities that ``ccs`` would leave in it.

Errors stand where the passes are least decided, as far as a caller sees it that knows only average error rates; they
come as often as measured for the number of passes, and more where the passes of a molecule leave more undecided.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.simulate.evidence import (
    INSERTION,
    MISMATCH,
    RUN_LONGER,
    RUN_SHORTER,
    UNIT_LONGER,
    UNIT_SHORTER,
    CandidateErrors,
)
from deepconsensus_py.simulate.profile import DraftProfile

OFFSET = np.array([0, 1, 2, 3, 4, 4])  # of each kind of candidate in the profile's offsets
UNDECIDED = 2.0  # nats by which evidence may be off zero
SILENCE = -3.3  # nats; what a pass that shows nothing else says against another reading

_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class DraftSequence:
    """A draft before it is named and tagged.

    Attributes:
        bases: ``uint8[n]`` base codes.
        qualities: ``uint8[n]`` Phred.
    """

    bases: NDArray[np.uint8]
    qualities: NDArray[np.uint8]


def draw_draft(
    truth: NDArray[np.uint8], candidates: CandidateErrors, passes: int, profile: DraftProfile, rng: np.random.Generator
) -> DraftSequence:
    """A draft of a molecule.

    Args:
        truth: ``uint8[n]`` base codes.
        candidates: changes of it, weighed on the passes.
        passes: full passes behind the draft.
        profile: error rates and qualities.
        rng: source of randomness.
    """
    score = misjudge(candidates.score, profile, rng)
    score += profile.offsets[OFFSET[candidates.kind]]
    errors = best_candidates(candidates, score, draw_number(candidates, len(truth), passes, profile, rng))
    doubt = remaining_evidence(candidates, score, errors, misjudge(np.full(len(truth), SILENCE * passes), profile, rng))
    qualities = np.interp(doubt, profile.quality_scores, profile.qualities)
    wrong = rng.choice(len(profile.error_quality), len(errors), p=profile.error_quality)
    return _apply(truth, qualities, candidates, errors, wrong)


def misjudge(evidence: _Floats, profile: DraftProfile, rng: np.random.Generator) -> _Floats:
    """Evidence in nats as the caller sees it."""
    seen: _Floats = evidence + profile.noise * rng.standard_normal(len(evidence))
    return seen


def draw_number(
    candidates: CandidateErrors, length: int, passes: int, profile: DraftProfile, rng: np.random.Generator
) -> int:
    """How many errors a draft has: as many as drafts of so many passes, times how much less decided its passes are."""
    rate = np.interp(passes, profile.passes, profile.error_rate)
    rate *= ambiguity(candidates) / length / np.interp(passes, profile.passes, profile.ambiguity)
    rate *= np.exp(profile.log_sd * rng.standard_normal() - profile.log_sd**2 / 2)
    return int(rng.poisson(rate * length))


def ambiguity(candidates: CandidateErrors) -> float:
    """How many places of a molecule its passes leave undecided."""
    score = candidates.score[candidates.kind <= RUN_SHORTER]
    return float((1 / (1 + np.exp(-np.clip(score, -50, 50) / UNDECIDED))).sum())


def best_candidates(candidates: CandidateErrors, score: _Floats, number: int) -> _Ints:
    """The candidates that become errors: the best ones, never two at a place."""
    best = np.argsort(-score, kind="stable")[: 4 * number]
    _, first = np.unique(candidates.place[best], return_index=True)
    return best[np.sort(first)][:number]


def remaining_evidence(candidates: CandidateErrors, score: _Floats, errors: _Ints, silent: _Floats) -> _Floats:
    """Evidence for the best other reading of each base, in nats; a run's stands at its first base.

    Args:
        candidates: changes of the truth.
        score: evidence for them as the caller sees it.
        errors: indices of those that were made.
        silent: ``float64[n]`` evidence where no pass shows another reading.
    """
    rest = candidates.kind <= MISMATCH
    rest[errors] = False
    doubt = silent.copy()
    np.maximum.at(doubt, candidates.place[rest], score[rest])
    return doubt


def _apply(
    truth: NDArray[np.uint8], qualities: _Floats, candidates: CandidateErrors, errors: _Ints, wrong: _Ints
) -> DraftSequence:
    """Make the errors; the base that each stands on, or that follows, gets its quality."""
    kind, place = candidates.kind[errors], candidates.place[errors]
    base, size = candidates.base[errors], candidates.size[errors]
    bases, copies = truth.copy(), np.ones(len(truth), np.int64)
    bases[place[kind == MISMATCH]] = base[kind == MISMATCH]
    copies[place[kind == RUN_LONGER]] = 2
    copies[place[kind == RUN_SHORTER]] = 0
    gone = kind == UNIT_SHORTER
    for offset in range(int(size[gone].max(initial=0))):
        copies[place[gone & (size > offset)] + offset] = 0
    marked = qualities.copy()
    standing = (kind == RUN_LONGER) | (kind == MISMATCH)
    marked[place[standing]] = wrong[standing]
    lost = (kind == RUN_SHORTER) | gone
    marked[np.minimum(place[lost] + size[lost], len(truth) - 1)] = wrong[lost]
    firsts = np.cumsum(copies) - copies
    repeated = np.repeat(marked, copies)
    # The first of two copies carries the doubt about both.
    repeated[firsts[place[kind == RUN_LONGER]] + 1] = qualities.max(initial=0)
    before, letters, low = _added_bases(truth, candidates, errors, wrong)
    where = np.append(firsts, copies.sum())[before]
    return DraftSequence(
        np.insert(np.repeat(bases, copies), where, letters).astype(np.uint8),
        np.rint(np.insert(repeated, where, low)).astype(np.uint8),
    )


def _added_bases(
    truth: NDArray[np.uint8], candidates: CandidateErrors, errors: _Ints, wrong: _Ints
) -> tuple[_Ints, NDArray[np.uint8], _Ints]:
    """Bases that stand in no run of the truth: the base each comes before, its letter and its quality."""
    added = np.isin(candidates.kind[errors], (INSERTION, UNIT_LONGER))
    place, size = candidates.place[errors][added], candidates.size[errors][added]
    event = np.repeat(np.arange(len(place)), size)
    step = np.arange(len(event)) - (np.cumsum(size) - size)[event]
    base = candidates.base[errors][added][event]
    copied = truth[np.minimum(place[event] + step, len(truth) - 1)]
    return place[event], np.where(base > 0, base, copied), wrong[added][event]
