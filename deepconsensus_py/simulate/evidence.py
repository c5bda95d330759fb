"""Evidence of the passes for errors in a molecule's consensus, as a caller with average error rates sees it.

No alignment is needed: the simulator records the template base of every read base.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.pacbio.molecule import G, N, reverse_complement
from deepconsensus_py.simulate.profile import LONGEST_HOMOPOLYMER, MOST_OBSERVED, BaseClass, PassProfile
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
