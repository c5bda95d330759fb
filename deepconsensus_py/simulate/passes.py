"""One pass of the polymerase over a template: which bases it reads, skips, mistakes and adds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.pacbio.molecule import GAP, N
from deepconsensus_py.simulate.profile import BaseClass, PassProfile, Spread
from deepconsensus_py.simulate.templates import homopolymer_runs

HIGHEST_PROBABILITY = 0.5


@dataclass(frozen=True, slots=True)
class RateFactors:
    """How much more often than the profile says a molecule or a pass errs.

    Attributes:
        mismatch: factor on mismatches.
        insertion: factor on insertion events.
        deletion: factor on deletions.
    """

    mismatch: float = 1.0
    insertion: float = 1.0
    deletion: float = 1.0

    def __mul__(self, other: "RateFactors") -> "RateFactors":
        return RateFactors(
            self.mismatch * other.mismatch, self.insertion * other.insertion, self.deletion * other.deletion
        )


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What a pass reads.

    Attributes:
        bases: ``uint8[n]`` base codes in the order of sequencing.
        classes: ``uint8[n]`` ``BaseClass`` of each base.
    """

    bases: NDArray[np.uint8]
    classes: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class _Insertions:
    """Bases inserted before template bases: one row per event, in template order."""

    before: NDArray[np.int64]
    lengths: NDArray[np.int64]
    classes: NDArray[np.uint8]
    cognate: NDArray[np.bool_]


def draw_factors(spread: Spread, rng: np.random.Generator) -> RateFactors:
    """Log-normal factors of mean one."""
    deviations = np.array([spread.mismatch, spread.insertion, spread.deletion])
    return RateFactors(*np.exp(rng.standard_normal(3) * deviations - deviations**2 / 2).tolist())


def read_template(
    template: NDArray[np.uint8], profile: PassProfile, factors: RateFactors, rng: np.random.Generator
) -> Reading:
    """Read a template once.

    Args:
        template: ``uint8[n]`` base codes in the direction of sequencing.
        profile: error rates.
        factors: factors on them.
        rng: source of randomness.
    """
    runs = homopolymer_runs(template)
    run_length = np.minimum(runs.lengths[runs.index], len(profile.cognate_insertion) - 1)
    deleted = rng.random(len(template)) < _capped(profile.deletion[run_length, template] * factors.deletion)
    called = _substitute(template, profile.substitution * factors.mismatch, rng)
    classes = np.where(called == template, np.uint8(BaseClass.MATCH), np.uint8(BaseClass.MISMATCH))
    after_deletion = np.zeros(len(template), bool)
    after_deletion[1:] = deleted[:-1]
    classes[after_deletion & (classes == BaseClass.MATCH)] = BaseClass.MATCH_AFTER_DELETION
    insertions = _draw_insertions(run_length, profile, factors.insertion, rng)
    inserted = _inserted_bases(template, insertions, profile.inserted_base, rng)
    kept = ~deleted
    where = np.concatenate((np.repeat(insertions.before, insertions.lengths), np.flatnonzero(kept)))
    order = np.argsort(where, kind="stable")
    bases = np.concatenate((inserted, called[kept]))
    all_classes = np.concatenate((np.repeat(insertions.classes, insertions.lengths), classes[kept]))
    return Reading(bases[order], all_classes[order])


def _capped(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.minimum(probability, HIGHEST_PROBABILITY)


def _substitute(
    template: NDArray[np.uint8], substitution: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.uint8]:
    cumulative = np.cumsum(substitution, axis=1)
    called = template.copy()
    draw = rng.random(len(template))
    changed = np.flatnonzero(draw < cumulative[template, -1])
    called[changed] = (draw[changed, None] >= cumulative[template[changed]]).sum(axis=1)
    # The instrument always calls a base.
    unknown = called == N
    called[unknown] = rng.integers(1, N, int(unknown.sum()))
    return called


def _draw_insertions(
    run_length: NDArray[np.int64], profile: PassProfile, factor: float, rng: np.random.Generator
) -> _Insertions:
    cognate = profile.cognate_insertion[run_length] * factor
    foreign = cognate + profile.foreign_insertion * factor
    long = foreign + profile.long_insertion * factor
    draw = rng.random(len(run_length))
    before = np.flatnonzero(draw < long)
    draw = draw[before]
    classes = np.full(len(before), BaseClass.INSERTION_MULTI, np.uint8)
    classes[draw < foreign[before]] = BaseClass.INSERTION_NONCOGNATE
    classes[draw < cognate[before]] = BaseClass.INSERTION_COGNATE
    is_long = classes == BaseClass.INSERTION_MULTI
    cumulative = np.cumsum(profile.long_insertion_length)
    lengths = np.ones(len(before), np.int64)
    lengths[is_long] = 2 + np.searchsorted(cumulative, rng.random(int(is_long.sum())) * cumulative[-1])
    same = classes == BaseClass.INSERTION_COGNATE
    same[is_long] = rng.random(int(is_long.sum())) < profile.long_insertion_cognate_share
    return _Insertions(before, lengths, classes, same)


def _inserted_bases(
    template: NDArray[np.uint8],
    insertions: _Insertions,
    composition: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    event = np.repeat(np.arange(len(insertions.before)), insertions.lengths)
    behind = insertions.before[event]
    weights = np.tile(composition, (len(event), 1))
    single = np.flatnonzero(insertions.classes[event] == BaseClass.INSERTION_NONCOGNATE)
    weights[single, template[behind[single]]] = 0
    weights[single, np.where(behind > 0, template[behind - 1], GAP)[single]] = 0
    cumulative = np.cumsum(weights, axis=1)
    bases = (rng.random(len(event))[:, None] * cumulative[:, -1:] >= cumulative).sum(axis=1).astype(np.uint8)
    same = insertions.cognate[event] & (template[behind] != N)
    return np.where(same, template[behind], bases)
