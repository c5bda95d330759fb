"""Draft consensus reads: the truth with errors and base qualities like those of ``ccs``.

Errors are placed where the evidence of the passes is weakest for a caller that uses average error rates; their number
is that measured for the coverage, scaled by how ambiguous the passes of the molecule are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.simulate.evidence import (
    HOMOPOLYMER_LONGER,
    HOMOPOLYMER_SHORTER,
    INSERTION,
    MISMATCH,
    UNIT_LONGER,
    UNIT_SHORTER,
    CandidateErrors,
)
from deepconsensus_py.simulate.profile import DraftProfile

OFFSET = np.array([0, 1, 2, 3, 4, 4])  # index of each kind of candidate into the profile's offsets
UNDECIDED = 2.0  # nats, the scale of ambiguous evidence
SILENCE = -3.3  # nats; evidence against another base of a pass that supports the truth

_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class DraftSequence:
    """A draft without name and tags.

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
        candidates: candidate errors with the evidence of the passes.
        passes: number of full passes.
        profile: error rates and qualities.
        rng: source of randomness.
    """
    score = misjudge(candidates.score, profile, rng)
    score += profile.offsets[OFFSET[candidates.kind]]
    errors = best_candidates(candidates, score, draw_number(candidates, len(truth), passes, profile, rng))
    evidence = remaining_evidence(
        candidates, score, errors, misjudge(np.full(len(truth), SILENCE * passes), profile, rng)
    )
    qualities = np.interp(evidence, profile.quality_scores, profile.qualities)
    wrong = rng.choice(len(profile.error_quality), len(errors), p=profile.error_quality)
    return _apply(truth, qualities, candidates, errors, wrong)


def misjudge(evidence: _Floats, profile: DraftProfile, rng: np.random.Generator) -> _Floats:
    """Evidence in nats as the caller sees it."""
    seen: _Floats = evidence + profile.noise * rng.standard_normal(len(evidence))
    return seen


def draw_number(
    candidates: CandidateErrors, length: int, passes: int, profile: DraftProfile, rng: np.random.Generator
) -> int:
    """Number of errors of a draft: the rate at this coverage, times the relative ambiguity of its passes."""
    rate = np.interp(passes, profile.passes, profile.error_rate)
    rate *= ambiguity(candidates) / length / np.interp(passes, profile.passes, profile.ambiguity)
    rate *= np.exp(profile.log_sd * rng.standard_normal() - profile.log_sd**2 / 2)
    return int(rng.poisson(rate * length))


def ambiguity(candidates: CandidateErrors) -> float:
    """Number of ambiguous positions of a molecule."""
    score = candidates.score[candidates.kind <= HOMOPOLYMER_SHORTER]
    return float((1 / (1 + np.exp(-np.clip(score, -50, 50) / UNDECIDED))).sum())


def best_candidates(candidates: CandidateErrors, score: _Floats, number: int) -> _Ints:
    """The candidates that become errors: the best ones, at most one per position."""
    best = np.argsort(-score, kind="stable")[: 4 * number]
    _, first = np.unique(candidates.place[best], return_index=True)
    return best[np.sort(first)][:number]


def remaining_evidence(candidates: CandidateErrors, score: _Floats, errors: _Ints, silent: _Floats) -> _Floats:
    """Evidence for the best alternative at each base, nats; for a homopolymer, at its first base.

    Args:
        candidates: changes of the truth.
        score: evidence for them as seen by the caller.
        errors: indices of those that became errors.
        silent: ``float64[n]`` evidence where no pass shows an alternative.
    """
    rest = candidates.kind <= MISMATCH
    rest[errors] = False
    evidence = silent.copy()
    np.maximum.at(evidence, candidates.place[rest], score[rest])
    return evidence


def _apply(
    truth: NDArray[np.uint8], qualities: _Floats, candidates: CandidateErrors, errors: _Ints, wrong: _Ints
) -> DraftSequence:
    """Apply the errors; the affected base, or the one after it, gets the error's quality."""
    kind, place = candidates.kind[errors], candidates.place[errors]
    base, size = candidates.base[errors], candidates.size[errors]
    bases, copies = truth.copy(), np.ones(len(truth), np.int64)
    bases[place[kind == MISMATCH]] = base[kind == MISMATCH]
    copies[place[kind == HOMOPOLYMER_LONGER]] = 2
    copies[place[kind == HOMOPOLYMER_SHORTER]] = 0
    gone = kind == UNIT_SHORTER
    for offset in range(int(size[gone].max(initial=0))):
        copies[place[gone & (size > offset)] + offset] = 0
    marked = qualities.copy()
    standing = (kind == HOMOPOLYMER_LONGER) | (kind == MISMATCH)
    marked[place[standing]] = wrong[standing]
    lost = (kind == HOMOPOLYMER_SHORTER) | gone
    marked[np.minimum(place[lost] + size[lost], len(truth) - 1)] = wrong[lost]
    firsts = np.cumsum(copies) - copies
    repeated = np.repeat(marked, copies)
    # The first of two copies carries the quality of both.
    repeated[firsts[place[kind == HOMOPOLYMER_LONGER]] + 1] = qualities.max(initial=0)
    before, letters, low = _added_bases(truth, candidates, errors, wrong)
    where = np.append(firsts, copies.sum())[before]
    return DraftSequence(
        np.insert(np.repeat(bases, copies), where, letters).astype(np.uint8),
        np.rint(np.insert(repeated, where, low)).astype(np.uint8),
    )


def _added_bases(
    truth: NDArray[np.uint8], candidates: CandidateErrors, errors: _Ints, wrong: _Ints
) -> tuple[_Ints, NDArray[np.uint8], _Ints]:
    """Inserted bases that extend no homopolymer: the base each precedes, its code and its quality."""
    added = np.isin(candidates.kind[errors], (INSERTION, UNIT_LONGER))
    place, size = candidates.place[errors][added], candidates.size[errors][added]
    event = np.repeat(np.arange(len(place)), size)
    step = np.arange(len(event)) - (np.cumsum(size) - size)[event]
    base = candidates.base[errors][added][event]
    copied = truth[np.minimum(place[event] + step, len(truth) - 1)]
    return place[event], np.where(base > 0, base, copied), wrong[added][event]
