"""Draft consensus reads: the truth with errors and base qualities like those of ``ccs``.

Errors are placed where the evidence of the passes is weakest for a caller that uses average error rates; their number
is that measured for the coverage, scaled by how ambiguous the passes of the molecule are. No alignment is needed for
that: the simulator records the template base of every read base.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.pacbio.molecule import G, N, reverse_complement
from deepconsensus_py.simulate.profile import LONGEST_HOMOPOLYMER, MOST_OBSERVED, BaseClass, DraftProfile, PassProfile
from deepconsensus_py.simulate.sites import Turn
from deepconsensus_py.simulate.templates import tandem_repeats, template_homopolymers

FEWEST_SEEN = 1e-7  # probability of events never observed
UNIT_WEIGHT = 1.5  # nats per base of difference in repeat length

_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class CandidateErrors:
    """Single changes of a molecule's sequence with the evidence of the passes.

    Attributes:
        kind: ``uint8[k]`` kind: homopolymer longer, homopolymer shorter, insertion, mismatch, repeat longer, repeat
            shorter.
        place: ``int64[k]`` first base of the homopolymer or repeat; base of the mismatch or after the insertion.
        base: ``uint8[k]`` base code of the mismatch or insertion; 0 for homopolymers and repeats.
        size: ``int64[k]`` repeat unit, bp; 1 for all others.
        score: ``float64[k]`` evidence for the change in nats; mostly negative.
    """

    kind: NDArray[np.uint8]
    place: _Ints
    base: NDArray[np.uint8]
    size: _Ints
    score: _Floats


HOMOPOLYMER_LONGER, HOMOPOLYMER_SHORTER, INSERTION, MISMATCH, UNIT_LONGER, UNIT_SHORTER = range(6)


def weigh(truth: NDArray[np.uint8], turns: list[Turn], profile: PassProfile) -> CandidateErrors:
    """Score every homopolymer one base longer and shorter, and other changes that a pass supports.

    Args:
        truth: ``uint8[n]`` base codes.
        turns: the molecule's passes.
        profile: average error rates; the caller does not have those of the molecule.
    """
    groups = [
        *_weigh_homopolymers(truth, turns, profile),
        *_weigh_bases(truth, turns, profile),
        *_weigh_repeats(truth, turns),
    ]
    columns = [np.concatenate(column) for column in zip(*groups, strict=True)]
    return CandidateErrors(columns[0].astype(np.uint8), columns[1], columns[2].astype(np.uint8), columns[3], columns[4])


_Group = tuple[_Ints, _Ints, _Ints, _Ints, _Floats]


def _group(kind: int, place: _Ints, score: _Floats, base: _Ints | None = None, size: _Ints | None = None) -> _Group:
    number = len(place)
    return (
        np.full(number, kind),
        place,
        np.zeros(number, np.int64) if base is None else base,
        np.ones(number, np.int64) if size is None else size,
        score,
    )


def _weigh_homopolymers(truth: NDArray[np.uint8], turns: list[Turn], profile: PassProfile) -> list[_Group]:
    table = np.log(np.maximum(profile.observed_length, FEWEST_SEEN))
    longer = np.zeros_like(table)
    longer[:, :-1] = table[:, 1:] - table[:, :-1]
    shorter = -np.roll(longer, 1, axis=1)
    homopolymers = template_homopolymers(truth)
    score = np.zeros((2, len(homopolymers.starts)))
    for turn in turns:
        reverse = turn.stretch.reverse
        found = _homopolymer_evidence(reverse_complement(truth) if reverse else truth, turn, longer, shorter)
        score += found[:, ::-1] if reverse else found
    known = truth[homopolymers.starts] < N
    return [
        _group(kind, homopolymers.starts[known], evidence[known])
        for kind, evidence in ((HOMOPOLYMER_LONGER, score[0]), (HOMOPOLYMER_SHORTER, score[1]))
    ]


def _homopolymer_evidence(template: NDArray[np.uint8], turn: Turn, longer: _Floats, shorter: _Floats) -> _Floats:
    """Evidence of one pass for longer and shorter homopolymers, in read orientation."""
    homopolymers, reading = template_homopolymers(template), turn.reading
    homopolymer = homopolymers.index[reading.origin]
    own = (reading.bases == template[reading.origin]) | (reading.classes == BaseClass.MISMATCH)
    observed = np.bincount(homopolymer[own], minlength=len(homopolymers.starts))
    # Longer homopolymers have the error rates of the longest in the table.
    length = np.minimum(homopolymers.lengths, LONGEST_HOMOPOLYMER - 1)
    observed = np.clip(observed - (homopolymers.lengths - length), 0, MOST_OBSERVED)
    base = template[homopolymers.starts]
    covered = (homopolymers.starts >= turn.stretch.start) & (
        homopolymers.starts + homopolymers.lengths <= turn.stretch.stop
    )
    return np.stack([table[base, length, observed] * covered for table in (longer, shorter)])


def _weigh_bases(truth: NDArray[np.uint8], turns: list[Turn], profile: PassProfile) -> list[_Group]:
    """Insertions and mismatches in at least one pass."""
    deletion = float(profile.shorten[1:N, 1].mean())
    coverage = _coverage(truth, turns)
    groups = []
    for kind, base_class, rate in (
        (INSERTION, BaseClass.INSERTION_NONCOGNATE, float(profile.foreign_insertion.sum() / (16 * G))),
        (MISMATCH, BaseClass.MISMATCH, float(profile.mismatch.sum() / (64 * G))),
    ):
        place, base, count = _shown(len(truth), turns, base_class)
        against = np.log((1 - rate) / deletion) if kind == INSERTION else np.log((1 - deletion) / rate)
        score = count * np.log((1 - deletion) / rate) - (coverage[place] - count) * against
        groups.append(_group(kind, place, score, base))
    return groups


def _coverage(truth: NDArray[np.uint8], turns: list[Turn]) -> _Ints:
    change = np.zeros(len(truth) + 1, np.int64)
    for stretch in (turn.stretch for turn in turns):
        ends = stretch.start, stretch.stop
        first, last = (len(truth) - ends[1], len(truth) - ends[0]) if stretch.reverse else ends
        change[first] += 1
        change[last] -= 1
    return np.cumsum(change)[:-1]


def _shown(length: int, turns: list[Turn], base_class: BaseClass) -> tuple[_Ints, _Ints, _Ints]:
    """Place, base and number of passes of the bases of a class."""
    keys = []
    for reverse, reading in ((turn.stretch.reverse, turn.reading) for turn in turns):
        shown = np.flatnonzero(reading.classes == base_class)
        origin, base = reading.origin[shown], reading.bases[shown]
        if reverse:
            # Before a base of this strand is after its partner on the other.
            origin = length - 1 - origin + (base_class == BaseClass.INSERTION_NONCOGNATE)
            base = reverse_complement(base)[::-1]
        keys.append(8 * origin + base)
    found, count = np.unique(np.concatenate(keys), return_counts=True)
    inside = found < 8 * length
    return found[inside] // 8, found[inside] % 8, count[inside]


def _weigh_repeats(truth: NDArray[np.uint8], turns: list[Turn]) -> list[_Group]:
    """Repeats one unit longer or shorter, by how much closer that is to the length in each pass."""
    repeats = tandem_repeats(truth)
    nearer = np.zeros((2, len(repeats.starts)))
    length = len(truth)
    for stretch, origin in ((turn.stretch, turn.reading.origin) for turn in turns):
        start, stop = repeats.starts, repeats.stops
        if stretch.reverse:
            start, stop = length - stop, length - start
        read = np.searchsorted(origin, stop) - np.searchsorted(origin, start)
        excess = read - (stop - start)
        covered = (start >= stretch.start) & (stop <= stretch.stop)
        for row, size in enumerate((repeats.units, -repeats.units)):
            nearer[row] += (np.abs(excess) - np.abs(excess - size)) * covered
    return [
        _group(kind, repeats.starts, UNIT_WEIGHT * row, size=repeats.units)
        for kind, row in ((UNIT_LONGER, nearer[0]), (UNIT_SHORTER, nearer[1]))
    ]


OFFSET = np.array([0, 1, 2, 3, 4, 4])  # index of each kind of candidate into the profile's offsets
UNDECIDED = 2.0  # nats, the scale of ambiguous evidence
SILENCE = -3.3  # nats; evidence against another base of a pass that supports the truth


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
